/** Which span a native one belongs to, where that is not simply the one around it. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Tracer } from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import type { ObservabilityService } from "../src/ObservabilityService.ts"
import { withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"

const recording = (options?: EffectTracer.Options) =>
  EffectTracer.layer(options).pipe(Layer.provideMerge(Testing.layer()))

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))

const named = (name: string) => Effect.map(spans, (all) => all.find((each) => each.name === name)!)

const traces = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))

const late = Effect.withSpan(Effect.void, "late")

const forking = Effect.forkDaemon(late)

/** Lets `late` begin, in a fiber that was forked by `fork`, when everything that `around` puts around the fork is over. */
const afterwards = <R>(
  around: (fork: typeof forking) => Effect.Effect<Fiber.RuntimeFiber<void>, never, R>
) =>
  Effect.gen(function*() {
    const go = yield* Deferred.make<void>()
    const fiber = yield* around(Effect.forkDaemon(Effect.zipRight(Deferred.await(go), late)))
    yield* Deferred.succeed(go, undefined)
    yield* Fiber.join(fiber)
  })

describe("a parent that is stated", () => {
  it.effect("is the parent, unless a span of this library is further in", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Effect.currentSpan, (stated) =>
        Effect.withSpan(Effect.void, "within").pipe(
          Effect.zipRight(Effect.withSpan(Effect.void, "native", { parent: stated })),
          withSpan("own")
        )).pipe(Effect.withSpan("stated"))
      const stated = yield* Effect.currentSpan.pipe(Effect.withSpan("beside"))
      yield* Effect.withSpan(Effect.void, "elsewhere", { parent: stated }).pipe(withSpan("unrelated"))
      assert.strictEqual((yield* named("native")).parentSpanId, (yield* named("own")).spanId)
      assert.strictEqual((yield* named("elsewhere")).parentSpanId, (yield* named("beside")).spanId)
    }).pipe(Effect.provide(recording())))

  it.effect("is the parent also when it has ended", () =>
    Effect.gen(function*() {
      const stated = yield* Effect.currentSpan.pipe(Effect.withSpan("stated"))
      yield* Effect.withSpan(Effect.void, "native", { parent: stated })
      assert.strictEqual((yield* named("native")).parentSpanId, (yield* named("stated")).spanId)
    }).pipe(Effect.provide(recording())))
})

describe("an external span around", () => {
  const external = Tracer.externalSpan({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" })

  it.effect("goes on where it stands within a trace, and is left by a trace within it", () =>
    Effect.gen(function*() {
      yield* Effect.withSpan(Effect.void, "inside").pipe(Effect.withParentSpan(external), withTrace("around"))
      yield* Effect.withSpan(Effect.void, "outside").pipe(withTrace("within"), Effect.withParentSpan(external))
      assert.strictEqual((yield* named("inside")).parentSpanId, external.spanId)
      const within = (yield* traces).find(({ name }) => name === "within")!
      assert.strictEqual((yield* named("outside")).parentSpanId, within.spanId)
    }).pipe(Effect.provide(recording())))

  it.effect("that is not to be propagated is none", () =>
    Effect.gen(function*() {
      const silent = Tracer.externalSpan({ ...external, context: Context.make(Tracer.DisablePropagation, true) })
      yield* Effect.withSpan(Effect.void, "native").pipe(Effect.withParentSpan(silent))
      assert.notStrictEqual((yield* named("native")).traceId, external.traceId)
    }).pipe(Effect.provide(recording())))
})

describe("a span that begins when the one around it has ended", () => {
  it.effect("belongs to the nearest one that has not, and links to the one that has", () =>
    Effect.gen(function*() {
      yield* afterwards((fork) => fork.pipe(Effect.withSpan("spawn"), withSpan("own spawn"))).pipe(
        Effect.withSpan("request")
      )
      const [request, spawn, native] = [yield* named("request"), yield* named("spawn"), yield* named("late")]
      assert.strictEqual(native.parentSpanId, request.spanId)
      assert.deepStrictEqual(native.links, [{ traceId: spawn.traceId, spanId: spawn.spanId, attributes: {} }])
    }).pipe(Effect.provide(recording())))

  it.effect("belongs to its trace while that runs", () =>
    Effect.gen(function*() {
      yield* afterwards((fork) => fork.pipe(withSpan("spawn"))).pipe(withTrace("trace"))
      const [trace] = yield* traces
      assert.strictEqual((yield* named("late")).parentSpanId, trace!.spanId)
    }).pipe(Effect.provide(recording())))

  for (
    const [form, around] of [
      ["native", (self: typeof forking) => Effect.withSpan(self, "request")],
      ["own", (self: typeof forking) => withSpan(self, "request")]
    ] as const
  ) {
    it.effect(`begins a trace for the same user when all are over (${form})`, () =>
      Effect.gen(function*() {
        yield* afterwards<ObservabilityService>((fork) =>
          around(fork).pipe(withTrace("trace", { userId: "ada", sessionId: "s", kbId: "kb", sampled: false }))
        )
        const [request, native] = [yield* named("request"), yield* named("late")]
        assert.notStrictEqual(native.traceId, request.traceId)
        assert.deepInclude(native, { userId: "ada", sessionId: "s", kbId: "kb" })
        assert.deepStrictEqual(native.links, [{ traceId: request.traceId, spanId: request.spanId, attributes: {} }])
        assert.deepStrictEqual((yield* traces).map(({ name, status }) => [name, status]), [
          ["trace", "success"],
          ["late", "success"]
        ])
      }).pipe(Effect.provide(recording())))
  }

  it.effect("is not the question for one that is not recorded", () =>
    Effect.gen(function*() {
      yield* afterwards((fork) => fork.pipe(Effect.withSpan("unrecorded"))).pipe(Effect.withSpan("request"))
      const native = yield* named("late")
      assert.strictEqual(native.parentSpanId, (yield* named("request")).spanId)
      assert.isUndefined(native.links)
      yield* afterwards((fork) => fork.pipe(Effect.withSpan("unrecorded"), Effect.withSpan("over")))
      const after = (yield* spans).filter(({ name }) => name === "late")[1]!
      assert.deepInclude(after.links![0], { spanId: (yield* named("over")).spanId })
    }).pipe(Effect.provide(recording({ shouldRecord: ({ name }) => name !== "unrecorded" }))))
})

describe("a native span at the top", () => {
  it.live("begins and ends with its trace, to the microsecond", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(Array.from({ length: 50 }), (_, index) => Effect.withSpan(Effect.void, `${index}`))
      const all = new Map((yield* traces).map((trace) => [trace.traceId, trace]))
      for (const { durationMicros, startTimeUnixMicros, traceId } of yield* spans) {
        assert.deepInclude(all.get(traceId), { startTimeUnixMicros, durationMicros })
      }
    }).pipe(Effect.provide(recording())))
})

describe("a native span within one from before the layer, which only Effect's own tracer knows,", () => {
  it.effect("begins a trace", () =>
    Effect.gen(function*() {
      const main = yield* Effect.currentSpan
      const [trace, native] = yield* Effect.withSpan(Effect.void, "native").pipe(
        Effect.zipRight(Effect.all([traces, named("native")])),
        Effect.provide(recording())
      )
      assert.deepStrictEqual(trace.map(({ name, spanId }) => [name, spanId]), [["native", native.parentSpanId]])
      assert.notStrictEqual(native.traceId, main.traceId)
    }).pipe(Effect.withSpan("main")))
})

describe("a filter", () => {
  it.effect("knows the attributes that the program gives to all spans in it", () =>
    Effect.gen(function*() {
      yield* Effect.withSpan(Effect.void, "native").pipe(Effect.annotateSpans("noise", true))
      assert.isEmpty(yield* spans)
    }).pipe(Effect.provide(recording({ shouldRecord: ({ attributes }) => attributes["noise"] !== true }))))
})

describe("a redaction that fails", () => {
  it.effect("lets no event through", () =>
    Effect.gen(function*() {
      yield* Effect.log("secret").pipe(Effect.annotateLogs("key", "secret"), Effect.withSpan("native"))
      yield* Effect.currentSpan.pipe(
        Effect.map((span) => span.event("secret", 0n, { key: "secret" })),
        Effect.withSpan("eventful")
      )
      assert.notInclude(JSON.stringify(yield* spans), "secret")
    }).pipe(Effect.provide(
      EffectTracer.layer().pipe(Layer.provideMerge(Testing.layer({
        redact: () => {
          throw new Error("redaction is broken")
        }
      })))
    )))
})
