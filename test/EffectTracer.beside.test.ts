/** Native spans that are recorded beside another tracer, which keeps its own. */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import * as OtelTracer from "@effect/opentelemetry/Tracer"
import { assert, describe, it } from "@effect/vitest"
import * as Otel from "@opentelemetry/api"
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Tracer } from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import { defaultTracer } from "../src/internal/tracer.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { withSpan, withTrace, withTraceContext } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

const beside = (tracer: Layer.Layer<never>, options?: EffectTracer.Options) =>
  EffectTracer.layer(options).pipe(Layer.provideMerge(Testing.layer()), Layer.provide(tracer))

const openTelemetry = () => {
  const exporter = new InMemorySpanExporter()
  const layer = NodeSdk.layer(() => ({
    resource: { serviceName: "test" },
    spanProcessor: new SimpleSpanProcessor(exporter)
  }))
  return { exporter, layer: Layer.discard(layer), theirs: (name: string) => find(exporter.getFinishedSpans(), name) }
}

const withContextManager = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => Otel.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())),
    () => self,
    () => Effect.sync(() => Otel.context.disable())
  )

const find = <A extends { readonly name: string }>(all: ReadonlyArray<A>, name: string): A =>
  all.find((each) => each.name === name)!

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))

const traces = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))

const named = (name: string) => Effect.map(spans, (all) => find(all, name))

const stats = Effect.flatMap(ObservabilityService, (service) => service.stats)

describe("OpenTelemetry", () => {
  it.effect("keeps its own object, which it knows by its class", () => {
    const { layer } = openTelemetry()
    return Effect.gen(function*() {
      const span = yield* OtelTracer.currentOtelSpan.pipe(Effect.withSpan("native"))
      assert.strictEqual(span.spanContext().spanId, (yield* named("native")).spanId)
    }).pipe(Effect.provide(beside(layer)))
  })

  it.effect("is told everything that the record is told", () => {
    const { layer, theirs } = openTelemetry()
    return Effect.gen(function*() {
      const other = yield* Effect.currentSpan.pipe(Effect.withSpan("other"))
      yield* Effect.gen(function*() {
        const span = yield* Effect.currentSpan
        span.event("happened", 5_000_000n, { detail: 1 })
        span.attribute("late", "yes")
        span.addLinks([{ _tag: "SpanLink", span: other, attributes: { why: "because" } }])
        return yield* Effect.fail("no")
      }).pipe(Effect.withSpan("native", { kind: "producer" }), Effect.ignore)
      const [ours, their] = [yield* named("native"), theirs("native")]
      assert.deepInclude(ours, { kind: "producer", status: "error" })
      assert.deepStrictEqual(ours.events, [{ name: "happened", timeUnixMicros: 5_000, attributes: { detail: 1 } }])
      assert.deepStrictEqual(ours.links?.[0]?.attributes, { why: "because" })
      assert.strictEqual(ours.attributes?.["late"], "yes")
      assert.strictEqual(their.events[0]!.name, "happened")
      assert.deepStrictEqual(their.links[0]!.context.spanId, other.spanId)
      assert.strictEqual(their.attributes["late"], "yes")
      assert.strictEqual(their.status.code, Otel.SpanStatusCode.ERROR)
    }).pipe(Effect.provide(beside(layer)))
  })

  it.effect("begins another trace, too, where the span around has ended", () => {
    const { layer, theirs } = openTelemetry()
    return Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      const daemon = yield* Deferred.await(go).pipe(
        Effect.zipRight(Effect.withSpan(Effect.void, "late")),
        Effect.forkDaemon,
        Effect.withSpan("request")
      )
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(daemon)
      const [request, late] = [yield* named("request"), yield* named("late")]
      assert.notStrictEqual(late.traceId, request.traceId)
      assert.deepInclude(theirs("late").spanContext(), { traceId: late.traceId, spanId: late.spanId })
      assert.isUndefined(theirs("late").parentSpanContext)
      assert.strictEqual(theirs("late").links[0]!.context.spanId, request.spanId)
      // with which OpenTelemetry holds the ended span for the active one
    }).pipe(Effect.provide(beside(layer)), withContextManager)
  })

  it.effect("is told by a span of this library whether the trace is sampled", () => {
    const { exporter, layer } = openTelemetry()
    return Effect.gen(function*() {
      const span = yield* Effect.currentSpan.pipe(Effect.withSpan("native"), withTrace("t", { sampled: false }))
      assert.isFalse(span.sampled)
      assert.isEmpty(exporter.getFinishedSpans())
      assert.strictEqual((yield* named("native")).spanId, span.spanId)
    }).pipe(Effect.provide(beside(layer)))
  })

  it.effect("has traces of which this library records a part: they go on under the same ids", () => {
    const { layer, theirs } = openTelemetry()
    return Effect.gen(function*() {
      yield* Effect.all([Effect.withSpan(Effect.yieldNow(), "a"), Effect.withSpan(Effect.yieldNow(), "b")], {
        concurrency: 2
      }).pipe(Effect.withSpan("unrecorded"))
      for (const name of ["a", "b"]) {
        const ours = yield* named(name)
        assert.deepInclude(theirs(name).spanContext(), { traceId: ours.traceId, spanId: ours.spanId })
        assert.strictEqual(ours.parentSpanId, theirs("unrecorded").spanContext().spanId)
      }
      // nobody here has begun it
      assert.isEmpty(yield* traces)
    }).pipe(Effect.provide(beside(layer, { shouldRecord: ({ name }) => name !== "unrecorded" })))
  })

  it.effect("has begun the trace when the layer is built within a span", () => {
    const { layer, theirs } = openTelemetry()
    return Effect.gen(function*() {
      const inside = yield* Effect.withSpan(Effect.void, "native").pipe(
        Effect.zipRight(named("native")),
        Effect.provide(EffectTracer.layer().pipe(Layer.provideMerge(Testing.layer()))),
        Effect.withSpan("main")
      )
      assert.strictEqual(inside.traceId, theirs("main").spanContext().traceId)
      assert.strictEqual(inside.parentSpanId, theirs("main").spanContext().spanId)
    }).pipe(Effect.provide(layer))
  })

  it.effect("finds a parent that it holds for the active one, and the record has the same", () => {
    const { layer } = openTelemetry()
    const parent = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 }
    return Effect.gen(function*() {
      const runtime = yield* Effect.runtime<ObservabilityService | Testing.Recorded>()
      yield* Effect.withSpan(Effect.void, "native").pipe((program) =>
        Effect.promise(() =>
          Otel.context.with(
            Otel.trace.setSpanContext(Otel.ROOT_CONTEXT, parent),
            () => Effect.runPromise(Effect.provide(program, runtime))
          )
        )
      )
      assert.deepInclude(yield* named("native"), {
        traceId: parent.traceId as never,
        parentSpanId: parent.spanId as never
      })
      assert.isEmpty(yield* traces)
    }).pipe(Effect.provide(beside(layer)), withContextManager)
  })
})

/** Effect's own tracer with something around it, as that of the DevTools. */
const around = (make: (...args: Parameters<Tracer.Tracer["span"]>) => Tracer.Span) =>
  Layer.setTracer(Tracer.make({ context: (execute) => execute(), span: make }))

describe("another tracer", () => {
  it.effect("that makes Effect's own spans shows them under the recorded ids", () => {
    const seen: Array<Tracer.Span> = []
    const layer = around((...args) => {
      const span = defaultTracer.span(...args)
      seen.push(span)
      return span
    })
    return Effect.gen(function*() {
      yield* Effect.withSpan(Effect.void, "inner").pipe(withSpan("own"), Effect.withSpan("outer"))
      for (const { name, spanId, traceId } of seen) {
        assert.deepInclude(yield* named(name), { spanId: spanId as never, traceId: traceId as never })
      }
      assert.strictEqual((yield* stats).openTraces, 0)
    }).pipe(Effect.provide(beside(layer)))
  })

  it.effect("gets an external parent as it is, with all that came with it", () => {
    const parents: Array<unknown> = []
    const parent = Tracer.externalSpan({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" })
    const layer = around((...args) => {
      parents.push(args[1]._tag === "Some" ? args[1].value : undefined)
      return defaultTracer.span(...args)
    })
    return Effect.gen(function*() {
      yield* Effect.withSpan(Effect.void, "native", { parent })
      assert.strictEqual(parents[0], parent)
    }).pipe(Effect.provide(beside(layer)))
  })

  it.effect("is told its own span as the parent, also where the program sets the context of that one", () => {
    const parents: Array<unknown> = []
    const layer = around((...args) => {
      parents.push(args[1]._tag === "Some" ? args[1].value : undefined)
      return defaultTracer.span(...args)
    })
    return Effect.gen(function*() {
      const outer = yield* Effect.gen(function*() {
        const context = Option.getOrThrow(yield* TraceContext.current)
        yield* Effect.withSpan(Effect.void, "inner").pipe(withTraceContext(context))
        return yield* Effect.currentSpan
      }).pipe(Effect.withSpan("outer"))
      assert.strictEqual(parents[1], outer)
      assert.strictEqual((yield* named("inner")).parentSpanId, (yield* named("outer")).spanId)
    }).pipe(Effect.provide(beside(layer)))
  })

  it.effect("whose spans cannot be listened to is left alone: what is in them belongs to what is around", () => {
    const layer = around((...args) => {
      const span = defaultTracer.span(...args)
      return args[0] === "frozen"
        ? Object.freeze({ ...span, end: () => {}, attribute: () => {}, event: () => {}, addLinks: () => {} })
        : span
    })
    return Effect.gen(function*() {
      const exit = yield* Effect.succeed(7).pipe(
        Effect.withSpan("inner"),
        Effect.withSpan("frozen"),
        withSpan("own"),
        Effect.exit
      )
      assert.deepStrictEqual(exit, Exit.succeed(7))
      assert.strictEqual((yield* named("inner")).parentSpanId, (yield* named("own")).spanId)
      assert.strictEqual((yield* stats).openSpans, 0)
    }).pipe(Effect.provide(beside(layer)))
  })
})
