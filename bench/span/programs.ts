/**
 * The ways of making spans that are measured: three nested spans around nothing, all in one trace. All deliver to
 * stores that accept everything at once; this library delivers to two of them.
 */
import { NodeSdk } from "@effect/opentelemetry"
import { context } from "@opentelemetry/api"
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks"
import type { SpanExporter } from "@opentelemetry/sdk-trace-base"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Effect, Layer, ManagedRuntime, Scope } from "effect"
import * as EffectTracer from "../../src/EffectTracer.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Provider } from "../../src/Provider.ts"
import { span, withSpan, withTrace } from "../../src/Span.ts"
import type { Subject } from "../compare.ts"
import { leastTracer } from "./leastTracer.ts"

const taking = (name: string): Provider => ({ name, write: () => Effect.void })

const taken: SpanExporter = { export: (_, done) => done({ code: 0 }), shutdown: () => Promise.resolve() }

// more spans than a process makes: the default of 2,048 would drop most of them, and dropping is cheap
const queue = { maxQueueSize: 10_000_000 }

const service = ObservabilityService.layer({ providers: [taking("first"), taking("second")] })
const traced = EffectTracer.layer().pipe(Layer.provideMerge(service))
const disabled = ObservabilityService.layerNoop
// the default tracer, set by a layer: the cost of setting any tracer
const tracerSet = Layer.unwrapEffect(Effect.map(Effect.tracer, Layer.setTracer))
const leastKept = Layer.setTracer(leastTracer())
const effectOtel = NodeSdk.layer(() => ({
  resource: { serviceName: "bench" },
  spanProcessor: new BatchSpanProcessor(taken, queue)
}))

/** Makes the given number of spans, or does the corresponding amount of other work. */
type Run = Subject["run"]

/**
 * Runs a program like `Effect.provide`, except that the layer is built only once. A `ManagedRuntime` leaves the
 * scheduler of its start in all fibers, as one more fiber reference. A fiber that also has a tracer then has five, and
 * V8 takes twice as long to copy a table of five as one of four. Every native span copies it three times.
 */
const provided = async <R>(
  scope: Scope.Scope,
  layer: Layer.Layer<R>,
  program: (count: number) => Effect.Effect<void, never, R>
): Promise<Run> => {
  const runtime = await Effect.runPromise(Scope.extend(Layer.toRuntime(layer), scope))
  return (count) => Effect.runPromise(Effect.provide(program(count), runtime))
}

/** Runs a program in a `ManagedRuntime`, like applications whose main function is not Effect's. */
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

/** Some 100 µs of typical work. */
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

const otelSpans = (): Run => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  const tracer = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(taken, queue)] }).getTracer("bench")
  const nest = (names: ReadonlyArray<string>): void =>
    tracer.startActiveSpan(names[0]!, (active) => {
      if (names.length > 1) nest(names.slice(1))
      active.end()
    })
  return (count) =>
    tracer.startActiveSpan("bench", async (active) => {
      for (let done = 0; done < count; done += 3) {
        nest(["outer", "middle", "inner"])
        // yields as often as an Effect program does, so that the processor can export
        if (done % 3_072 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      active.end()
    })
}

const nativeSpans = (count: number) => nativeSpan(times(nested<never>(nativeSpan), count), "bench")
const ourSpans = (count: number) => withTrace(times(nested<ObservabilityService>(ourSpan), count), "bench")
const scopedSpans = (count: number) => withTrace(times(nested<ObservabilityService>(scopedSpan), count), "bench")

/** One way of making spans. */
export interface Program {
  /** The program that this one is compared with; `undefined` if it is only compared with. */
  readonly beside?: string
  /** Command-line flags for Node, for both programs. Default: none. */
  readonly flags?: ReadonlyArray<string>
  readonly make: (scope: Scope.Scope) => Promise<Run>
}

const native = "Effect.withSpan"

export const programs: Readonly<Record<string, Program>> = {
  [native]: { make: (scope) => provided(scope, Layer.empty, nativeSpans) },
  "withSpan": { beside: native, make: (scope) => provided(scope, service, ourSpans) },
  "span": { beside: native, make: (scope) => provided(scope, service, scopedSpans) },
  "withSpan, disabled": { beside: native, make: (scope) => provided(scope, disabled, ourSpans) },
  "Effect.withSpan, EffectTracer": { beside: native, make: (scope) => provided(scope, traced, nativeSpans) },
  // spans that wait for a full batch outlive collections of a young generation of 16 MiB, but mostly not of this one
  "Effect.withSpan, EffectTracer, young generation of 64 MiB": {
    beside: native,
    flags: ["--min-semi-space-size=64", "--max-semi-space-size=64"],
    make: (scope) => provided(scope, traced, nativeSpans)
  },
  "Effect.withSpan, its tracer set": { beside: native, make: (scope) => provided(scope, tracerSet, nativeSpans) },
  "Effect.withSpan, least tracer that keeps spans": {
    beside: native,
    make: (scope) => provided(scope, leastKept, nativeSpans)
  },
  "Effect.withSpan, ManagedRuntime": { make: (scope) => managed(scope, Layer.empty, nativeSpans) },
  "Effect.withSpan, EffectTracer, ManagedRuntime": {
    beside: "Effect.withSpan, ManagedRuntime",
    make: (scope) => managed(scope, traced, nativeSpans)
  },
  // the cost of a resource that does nothing
  "acquireRelease": {
    beside: native,
    make: (scope) => provided(scope, Layer.empty, (count) => times(nested(scopedNothing), count))
  },
  "work in withSpan, disabled": {
    beside: "work",
    make: (scope) =>
      provided(scope, disabled, (count) => times(nested<ObservabilityService>(ourSpan, work), count / 10))
  },
  "work": {
    make: (scope) => provided(scope, Layer.empty, (count) => times(nested(noSpan, work), count / 10))
  },
  "no span": {
    beside: native,
    make: (scope) => provided(scope, Layer.empty, (count) => times(nested(noSpan), count))
  },
  "@effect/opentelemetry": { beside: native, make: (scope) => provided(scope, effectOtel, nativeSpans) },
  "OpenTelemetry JS": { beside: native, make: () => Promise.resolve(otelSpans()) }
}
