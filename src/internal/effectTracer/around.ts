/**
 * Where a native span that begins belongs: below the native span or the span of this library that is further in, unless
 * that has ended.
 */
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { isSpanId, isTraceId } from "../../Identifier.ts"
import { Current, placeOfSpan, type SpanPlace, TraceContext } from "../../TraceContext.ts"
import { OpenSpan } from "../recording/openSpan.ts"
import { OpenTrace } from "../recording/openTrace.ts"
import { externalSpan, isNative } from "../tracer.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export interface Around {
  /** What it belongs to; `undefined` where it begins a trace. */
  readonly context: TraceContext | undefined
  /** What it would belong to, had that not ended. */
  readonly ended: TraceContext | undefined
  /** Whether that is where the parent stands of which Effect tells, and not a span of this library further in. */
  readonly isOfParent: boolean
}

/** @param parent as Effect tells a tracer: the one that is stated, else that of the fiber */
export const aroundOf = (
  fiber: AnyFiber,
  parent: Option.Option<Tracer.AnySpan>,
  options: Tracer.SpanOptions | undefined
): Around => {
  if (options?.root === true) return { context: undefined, ended: undefined, isOfParent: true }
  const isStated = options?.parent !== undefined
  const ambient = TraceContext.ambientOf(fiber)
  const place = Option.isNone(parent) ? undefined : placeAt(parent.value)
  const context = place === undefined || ambient !== undefined && isFurtherIn(ambient, place, isStated, fiber)
    ? ambient
    : place.context
  const isOfParent = context === place?.context
  // whoever states a parent wants that one
  const running = context === undefined || isStated && isOfParent ? context : stillRunning(context)
  return { context: running, ended: running === context ? undefined : context, isOfParent }
}

/** The parent for another tracer: below the same span, so that both have the same tree. */
export const parentOf = (
  { context, ended, isOfParent }: Around,
  parent: Option.Option<Tracer.AnySpan>
): Option.Option<Tracer.AnySpan> =>
  isOfParent && ended === undefined ? parent : Option.map(Option.fromNullable(context), standIn)

/** The span that has ended, to be linked to. */
export const endedSpan = (ended: TraceContext, parent: Option.Option<Tracer.AnySpan>): Tracer.AnySpan =>
  Option.isSome(parent) && parent.value.spanId === ended.spanId ? parent.value : standIn(ended)

/** A span that another tracer has found a parent for by itself, such as what OpenTelemetry holds for the active one. */
export const contextOfParent = (span: Tracer.Span): TraceContext | undefined =>
  Option.isNone(span.parent) ? undefined : placeAt(span.parent.value)?.context

// internal

interface Place extends SpanPlace {
  /** Whether nobody of this library has seen it begin. */
  readonly isElsewhere?: boolean
}

/**
 * The nearest span that is recorded: in between may be some that only another tracer knows, or none. Where there is not
 * any, the nearest that another tracer knows.
 */
const placeAt = (span: Tracer.AnySpan): Place | undefined => {
  let around: Tracer.AnySpan | undefined = span
  let nearest: TraceContext | undefined
  while (around !== undefined) {
    if (placeOfSpan in around) return around[placeOfSpan] as SpanPlace
    nearest ??= elsewhere(around)
    around = around._tag === "Span" ? Option.getOrUndefined(around.parent) : undefined
  }
  return nearest === undefined ? undefined : { context: nearest, ambient: undefined, isElsewhere: true }
}

/** A span of this library as a parent for another tracer. */
const standIn = (context: TraceContext): Tracer.ExternalSpan => {
  const place: SpanPlace = { context, ambient: context }
  return Object.assign(externalSpan(context), { [placeOfSpan]: place })
}

/** A span of another process, or one that only another tracer knows, goes on here. The ids of Effect's own mean nothing. */
const elsewhere = (span: Tracer.AnySpan): TraceContext | undefined => {
  const { sampled, spanId, traceId } = span
  return isNative(span) || !isTraceId(traceId) || !isSpanId(spanId)
    ? undefined
    : TraceContext.unsafeMake({ traceId, spanId, sampled, isRemote: true })
}

const isFurtherIn = (ambient: TraceContext, place: Place, isStated: boolean, fiber: AnyFiber): boolean => {
  // begun where the program still is, a span stands inside of that; any other one stands around it
  if (!isStated && place.isElsewhere !== true) return place.ambient !== ambient
  return isWithin(ambient, place.context) || !isStated && isCurrentLater(fiber)
}

const isWithin = (inner: TraceContext, outer: TraceContext): boolean => {
  if (inner.traceId !== outer.traceId) return false
  let context: TraceContext | undefined = inner
  while (context !== undefined) {
    if (context.spanId === outer.spanId || context.parentSpanId === outer.spanId) return true
    const record: object | undefined = TraceContext.recordOf(context)
    context = record instanceof OpenSpan ? record.openParent?.context : undefined
  }
  return false
}

/**
 * Whether the ambient context was set inside of the parent, of which it knows nothing: a context holds its services in the
 * order in which they first came.
 */
const isCurrentLater = (fiber: AnyFiber): boolean => {
  for (const key of fiber.currentContext.unsafeMap.keys()) {
    if (key === Tracer.ParentSpan.key) return true
    if (key === Current.key) return false
  }
  return false
}

/** The context itself, or the nearest one around it, that has not ended. Of another process nothing is known but the ids. */
const stillRunning = (context: TraceContext): TraceContext | undefined => {
  const record = TraceContext.recordOf(context)
  if (record instanceof OpenTrace) return record.isOpen ? context : undefined
  if (!(record instanceof OpenSpan) || record.isOpen) return context
  return record.openParent?.context ?? (record.trace?.isOpen === true ? record.trace.context : undefined)
}
