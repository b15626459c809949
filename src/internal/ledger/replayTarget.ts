/**
 * The provider to which a replay sends, behind a delivery of its own. Like the live delivery, it retries, sets poison
 * records apart and keeps within the provider's limits; it competes with the live delivery as little as possible.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Delivery from "../../Delivery.ts"
import type { Observation } from "../../Observation.ts"
import type { Provider, Settlement } from "../../Provider.ts"

export interface ReplayTarget {
  /**
   * Sends records. Returns when the provider has taken or refused each of them, but no sooner than `recordsPerSecond`
   * allows. Fails with the provider's last message if that takes longer than `patience`.
   */
  readonly send: (records: ReadonlyArray<Observation>) => Effect.Effect<void, { readonly message: string }>
}

export const make = (options: {
  readonly provider: Provider
  readonly recordsPerSecond: number
  readonly patience: Duration.Duration
  /** Called with what became of records, before `send` returns. */
  readonly settled: (settlement: Settlement) => void
}): Effect.Effect<ReplayTarget, never, Scope.Scope> => {
  const { patience, provider, recordsPerSecond, settled } = options
  let lastMessage = "it did not answer"
  const target: Provider = {
    ...provider,
    // tells it from the live delivery in warnings and metrics
    name: `${provider.name} replay`,
    concurrency: 1,
    write: (batch) =>
      Effect.tapError(provider.write(batch), (error) =>
        Effect.sync(() => {
          lastMessage = error.message
        }))
  }
  // The queue holds no more than the records of one `send`, and none of them is dropped for want of room.
  return Effect.map(
    Delivery.make(target, { queueBytes: Number.MAX_SAFE_INTEGER }, undefined, settled),
    (delivery): ReplayTarget => ({
      send: (records) =>
        Effect.gen(function*() {
          const startMillis = yield* Clock.currentTimeMillis
          for (const record of records) delivery.offer(record)
          const { pending } = yield* delivery.flush(patience)
          if (pending > 0) return yield* Effect.fail({ message: lastMessage })
          const dueMillis = startMillis + records.length * 1_000 / recordsPerSecond
          const earlyMillis = Math.ceil(dueMillis - (yield* Clock.currentTimeMillis))
          if (earlyMillis > 0) yield* Effect.sleep(Duration.millis(earlyMillis))
        })
    })
  )
}
