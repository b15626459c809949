/** Whatever a provider does, the program notices nothing, and a healthy provider beside it gets everything. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Duration, Effect, Exit, FastCheck, Fiber, Layer, Scope, TestClock } from "effect"
import { logChatMessage, logLlmCall } from "../../src/Log.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Observation } from "../../src/Observation.ts"
import type { Provider } from "../../src/Provider.ts"
import { memory, noop } from "../../src/Provider.ts"
import { annotate, withSpan, withTrace } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"

const bad: Readonly<Record<string, () => Provider>> = {
  failing: () => Testing.failing(),
  dying: () => Testing.dying(),
  throwing: () => Testing.throwing(),
  hanging: () => Testing.hanging(),
  slow: () => Testing.slow("1 hour"),
  lying: () => Testing.lying(),
  refusing: () => Testing.refusing(() => true),
  "refusing some": () => Testing.refusing((record) => record._tag === "Span", memory("refusing some")),
  "interrupting itself": () => ({ name: "interrupting itself", write: () => Effect.interrupt }),
  "no provider at all": () => ({ name: "none", write: () => undefined as never })
}

/** Programs that end in every way a program can end, with spans, logs, concurrency and time in them. */
type Program =
  | { readonly _tag: "succeed" | "fail" | "die" | "interrupt" | "log"; readonly value: number }
  | { readonly _tag: "span" | "trace" | "retried" | "caught" | "timed"; readonly inner: Program }
  | { readonly _tag: "both" | "then"; readonly left: Program; readonly right: Program }

const programs = FastCheck.letrec<{ readonly program: Program }>((tie) => ({
  program: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.record({
      _tag: FastCheck.constantFrom(
        "succeed" as const,
        "fail" as const,
        "die" as const,
        "interrupt" as const,
        "log" as const
      ),
      value: FastCheck.nat({ max: 9 })
    }),
    FastCheck.record({
      _tag: FastCheck.constantFrom(
        "span" as const,
        "trace" as const,
        "retried" as const,
        "caught" as const,
        "timed" as const
      ),
      inner: tie("program")
    }),
    FastCheck.record({
      _tag: FastCheck.constantFrom("both" as const, "then" as const),
      left: tie("program"),
      right: tie("program")
    })
  )
})).program

/** What the program is, with every span and log in it, or with none. */
const build = (program: Program, observed: boolean): Effect.Effect<unknown, unknown, ObservabilityService> => {
  const go = (inner: Program) => build(inner, observed)
  switch (program._tag) {
    case "succeed":
      return Effect.as(Effect.sleep(program.value), program.value)
    case "fail":
      return Effect.delay(Effect.fail({ failure: program.value }), program.value)
    case "die":
      return Effect.die({ defect: program.value })
    case "interrupt":
      return Effect.interrupt
    case "log":
      return observed
        ? logLlmCall({ model: "m", provider: "p", promptTokens: program.value }).pipe(
          Effect.zipRight(logChatMessage({ role: "user", content: "why?" })),
          Effect.zipRight(annotate({ attributes: { value: program.value } })),
          Effect.as(program.value)
        )
        : Effect.succeed(program.value)
    case "span":
      return observed ? withSpan(go(program.inner), "span", { input: program }) : go(program.inner)
    case "trace":
      return observed ? withTrace(go(program.inner), "trace", { input: program }) : go(program.inner)
    case "retried":
      return Effect.retry(go(program.inner), { times: 1 })
    case "caught":
      return Effect.catchAll(go(program.inner), (error) => Effect.succeed({ caught: error }))
    case "timed":
      return Effect.timeoutOption(go(program.inner), "5 millis")
    case "both":
      return Effect.all([go(program.left), go(program.right)], { concurrency: "unbounded" })
    case "then":
      return Effect.zip(go(program.left), go(program.right))
  }
}

/** How a program ended, without what differs from run to run: the ids of fibers. */
const ending = (exit: Exit.Exit<unknown, unknown>): unknown =>
  Exit.isSuccess(exit) ? { value: exit.value } : {
    failures: Array.from(Cause.failures(exit.cause)),
    defects: Array.from(Cause.defects(exit.cause)),
    isInterrupted: Cause.isInterrupted(exit.cause),
    isInterruptedOnly: Cause.isInterruptedOnly(exit.cause)
  }

/** Runs a program to its end, and notes when that was by the test's clock. */
const run = <E>(program: Effect.Effect<unknown, E>) =>
  Effect.gen(function*() {
    const start = yield* TestClock.currentTimeMillis
    const fiber = yield* Effect.fork(
      Effect.exit(program).pipe(Effect.flatMap((exit) =>
        Effect.map(TestClock.currentTimeMillis, (end) => ({ ...ending(exit) as object, millis: end - start }))
      ))
    )
    yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

const withoutIds = (records: ReadonlyArray<Observation>) =>
  records.map(({ _tag, ...record }) =>
    `${_tag} ${"name" in record ? record.name : ""} ${"status" in record ? record.status : ""}`
  )

describe("providers that misbehave", () => {
  it.effect.prop(
    "change no result, error, defect, interruption or time of any program, and keep no record from a healthy one",
    [programs, FastCheck.subarray(Object.keys(bad), { minLength: 1 }), FastCheck.nat({ max: 3 })],
    ([program, names, position]) =>
      Effect.gen(function*() {
        const expected = yield* run(Effect.provide(build(program, false), ObservabilityService.layerNoop))

        const alone = memory()
        const healthy = memory("healthy")
        const others = names.map((name) => ({ ...bad[name]!(), name }))
        others.splice(Math.min(position, others.length), 0, healthy)
        for (const [store, providers] of [[alone, [alone]], [healthy, others]] as const) {
          const scope = yield* Scope.make()
          const service = yield* Layer.buildWithScope(
            ObservabilityService.layer({ providers, closeDeadline: 5 }),
            scope
          )
          assert.deepStrictEqual(yield* run(Effect.provide(build(program, true), service)), expected)
          const { flush, stats } = Context.get(service, ObservabilityService)
          const flushing = yield* Effect.fork(flush({ timeout: "1 second" }))
          yield* TestClock.adjust("1 second")
          const receipts = yield* Fiber.join(flushing)
          const receipt = receipts[store.name]!
          assert.deepInclude(receipt, { written: receipt.accepted, pending: 0, dropped: 0, rejected: 0 })
          assert.strictEqual(receipt.written, store.records.length)
          for (const { accepted, dropped, pending, rejected, spooled, written } of Object.values(receipts)) {
            assert.strictEqual(accepted, written + spooled + dropped + rejected + pending)
            assert.strictEqual(accepted, receipt.accepted)
          }
          assert.strictEqual((yield* stats).failedRecordings, 0)
          yield* Scope.close(scope, Exit.void)
        }
        assert.sameMembers(withoutIds(healthy.records), withoutIds(alone.records))
      }),
    { fastCheck: { numRuns: 60 }, timeout: 60_000 }
  )

  it.effect("do not keep an interruption of the program waiting", () =>
    Effect.gen(function*() {
      for (const make of [() => noop, ...Object.values(bad)]) {
        const program = Effect.never.pipe(withSpan("inner"), withTrace("outer"))
        const exit = yield* Effect.scoped(Effect.gen(function*() {
          const service = yield* Layer.build(ObservabilityService.layer({ providers: [make()], closeDeadline: 5 }))
          const fiber = yield* Effect.fork(Effect.provide(program, service))
          yield* TestClock.adjust("1 second")
          return yield* Fiber.interrupt(fiber)
        }))
        assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause), make().name)
      }
      assert.isAtLeast(yield* TestClock.currentTimeMillis, 1_000)
    }))

  it.live("hold the end of the program up until the deadline at most, all of them together", () =>
    Effect.gen(function*() {
      const healthy = memory("healthy")
      const providers = [...Object.entries(bad).map(([name, make]) => ({ ...make(), name })), healthy]
      const layer = ObservabilityService.layer({ providers, closeDeadline: "200 millis" })
      const program = Effect.succeed(7).pipe(withSpan("inner"), withTrace("outer"), Effect.provide(layer))
      const [time, result] = yield* Effect.timed(program)
      assert.strictEqual(result, 7)
      assert.isBelow(Duration.toMillis(time), 2_500)
      assert.deepStrictEqual(withoutIds(healthy.records).sort(), ["Span inner success", "Trace outer success"])
    }))
})
