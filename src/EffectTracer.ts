/**
 * Records the spans of Effect's own API: `Effect.withSpan`, `Effect.fn`, `Layer.withSpan`, `Stream.withSpan`, and those
 * of libraries such as `@effect/sql` and `@effect/platform`. A program that uses them everywhere is recorded completely
 * by this one layer, without a change to the program.
 *
 * They are part of the same traces as the spans of this library: either kind finds the other as its parent, to any
 * depth. A tracer that is already there, such as that of OpenTelemetry or of the DevTools, still sees every span, under
 * the same ids.
 *
 * A span with attributes of the OpenTelemetry GenAI conventions is recorded as the model call, tool or agent that it
 * is, with its tokens and its cost.
 *
 * **Loss policy.** The tracer neither fails nor delays a program. A span that cannot be recorded is counted
 * (`failedRecordings` of the service's `stats`), and runs as it would without the layer.
 *
 * @example
 * ```ts
 * import { logLlmCall, ObservabilityService, Provider, withSpan } from "effect-observability"
 * import * as EffectTracer from "effect-observability/EffectTracer"
 * import { Effect, Layer } from "effect"
 *
 * const memory = Provider.memory()
 *
 * const retrieve = Effect.fn("retrieve")(function*(query: string) {
 *   yield* Effect.annotateCurrentSpan("query", query)
 *   return yield* Effect.succeed(["a passage"]).pipe(withSpan("rank", { type: "rerank" }))
 * })
 *
 * const answer = retrieve("what is an effect?").pipe(
 *   Effect.zipRight(logLlmCall({ model: "gpt-4o", output: "A description of a program." })),
 *   Effect.withSpan("answer")
 * )
 *
 * const Recorded = EffectTracer.layer().pipe(Layer.provideMerge(ObservabilityService.layerMemory(memory)))
 *
 * Effect.runPromise(answer.pipe(Effect.provide(Recorded))).then(() => {
 *   for (const record of memory.records) if (record._tag === "Span") console.log(record.name, record.parentSpanId)
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Filters from "./internal/effectTracer/filters.ts"
import { effectTracer } from "./internal/effectTracer/tracer.ts"
import { ObservabilityService } from "./ObservabilityService.ts"

/**
 * The properties of a span that are known when it begins.
 *
 * @since 0.1.0
 * @category models
 */
export interface Candidate extends Filters.Candidate {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Decides which spans are recorded. Spans inside of one that is left out belong to the nearest recorded span around
   * it; another tracer sees the span all the same. A filter that throws lets the span through. Default: all.
   */
  readonly shouldRecord?: ((span: Candidate) => boolean) | undefined
}

/**
 * Records native spans from here on, besides the tracer that is there when the layer is built: so provide that tracer
 * to this layer.
 *
 * A span belongs to the one around it, native or not; without any, it begins a trace of its own name, which ends with
 * it. `root: true` leaves the trace. An external span (`Tracer.externalSpan`) with valid W3C ids is continued. If the
 * span around it has ended, as for a daemon that outlives it, the new span belongs to the nearest one that has not
 * ended, or begins a trace for the same user, and links to the ended one.
 *
 * Spans of a disabled tracer (`Effect.withTracerEnabled(false)`) do not exist. Spans that are not sampled are recorded:
 * `sampled` is passed on, and decides nothing here.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options = {}): Layer.Layer<never, never, ObservabilityService> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.all([Effect.tracer, ObservabilityService]),
      ([tracer, service]) => service.enabled ? Layer.setTracer(effectTracer(tracer, service, options)) : Layer.empty
    )
  )
