/**
 * Spans of this library beside those of Effect's tracer, which may be OpenTelemetry's or any other.
 *
 * Both spans have the same ids where that is possible, so that a span of another process that is stored below one of
 * them is found below the other, too, in either of the two stores.
 */
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import type { TraceId } from "../../Identifier.ts"
import { isTraceId } from "../../Identifier.ts"
import type { Generator } from "../../IdGenerator.ts"
import type * as Input from "../../Input.ts"
import type { Service, SpanOrigin } from "../../ObservabilityService.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import type { SpanPlace } from "../../TraceContext.ts"
import { placeOfSpan, TraceContext } from "../../TraceContext.ts"
import { generatorOf } from "../ambient.ts"
import { externalSpan as externalSpanOf, idsOf, isNative } from "../tracer.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** The trace context of a tracer's span, and the handle of its record; without a handle, the span is not stored. */
export interface Beside {
  readonly context: TraceContext
  readonly handle: SpanHandle | undefined
}

/** Whether the span already has a place in a trace of this library, from the tracer that made it. */
export const isRecorded = (span: Tracer.Span): boolean => placeOfSpan in span

export const contextOf = (span: Tracer.AnySpan): TraceContext | undefined =>
  placeOfSpan in span ? (span[placeOfSpan] as SpanPlace).context : undefined

/** Begins a span beside `span`. Without a parent it begins a trace of its own, which ends with it. */
export const begin = (
  service: Service,
  fiber: AnyFiber,
  span: Tracer.Span,
  parent: TraceContext | undefined,
  name: string,
  options: Input.SpanOptions
): Beside => {
  const origin = idsOf(span, parent)
  const handle = service.unsafe.startSpan(fiber, parent, name, options, origin)
  const context = handle?.context ?? unrecorded(parent, generatorOf(fiber), origin)
  return { context, handle }
}

/** Attaches the trace context to a span, so that code that runs in the span finds its place in the trace. */
export const mark = (fiber: AnyFiber, span: Tracer.Span, context: TraceContext): void => {
  const place: SpanPlace = { context, ambient: TraceContext.ambientOf(fiber) }
  // the ids of Effect's own tracer are known to nobody else
  if (isNative(span)) Object.assign(span, { traceId: context.traceId, spanId: context.spanId })
  Object.assign(span, { [placeOfSpan]: place })
}

/** A received trace context as a parent for any tracer. */
export const externalSpan = (fiber: AnyFiber, context: TraceContext): Tracer.ExternalSpan => {
  const place: SpanPlace = { context, ambient: TraceContext.ambientOf(fiber) }
  return Object.assign(externalSpanOf(context), { [placeOfSpan]: place })
}

// internal

/**
 * The context of a span that is not recorded: its trace is passed on all the same. A trace that begins here has an id
 * that is random throughout: a process that stores spans below it would take a UUIDv7 for a trace that has a record.
 */
const unrecorded = (
  parent: TraceContext | undefined,
  generator: Generator,
  { sampled, spanId, traceId }: SpanOrigin = {}
): TraceContext =>
  TraceContext.unsafeChild(
    parent ??
      TraceContext.unsafeRoot({ ...generator, traceId: () => traceId ?? randomTraceId(generator) }, 0, { sampled }),
    spanId === undefined ? generator : { ...generator, spanId: () => spanId }
  )

const randomTraceId = (generator: Generator): TraceId => {
  const traceId = generator.spanId() + generator.spanId()
  return isTraceId(traceId) ? traceId : generator.traceId(0)
}
