/** Common parts of tracers that wrap another one. */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { isSpanId, isTraceId } from "../Identifier.ts"
import type { SpanOrigin } from "../ObservabilityService.ts"
import type { TraceContext } from "../TraceContext.ts"
import type { Position } from "./position.ts"

/** Effect's own tracer, which makes spans and does nothing with them. */
export const defaultTracer = Context.get(DefaultServices.liveServices, Tracer.Tracer)

/**
 * Called for every instruction of every fiber: if the wrapped tracer is Effect's own, its function is used directly,
 * without one more call.
 */
export const contextOf = (delegate: Tracer.Tracer): Tracer.Tracer["context"] =>
  delegate === defaultTracer ? defaultTracer.context : (execute, fiber) => delegate.context(execute, fiber)

/** Whether a span is one of Effect's own tracer, whose ids are known to nobody else. */
export const isNative = (span: Tracer.AnySpan): boolean => Object.getPrototypeOf(span) === nativePrototype

const nativePrototype: unknown = Object.getPrototypeOf(
  defaultTracer.span("", Option.none(), Context.empty(), [], BigInt(0), "internal")
)

/**
 * The ids that a span has already, if they are W3C ids of the trace that it is to be part of. A tracer that begins a
 * trace has also decided whether it is sampled, for those who continue it, too.
 */
export const idsOf = (span: Tracer.Span, parent: Position | undefined): SpanOrigin | undefined => {
  const { sampled, spanId, traceId } = span
  if (isNative(span) || !isTraceId(traceId) || !isSpanId(spanId)) return undefined
  if (parent === undefined) return { traceId, spanId, sampled }
  return parent.traceId === traceId ? { spanId } : undefined
}

/** A position in a trace as a parent for any tracer. */
export const externalSpan = (context: TraceContext): Tracer.ExternalSpan =>
  Tracer.externalSpan({
    traceId: context.traceId,
    spanId: context.spanId,
    sampled: context.sampled,
    context: Context.make(otelTraceFlags, (context.sampled ? 1 : 0) | (context.random ? 2 : 0))
  })

/**
 * The tag by which @effect/opentelemetry reads the flags of a parent; without it, it takes every parent for a sampled
 * one.
 */
const otelTraceFlags = Context.GenericTag<"@effect/opentelemetry/Tracer/OtelTraceFlags", number>(
  "@effect/opentelemetry/Tracer/OtelTraceFlags"
)
