/**
 * For the tests of programs that use this library: all records kept in memory, sequential ids, a tree to compare with,
 * and providers that misbehave. Works with `TestClock`: nothing here waits, except when the layer closes, which waits
 * at most a second for providers that do not answer.
 *
 * @example
 * ```ts
 * import { withSpan, withTrace } from "effect-observability"
 * import * as Testing from "effect-observability/Testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.void.pipe(withSpan("retrieve", { type: "retrieval" }), withTrace("chat"))
 *
 * const test = Effect.gen(function*() {
 *   yield* program
 *   const recorded = yield* Testing.Recorded
 *   console.log(yield* recorded.tree)
 * })
 *
 * Effect.runPromise(test.pipe(Effect.provide(Testing.layer())))
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { IdGenerator, sequential } from "./IdGenerator.ts"
import { latest } from "./internal/testing/latest.ts"
import { renderTree } from "./internal/testing/tree.ts"
import type { Options } from "./ObservabilityService.ts"
import { ObservabilityService } from "./ObservabilityService.ts"
import type { Kind, Observation } from "./Observation.ts"
import type { Provider } from "./Provider.ts"
import { memory, ProviderError } from "./Provider.ts"

/**
 * The recorded observations. Each effect reads the newest state: nothing has to be flushed before.
 *
 * @since 0.1.0
 * @category tags
 */
export class Recorded extends Context.Tag("effect-observability/Testing/Recorded")<Recorded, {
  /** Every snapshot, in the order in which the provider got them. */
  readonly observations: Effect.Effect<ReadonlyArray<Observation>>
  /** The last snapshot of every record of a kind, in the order in which they began. */
  readonly of: <K extends Kind>(kind: K) => Effect.Effect<ReadonlyArray<Extract<Observation, { readonly _tag: K }>>>
  /** All traces as trees, one line per span; see `renderTree`. */
  readonly tree: Effect.Effect<string>
  /**
   * Forgets everything recorded so far, for tests that share a layer. Spans that are still open are recorded when they
   * end, and ids go on counting.
   */
  readonly clear: Effect.Effect<void>
}>() {}

/**
 * The service with a memory provider and sequential ids, and `Recorded` to read the records. The default for
 * `closeDeadline` is 1 second.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Omit<Options, "providers"> & {
    /** Providers besides the one that records, for example one that fails. */
    readonly providers?: ReadonlyArray<Provider> | undefined
  }
): Layer.Layer<ObservabilityService | Recorded> =>
  Layer.suspend(() => {
    const provider = memory("recorded")
    const service = ObservabilityService.layer({
      // in real time: with a provider that never answers, closing takes all of it
      closeDeadline: "1 second",
      ...options,
      providers: [provider, ...(options?.providers ?? [])]
    })
    const recorded = Layer.effect(
      Recorded,
      Effect.map(ObservabilityService, (service) => {
        // waits only for the recording provider: the others of a test may never answer
        const settled = Effect.repeat(Effect.zipRight(Effect.yieldNow(), service.stats), {
          until: ({ providers }) => providers[provider.name]?.pending === 0
        })
        let cleared = 0
        const observations = service.flush({ timeout: 0 }).pipe(
          Effect.zipRight(settled),
          Effect.map(() => provider.records.slice(cleared))
        )
        return {
          observations,
          of: <K extends Kind>(kind: K) =>
            Effect.map(observations, (records) =>
              latest(records).filter((record): record is Extract<Observation, { readonly _tag: K }> =>
                record._tag === kind
              )),
          tree: Effect.map(observations, renderTree),
          clear: Effect.map(observations, ({ length }) => {
            cleared += length
          })
        }
      })
    )
    return Layer.mergeAll(
      Layer.provideMerge(recorded, service),
      // provided to the program and not only to the service: ids are drawn by the fiber that needs them
      Layer.sync(IdGenerator, sequential)
    )
  })

export { renderTree }

/**
 * A provider whose every write fails with a transient error.
 *
 * @since 0.1.0
 * @category providers
 */
export const failing = (name = "failing"): Provider => ({
  name,
  write: () => Effect.fail(ProviderError.transient("this provider always fails"))
})

/**
 * A provider that refuses every batch with a record for which the predicate holds, without saying which record it is.
 *
 * @since 0.1.0
 * @category providers
 */
export const refusing = (
  refuses: (observation: Observation) => boolean,
  to: Provider = memory("refusing")
): Provider => ({
  ...to,
  write: (batch) => batch.some(refuses) ? Effect.fail(ProviderError.rejected("refused")) : to.write(batch)
})

/**
 * A provider that dies with a defect instead of answering.
 *
 * @since 0.1.0
 * @category providers
 */
export const dying = (name = "dying"): Provider => ({ name, write: () => Effect.dieMessage("this provider dies") })

/**
 * A provider that throws before it even returns an effect.
 *
 * @since 0.1.0
 * @category providers
 */
export const throwing = (name = "throwing"): Provider => ({
  name,
  write: () => {
    throw new Error("this provider throws")
  }
})

/**
 * A provider that never answers and cannot be interrupted.
 *
 * @since 0.1.0
 * @category providers
 */
export const hanging = (name = "hanging"): Provider => ({ name, write: () => Effect.uninterruptible(Effect.never) })

/**
 * A provider that answers late.
 *
 * @since 0.1.0
 * @category providers
 */
export const slow = (delay: Duration.DurationInput, to: Provider = memory("slow")): Provider => ({
  ...to,
  write: (batch) => Effect.delay(to.write(batch), delay)
})

/**
 * A provider that confirms every write, without writing anything.
 *
 * @since 0.1.0
 * @category providers
 */
export const lying = (name = "lying"): Provider => ({ name, write: () => Effect.void })
