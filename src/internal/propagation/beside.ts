/**
 * Spans of this library beside those of Effect's tracer, which may be OpenTelemetry's or anybody's.
 *
 * Both have the same ids where that is possible: then what another process stores below one of them is found below the
 * other, too, in whichever of the two stores one looks.
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

/** Where a span of the tracer stands, and the record of it; without one, nothing of it is stored. */
export interface Beside {
  readonly context: TraceContext
  readonly handle: SpanHandle | undefined
}

/** Whether whoever made the span records it in this library, too. */
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

/** Says where a span stands, so that whatever runs in it finds its place. */
export const mark = (fiber: AnyFiber, span: Tracer.Span, context: TraceContext): void => {
  const place: SpanPlace = { context, ambient: TraceContext.ambientOf(fiber) }
  // its own ids mean nothing to anybody
  if (isNative(span)) Object.assign(span, { traceId: context.traceId, spanId: context.spanId })
  Object.assign(span, { [placeOfSpan]: place })
}

/** A context that was received, as a parent for any tracer. */
export const externalSpan = (fiber: AnyFiber, context: TraceContext): Tracer.ExternalSpan => {
  const place: SpanPlace = { context, ambient: TraceContext.ambientOf(fiber) }
  return Object.assign(externalSpanOf(context), { [placeOfSpan]: place })
}

// internal

/**
 * Where nothing is recorded, traces are passed on all the same. One that begins here has an id that is random throughout:
 * by a UUIDv7, whoever stores what is below would take it for one that has a record.
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
