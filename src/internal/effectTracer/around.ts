/**
 * Finds the parent of a native span that begins: the innermost span around it, native or of this library, unless that
 * has ended.
 */
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { isSpanId, isTraceId } from "../../Identifier.ts"
import { Current, placeOfSpan, type SpanPlace, TraceContext } from "../../TraceContext.ts"
import { contextAt, type Position } from "../position.ts"
import { inSectionOf, recordAt } from "../recording/atPosition.ts"
import { OpenSpan } from "../recording/openSpan.ts"
import { OpenTrace } from "../recording/openTrace.ts"
import { externalSpan, isNative } from "../tracer.ts"
import { Place } from "./place.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export interface Around {
  /** The parent; `undefined` if the span begins a trace. */
  readonly above: Position | undefined
  /** The parent that it would have, had that not ended. */
  readonly ended: Position | undefined
  /**
   * Whether the position found is that of the parent which Effect passes, and not that of a span of this library
   * further in.
   */
  readonly isOfParent: boolean
  readonly ambient: TraceContext | undefined
}

/** @param parent as Effect passes it to a tracer: the stated one, otherwise that of the fiber */
export const aroundOf = (
  fiber: AnyFiber,
  parent: Option.Option<Tracer.AnySpan>,
  options: Tracer.SpanOptions | undefined
): Around => {
  const ambient = TraceContext.ambientOf(fiber)
  if (options?.root === true) return { above: undefined, ended: undefined, isOfParent: true, ambient }
  const isStated = options?.parent !== undefined
  const place = Option.isNone(parent) ? undefined : placeAt(parent.value)
  const position = place === undefined || ambient !== undefined && isFurtherIn(ambient, place, isStated, fiber)
    ? ambient
    : place.position
  const isOfParent = isSame(position, place?.position)
  // a stated parent is kept, also when it has ended
  const running = position === undefined || isStated && isOfParent ? position : stillRunning(position)
  return { above: running, ended: running === position ? undefined : position, isOfParent, ambient }
}

/** The parent for another tracer: that of the recorded span, so that both have the same tree. */
export const parentOf = (
  { above, ended, isOfParent }: Around,
  parent: Option.Option<Tracer.AnySpan>
): Option.Option<Tracer.AnySpan> =>
  isOfParent && ended === undefined ? parent : Option.map(Option.fromNullable(above), standIn)

/** The ended span, to be linked to. */
export const endedSpan = (ended: Position, parent: Option.Option<Tracer.AnySpan>): Tracer.AnySpan =>
  Option.isSome(parent) && parent.value.spanId === ended.spanId ? parent.value : standIn(ended)

/**
 * The position of a parent that another tracer found by itself, such as the span that OpenTelemetry holds for the
 * active one.
 */
export const positionOfParent = (span: Tracer.Span): Position | undefined =>
  Option.isNone(span.parent) ? undefined : placeAt(span.parent.value)?.position

// internal

/**
 * The nearest recorded span, from the given span upwards: spans in between may be known only to another tracer, or to
 * none. If no span is recorded, the nearest one that another tracer knows.
 */
const placeAt = (span: Tracer.AnySpan): Place | undefined => {
  let around: Tracer.AnySpan | undefined = span
  let nearest: TraceContext | undefined
  while (around !== undefined) {
    if (placeOfSpan in around) {
      const place = around[placeOfSpan] as SpanPlace
      return place instanceof Place ? place : new Place(place.context, place.ambient)
    }
    nearest ??= elsewhere(around)
    around = around._tag === "Span" ? Option.getOrUndefined(around.parent) : undefined
  }
  return nearest === undefined ? undefined : new Place(nearest, undefined, true)
}

/** A span of this library as a parent for another tracer. */
const standIn = (position: Position): Tracer.ExternalSpan => {
  const context = contextAt(position)
  return Object.assign(externalSpan(context), { [placeOfSpan]: new Place(position, context) })
}

/**
 * The position of a span of another process, or of one that only another tracer knows: its trace goes on here. The ids
 * of Effect's own spans mean nothing.
 */
const elsewhere = (span: Tracer.AnySpan): TraceContext | undefined => {
  const { sampled, spanId, traceId } = span
  return isNative(span) || !isTraceId(traceId) || !isSpanId(spanId)
    ? undefined
    : TraceContext.unsafeMake({ traceId, spanId, sampled, isRemote: true })
}

const isSame = (one: Position | undefined, other: Position | undefined): boolean =>
  one === other || one?.spanId === other?.spanId && one?.traceId === other?.traceId

const isFurtherIn = (ambient: TraceContext, place: Place, isStated: boolean, fiber: AnyFiber): boolean => {
  // a span that began under the present ambient context is inside of it; any other span is around it
  if (!isStated && !place.isElsewhere) return place.ambient !== ambient
  return isWithin(ambient, place.position) || !isStated && isCurrentLater(fiber)
}

const isWithin = (inner: TraceContext, outer: Position): boolean => {
  if (inner.traceId !== outer.traceId) return false
  if (inner.spanId === outer.spanId || inner.parentSpanId === outer.spanId) return true
  const record = recordAt(inner)
  let span = record instanceof OpenSpan ? record.openParent : undefined
  while (span !== undefined && span.spanId !== outer.spanId && span.parentSpanId !== outer.spanId) {
    span = span.openParent
  }
  return span !== undefined
}

/**
 * Whether the ambient context was set inside of the parent, which does not know of it: a context holds its services in
 * the order in which they were first added.
 */
const isCurrentLater = (fiber: AnyFiber): boolean => {
  for (const key of fiber.currentContext.unsafeMap.keys()) {
    if (key === Tracer.ParentSpan.key) return true
    if (key === Current.key) return false
  }
  return false
}

/** The position itself, or the nearest one around it, that has not ended. Of another process only the ids are known. */
const stillRunning = (position: Position): Position | undefined => {
  const record = recordAt(position)
  if (record instanceof OpenSpan) {
    if (record.isOpen) return position
    const running = record.openParent ?? (record.trace?.isOpen === true ? record.trace.context : undefined)
    return running === undefined ? undefined : inSectionOf(position, running)
  }
  return record instanceof OpenTrace && !record.isOpen ? undefined : position
}
