/**
 * What a span costs the program that is traced: three spans, one inside the other, around nothing, in one trace. All
 * deliver to stores that take everything at once; ours to two of them. The time is CPU time of the whole process, so it
 * includes the delivery.
 */
import { NodeSdk } from "@effect/opentelemetry"
import { context, trace } from "@opentelemetry/api"
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks"
import type { SpanExporter } from "@opentelemetry/sdk-trace-base"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import type { Scope } from "effect"
import { Effect, Layer, ManagedRuntime } from "effect"
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
const ours = ManagedRuntime.make(service)
const traced = ManagedRuntime.make(EffectTracer.layer().pipe(Layer.provideMerge(service)))
const disabled = ManagedRuntime.make(ObservabilityService.layerNoop)
const effect = ManagedRuntime.make(Layer.empty)
// the tracer that is there anyway, set by a layer: what any tracer costs that is
const tracerSet = ManagedRuntime.make(Layer.unwrapEffect(Effect.map(Effect.tracer, Layer.setTracer)))
const leastKept = ManagedRuntime.make(Layer.setTracer(leastTracer()))
const effectOtel = ManagedRuntime.make(
  NodeSdk.layer(() => ({ resource: { serviceName: "bench" }, spanProcessor: new BatchSpanProcessor(taken, queue) }))
)

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
    run: async (count) => {
      for (let done = 0; done < count; done += 3) {
        nest(["outer", "middle", "inner"])
        // as often as an Effect program lets others go, so that the processor can export
        if (done % 3_072 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
}

const subjects: ReadonlyArray<Subject> = [
  {
    name: "Effect.withSpan",
    run: (count) => effect.runPromise(times(nested(nativeSpan), count))
  },
  {
    name: "withSpan",
    run: (count) =>
      ours.runPromise(
        withTrace(times(nested<ObservabilityService>(ourSpan), count), "bench")
      )
  },
  {
    name: "span",
    run: (count) => ours.runPromise(withTrace(times(nested<ObservabilityService>(scopedSpan), count), "bench"))
  },
  {
    name: "withSpan, disabled",
    run: (count) => disabled.runPromise(times(nested<ObservabilityService>(ourSpan), count))
  },
  {
    name: "Effect.withSpan, EffectTracer",
    run: (count) => traced.runPromise(withTrace(times(nested<never>(nativeSpan), count), "bench"))
  },
  { name: "Effect.withSpan, its tracer set", run: (count) => tracerSet.runPromise(times(nested(nativeSpan), count)) },
  {
    name: "Effect.withSpan, least tracer that keeps spans",
    run: (count) => leastKept.runPromise(times(nested(nativeSpan), count))
  },
  // what a resource costs that does nothing
  { name: "acquireRelease", run: (count) => effect.runPromise(times(nested(scopedNothing), count)) },
  {
    name: "work in withSpan, disabled",
    run: (count) => disabled.runPromise(times(nested<ObservabilityService>(ourSpan, work), count / 10))
  },
  { name: "work", run: (count) => effect.runPromise(times(nested(noSpan, work), count / 10)) },
  { name: "no span", run: (count) => effect.runPromise(times(nested(noSpan), count)) },
  {
    name: "@effect/opentelemetry",
    run: (count) => effectOtel.runPromise(times(nested(nativeSpan), count))
  },
  otelSubject()
]

export const spanBench = async (quick: boolean): Promise<ReadonlyArray<Result>> => {
  const figures = await compare(subjects, quick ? { rounds: 3, count: 30_000 } : { rounds: 9, count: 150_000 })
  await Promise.all([ours.dispose(), traced.dispose(), disabled.dispose(), effectOtel.dispose()])
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
    ratio("withSpan, disabled", undefined),
    ratio("work in withSpan, disabled", 1.05, of("work")),
    ratio("@effect/opentelemetry", undefined),
    ratio("OpenTelemetry JS", undefined)
  ]
}
