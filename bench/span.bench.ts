/**
 * What a span costs the program that is traced: three spans, one inside the other, around nothing, all in one trace. All
 * deliver to stores that take everything at once; ours to two of them. The time is CPU time of the whole process, so it
 * includes the delivery.
 */
import { NodeSdk } from "@effect/opentelemetry"
import { context, trace } from "@opentelemetry/api"
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks"
import type { SpanExporter } from "@opentelemetry/sdk-trace-base"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Effect, Exit, Layer, ManagedRuntime, Scope } from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Provider } from "../src/Provider.ts"
import { span, withSpan, withTrace } from "../src/Span.ts"
import type { Subject } from "./compare.ts"
import { compare } from "./compare.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"
import { leastTracer } from "./span/leastTracer.ts"

const taking = (name: string): Provider => ({ name, write: () => Effect.void })

const taken: SpanExporter = { export: (_, done) => done({ code: 0 }), shutdown: () => Promise.resolve() }

// As many as all rounds make: the default of 2,048 would drop most of them, and dropping is cheap.
const queue = { maxQueueSize: 10_000_000 }

// likewise: such a loop leaves the event loop no turn, so that next to nothing is delivered before its end
const service = ObservabilityService.layer({
  providers: [taking("first"), taking("second")],
  delivery: { queueBytes: 2 ** 32 }
})
const traced = EffectTracer.layer().pipe(Layer.provideMerge(service))
const disabled = ObservabilityService.layerNoop
// the tracer that is there anyway, set by a layer: what any tracer costs that is
const tracerSet = Layer.unwrapEffect(Effect.map(Effect.tracer, Layer.setTracer))
const leastKept = Layer.setTracer(leastTracer())
const effectOtel = NodeSdk.layer(() => ({
  resource: { serviceName: "bench" },
  spanProcessor: new BatchSpanProcessor(taken, queue)
}))

/** Runs `count` spans, or as much of something else. */
type Run = (count: number) => Promise<void>

/**
 * As `Effect.provide` runs a program, but for the layer, which is built once. A `ManagedRuntime` leaves the scheduler of its
 * start in all fibers: one fiber reference more for everybody, and V8's table of five, which a fiber then has that has a
 * tracer, too, takes twice as long to copy as one of four. Every native span copies it three times.
 */
const provided = async <R>(
  scope: Scope.Scope,
  layer: Layer.Layer<R>,
  program: (count: number) => Effect.Effect<void, never, R>
): Promise<Run> => {
  const runtime = await Effect.runPromise(Scope.extend(Layer.toRuntime(layer), scope))
  return (count) => Effect.runPromise(Effect.provide(program(count), runtime))
}

/** The same in a `ManagedRuntime`, as those programs have it whose main function is not Effect's. */
const managed = async <R>(
  scope: Scope.Scope,
  layer: Layer.Layer<R>,
  program: (count: number) => Effect.Effect<void, never, R>
): Promise<Run> => {
  const runtime = ManagedRuntime.make(layer)
  await Effect.runPromise(Scope.addFinalizer(scope, runtime.disposeEffect))
  return (count) => runtime.runPromise(program(count))
}

const nested = <R>(
  wrap: <A, E, R0>(self: Effect.Effect<A, E, R0>, name: string) => Effect.Effect<A, E, R0 | R>,
  body: Effect.Effect<unknown> = Effect.void
) => wrap(wrap(wrap(body, "inner"), "middle"), "outer")

const text = JSON.stringify(Array.from({ length: 500 }, (_, index) => ({ id: index, name: `passage ${index}` })))

/** Some 100 µs of what programs do. */
const work = Effect.sync((): unknown => JSON.parse(text))

/** `count` spans, three at a time. */
const times = <R>(program: Effect.Effect<unknown, never, R>, count: number): Effect.Effect<void, never, R> =>
  Effect.gen(function*() {
    for (let done = 0; done < count; done += 3) yield* program
  })

const noSpan = <A, E, R>(self: Effect.Effect<A, E, R>, _name: string): Effect.Effect<A, E, R> => self

const nativeSpan = <A, E, R>(self: Effect.Effect<A, E, R>, name: string): Effect.Effect<A, E, R> =>
  Effect.withSpan(self, name) as Effect.Effect<A, E, R>

const ourSpan = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  name: string
): Effect.Effect<A, E, R | ObservabilityService> => withSpan(self, name)

const scopedSpan = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  name: string
): Effect.Effect<A, E, ObservabilityService | Exclude<R, Scope.Scope>> =>
  Effect.scoped(Effect.zipRight(span(name), self))

const scopedNothing = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, Scope.Scope>> =>
  Effect.scoped(Effect.zipRight(Effect.acquireRelease(Effect.void, () => Effect.void), self))

const otelSubject = (): Subject => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const tracer = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(taken, queue)] }).getTracer("bench")
  const nest = (names: ReadonlyArray<string>): void =>
    tracer.startActiveSpan(names[0]!, (active) => {
      if (names.length > 1) nest(names.slice(1))
      active.end()
    })
  return {
    name: "OpenTelemetry JS",
    run: (count) =>
      tracer.startActiveSpan("bench", async (active) => {
        for (let done = 0; done < count; done += 3) {
          nest(["outer", "middle", "inner"])
          // as often as an Effect program lets others go, so that the processor can export
          if (done % 3_072 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        active.end()
      })
  }
}

const nativeSpans = (count: number) => nativeSpan(times(nested<never>(nativeSpan), count), "bench")
const ourSpans = (count: number) => withTrace(times(nested<ObservabilityService>(ourSpan), count), "bench")
const scopedSpans = (count: number) => withTrace(times(nested<ObservabilityService>(scopedSpan), count), "bench")

const subjectsIn = async (scope: Scope.Scope): Promise<ReadonlyArray<Subject>> => [
  { name: "Effect.withSpan", run: await provided(scope, Layer.empty, nativeSpans) },
  { name: "withSpan", run: await provided(scope, service, ourSpans) },
  { name: "span", run: await provided(scope, service, scopedSpans) },
  { name: "withSpan, disabled", run: await provided(scope, disabled, ourSpans) },
  { name: "Effect.withSpan, EffectTracer", run: await provided(scope, traced, nativeSpans) },
  { name: "Effect.withSpan, its tracer set", run: await provided(scope, tracerSet, nativeSpans) },
  { name: "Effect.withSpan, least tracer that keeps spans", run: await provided(scope, leastKept, nativeSpans) },
  { name: "Effect.withSpan, ManagedRuntime", run: await managed(scope, Layer.empty, nativeSpans) },
  { name: "Effect.withSpan, EffectTracer, ManagedRuntime", run: await managed(scope, traced, nativeSpans) },
  // what a resource costs that does nothing
  {
    name: "acquireRelease",
    run: await provided(scope, Layer.empty, (count) => times(nested(scopedNothing), count))
  },
  {
    name: "work in withSpan, disabled",
    run: await provided(scope, disabled, (count) => times(nested<ObservabilityService>(ourSpan, work), count / 10))
  },
  { name: "work", run: await provided(scope, Layer.empty, (count) => times(nested(noSpan, work), count / 10)) },
  { name: "no span", run: await provided(scope, Layer.empty, (count) => times(nested(noSpan), count)) },
  { name: "@effect/opentelemetry", run: await provided(scope, effectOtel, nativeSpans) },
  otelSubject()
]

export const spanBench = async (quick: boolean): Promise<ReadonlyArray<Result>> => {
  const scope = await Effect.runPromise(Scope.make())
  const figures = await compare(
    await subjectsIn(scope),
    quick ? { rounds: 3, count: 30_000 } : { rounds: 9, count: 150_000 }
  )
  await Effect.runPromise(Scope.close(scope, Exit.void))
  trace.disable()
  const of = (name: string) => figures.find((figure) => figure.name === name)!
  const native = of("Effect.withSpan")
  const ratio = (name: string, bar: number | undefined, other = native): Result => {
    const figure = of(name)
    return result({
      name: `${name}: time`,
      value: figure.median / other.median,
      unit: `of ${other.name}`,
      bar: bar === undefined ? undefined : { kind: "at most", value: bar },
      min: figure.min / other.median,
      max: figure.max / other.median,
      peers: {}
    })
  }
  const allocation = (name: string, bar: number): Result => {
    const value = of(name).bytes / native.bytes
    return result({
      name: `${name}: allocation`,
      value,
      unit: "of Effect.withSpan",
      bar: { kind: "at most", value: bar },
      min: value,
      max: value,
      peers: Object.fromEntries(figures.map((figure) => [`${figure.name} B`, figure.bytes]))
    })
  }
  return [
    result({
      name: "withSpan: CPU per span",
      value: of("withSpan").median,
      unit: "µs",
      bar: undefined,
      min: of("withSpan").min,
      max: of("withSpan").max,
      peers: Object.fromEntries(figures.map((figure) => [figure.name, figure.median]))
    }),
    ratio("withSpan", 0.7),
    allocation("withSpan", 0.5),
    ratio("span", 2),
    ratio("acquireRelease", undefined),
    ratio("Effect.withSpan, EffectTracer", 1.1),
    ratio("Effect.withSpan, its tracer set", undefined),
    ratio("Effect.withSpan, least tracer that keeps spans", undefined),
    ratio("Effect.withSpan, EffectTracer, ManagedRuntime", undefined, of("Effect.withSpan, ManagedRuntime")),
    ratio("withSpan, disabled", undefined),
    ratio("work in withSpan, disabled", 1.05, of("work")),
    ratio("@effect/opentelemetry", undefined),
    ratio("OpenTelemetry JS", undefined)
  ]
}
