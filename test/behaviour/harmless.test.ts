/** The application's result, error, defect and interruption are what they are without the library, whatever it does. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Fiber, Option, Scope, Stream, TestClock } from "effect"
import type { Generator } from "../../src/IdGenerator.ts"
import { IdGenerator } from "../../src/IdGenerator.ts"
import { flush, logChatMessage, logDocumentEvent, logLlmCall } from "../../src/Log.ts"
import type { Options } from "../../src/ObservabilityService.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Observation } from "../../src/Observation.ts"
import type { Provider } from "../../src/Provider.ts"
import { memory, ProviderError } from "../../src/Provider.ts"
import { annotate, span, withSpan, withSpanStream, withTrace } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"

const thrown = (): never => {
  throw new Error("hostile")
}

const hostile = {
  get getter() {
    return thrown()
  },
  toJSON: thrown
}

/** Each does its worst in another way. */
const badProviders: Readonly<Record<string, () => Provider>> = {
  failing: () => Testing.failing("bad"),
  dying: () => Testing.dying("bad"),
  throwing: () => Testing.throwing("bad"),
  hanging: () => Testing.hanging("bad"),
  lying: () => Testing.lying("bad"),
  slow: () => Testing.slow("7 minutes", memory("bad")),
  refusing: () => Testing.refusing(() => true, memory("bad")),
  "interrupting itself": () => ({ name: "bad", write: () => Effect.interrupt }),
  "returning no effect": () => ({ name: "bad", write: (() => Promise.resolve()) as unknown as Provider["write"] }),
  "failing with anything": () => ({
    name: "bad",
    write: () => Effect.fail(hostile as unknown as ProviderError)
  }),
  "never the same": () => {
    let count = 0
    const kinds = [Testing.failing(), Testing.dying(), Testing.throwing(), Testing.lying()]
    return {
      name: "bad",
      write: (batch) =>
        ++count % 5 === 4
          ? ProviderError.rejected("odd", { rejections: [{ index: 99, message: "none" }] })
          : kinds[count % 4]!.write(batch)
    }
  }
}

/** Steps of a program; every one of them, and what it comes to, is known without the library. */
const steps = {
  succeed: Effect.succeed("value"),
  fail: Effect.fail("failure"),
  die: Effect.die("defect"),
  interrupt: Effect.interrupt,
  sleep: Effect.as(Effect.sleep("10 millis"), "slept"),
  timeout: Effect.never.pipe(withSpan("never"), Effect.timeoutOption("5 millis"), Effect.map(Option.isNone)),
  race: Effect.race(withSpan(Effect.sleep(3), "a"), withSpan(Effect.sleep(5), "b")),
  parallel: Effect.forEach([1, 2, 3], (n) => withSpan(Effect.succeed(n), "each", { input: hostile }), {
    concurrency: 2
  }),
  retry: Effect.fail("again").pipe(withSpan("try"), Effect.retry({ times: 2 }), Effect.flip),
  stream: Stream.make(1, 2, 3).pipe(withSpanStream("stream"), Stream.take(2), Stream.runCount),
  handle: Effect.scoped(Effect.map(span("handle", { attributes: hostile }), ({ name }) => name)),
  annotate: annotate({ attributes: hostile, output: hostile, promptTokens: NaN, costUsd: "free" }),
  llm: logLlmCall({ model: "m", input: hostile, latency: "-1 seconds", completionTokens: -5, error: hostile }),
  message: logChatMessage({ role: "user", content: hostile }),
  document: logDocumentEvent({ documentId: "d", eventType: "parse", status: "failed", error: hostile }),
  "finds its service": Effect.map(ObservabilityService, () => "service")
} satisfies Record<string, Effect.Effect<unknown, unknown, ObservabilityService>>

const programs: FastCheck.Arbitrary<ReadonlyArray<keyof typeof steps>> = FastCheck.array(
  FastCheck.constantFrom(...Object.keys(steps) as Array<keyof typeof steps>),
  { maxLength: 6 }
)

const programOf = (names: ReadonlyArray<keyof typeof steps>) =>
  Effect.forEach(names, (name) => withSpan(steps[name] as Effect.Effect<unknown, unknown, ObservabilityService>, name))
    .pipe(withSpan("all", { input: hostile }), withTrace("program", { metadata: hostile, tags: ["a"] }))

/** What comes of a program in a world where the service is as given. */
const outcomeIn = (names: ReadonlyArray<keyof typeof steps>, options: Options | undefined) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const layer = options === undefined ? ObservabilityService.layerNoop : ObservabilityService.layer(options)
    const fiber = yield* programOf(names).pipe(Effect.provide(layer), Scope.extend(scope), Effect.fork)
    yield* TestClock.adjust("1 second")
    const exit = yield* Fiber.await(fiber)
    return Exit.mapErrorCause(
      exit,
      // who interrupted is another fiber in each world
      (cause) => Cause.isInterruptedOnly(cause) ? Cause.die("interrupted") : cause
    )
  })

describe("a program", () => {
  it.effect.prop("comes to the same with every bad provider as with none, and the healthy one beside it has it all", [
    programs,
    FastCheck.constantFrom(...Object.keys(badProviders))
  ], ([names, bad]) =>
    Effect.gen(function*() {
      const healthy = memory("healthy")
      const expected = yield* outcomeIn(names, undefined)
      const actual = yield* outcomeIn(names, { providers: [badProviders[bad]!(), healthy], closeDeadline: 0 })
      assert.deepStrictEqual(actual, expected)
      const open = new Set<string>()
      for (const one of healthy.records) {
        if (one._tag !== "Trace" && one._tag !== "Span") continue
        if (one.status === "in_progress") open.add(one.spanId)
        else open.delete(one.spanId)
      }
      assert.deepStrictEqual(Array.from(open), [])
      assert.isTrue(healthy.records.some((one) => one._tag === "Trace" && one.name === "program"))
    }), { fastCheck: { numRuns: 40 } })

  it.effect("is not disturbed by ids that cannot be drawn, nor by a redaction that is broken", () =>
    Effect.gen(function*() {
      const none: Generator = { traceId: thrown, spanId: thrown }
      const broken: ReadonlyArray<(observation: Observation) => Observation> = [
        thrown,
        () => undefined as unknown as Observation,
        (async (one: Observation) => one) as unknown as (one: Observation) => Observation
      ]
      const names = ["succeed", "llm", "message", "document", "handle", "stream", "annotate"] as const
      const service = yield* Effect.scoped(ObservabilityService.make({ providers: [memory()] }))
      assert.isTrue(Exit.isSuccess(
        yield* programOf(names).pipe(
          Effect.zipRight(Effect.flatMap(service.startTrace({ name: "t" }), (trace) => service.endTrace(trace))),
          Effect.provideService(ObservabilityService, service),
          Effect.provideService(IdGenerator, none),
          Effect.exit
        )
      ))
      for (const redact of broken) {
        const store = memory("store")
        yield* Effect.zipRight(programOf(names), flush()).pipe(
          Effect.provide(ObservabilityService.layer({ providers: [store], redact }))
        )
        assert.isAbove(store.records.length, 5)
        for (const one of store.records) assert.isTrue(Number.isFinite(one.size))
      }
    }))
})
