/**
 * A tracer that records the spans of Effect's own API, in place of Effect's default tracer or around any other one.
 */
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { isSpanId, isTraceId } from "../../Identifier.ts"
import type * as Input from "../../Input.ts"
import type { Service, SpanOrigin } from "../../ObservabilityService.ts"
import { Current, placeOfSpan, type SpanPlace, TraceContext } from "../../TraceContext.ts"
import { contextOf, defaultTracer, externalSpan, idsOf } from "../tracer.ts"
import type { Candidate } from "./filters.ts"
import { isWanted } from "./filters.ts"
import { NativeSpan } from "./nativeSpan.ts"
import { linksOf, orNow, record } from "./record.ts"

export interface Options {
  readonly shouldRecord?: ((span: Candidate) => boolean) | undefined
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export const effectTracer = (delegate: Tracer.Tracer, service: Service, options: Options): Tracer.Tracer => {
  // Effect's own tracer does nothing but make spans, and ours are such spans: it need not be asked
  const other = delegate === defaultTracer ? undefined : delegate
  return Tracer.make({
    context: contextOf(delegate),
    span: (name, parent, context, links, startTime, kind, spanOptions) => {
      const fiber = Option.getOrUndefined(Fiber.getCurrentFiber())
      if (fiber === undefined) return delegate.span(name, parent, context, links, startTime, kind, spanOptions)
      const around = parentOf(fiber, parent, spanOptions)
      // an own span stands between this one and the parent that the delegate knows
      const known = around.context === undefined || around.context === placeOf(parent)?.context
        ? parent
        : Option.some(externalSpan(around.context))
      const given = other?.span(name, known, context, links, startTime, kind, spanOptions)
      if (given !== undefined && placeOfSpan in given) return given

      if (!isWanted(options.shouldRecord, name, kind, spanOptions?.attributes)) {
        const span = given ?? delegate.span(name, parent, context, links, startTime, kind, spanOptions)
        return around.context === undefined ? span : at(span, fiber, around.context)
      }
      const handle = service.unsafe.startSpan(
        fiber,
        around.context,
        name,
        optionsOf(kind, links, around.link),
        originOf(given, around.context, startTime)
      )
      if (handle === undefined) {
        return given ?? delegate.span(name, parent, context, links, startTime, kind, spanOptions)
      }
      const place: SpanPlace = { context: handle.context, ambient: Context.get(fiber.currentContext, Current) }
      return given === undefined
        ? new NativeSpan(service, fiber, handle, place, name, parent, context, links, startTime, kind)
        : beside(given, service, fiber, handle, place)
    }
  })
}

// internal

/** Where a span that begins belongs, and what it is to point to instead of a parent that has ended. */
interface Around {
  readonly context: TraceContext | undefined
  readonly link: TraceContext | undefined
}

const nowhere: Around = { context: undefined, link: undefined }

const placeOf = (span: Option.Option<Tracer.AnySpan>): SpanPlace | undefined =>
  Option.isSome(span) && placeOfSpan in span.value ? span.value[placeOfSpan] as SpanPlace : undefined

const parentOf = (
  fiber: AnyFiber,
  parent: Option.Option<Tracer.AnySpan>,
  options: Tracer.SpanOptions | undefined
): Around => {
  if (options?.root === true) return nowhere
  const ambient = options?.parent === undefined ? Context.get(fiber.currentContext, Current) : undefined
  if (Option.isNone(parent)) return { context: ambient, link: undefined }
  const span = parent.value
  const place = placeOf(parent)
  if (place === undefined) return { context: ambient ?? remote(span), link: undefined }
  // a span that was begun where the program still is stands inside of it; any other one stands around it
  if (options?.parent === undefined && place.ambient !== ambient) return { context: ambient, link: undefined }
  // what runs on after its span, as a daemon does, is no part of it any more
  const isOver = span._tag === "Span" && span.status._tag === "Ended"
  return isOver ? { context: undefined, link: place.context } : { context: place.context, link: undefined }
}

/** A span of another process goes on here. One of this process that nobody records is no parent to anything stored. */
const remote = (span: Tracer.AnySpan): TraceContext | undefined => {
  const { sampled, spanId, traceId } = span
  if (span._tag !== "ExternalSpan" || !isTraceId(traceId) || !isSpanId(spanId)) return undefined
  return TraceContext.unsafeMake({ traceId, spanId, sampled, isRemote: true })
}

const optionsOf = (
  kind: Tracer.SpanKind,
  links: ReadonlyArray<Tracer.SpanLink>,
  link: TraceContext | undefined
): Input.SpanOptions | undefined => {
  if (kind === "internal" && links.length === 0 && link === undefined) return undefined
  const all = link === undefined ? linksOf(links) : [{ context: link }, ...linksOf(links)]
  return { kind, links: all.length === 0 ? undefined : all }
}

/** The delegate's ids, where that is possible: then both stores show the same. */
const originOf = (given: Tracer.Span | undefined, parent: TraceContext | undefined, startTime: bigint): SpanOrigin => {
  const ids = given === undefined ? undefined : idsOf(given, parent)
  const startTimeNanos = orNow(startTime)
  return ids === undefined ? { startTimeNanos } : { ...ids, startTimeNanos }
}

/** A span that is not recorded: what runs in it belongs to the nearest one that is. */
const at = (span: Tracer.Span, fiber: AnyFiber, context: TraceContext): Tracer.Span => {
  const place: SpanPlace = { context, ambient: Context.get(fiber.currentContext, Current) }
  return Object.assign(span, { [placeOfSpan]: place })
}

/** Lets the record hear what the delegate's span is told. */
const beside = (
  span: Tracer.Span,
  service: Service,
  fiber: AnyFiber,
  handle: Parameters<Service["unsafe"]["endSpan"]>[1],
  place: SpanPlace
): Tracer.Span => {
  const { addLinks, attribute, end, event } = span
  return Object.assign(span, {
    [placeOfSpan]: place,
    end: (endTime: bigint, exit: Parameters<Tracer.Span["end"]>[1]) => {
      end.call(span, endTime, exit)
      record.end(service, fiber, handle, endTime, exit)
    },
    attribute: (key: string, value: unknown) => {
      attribute.call(span, key, value)
      record.attribute(service, handle, key, value)
    },
    event: (name: string, startTime: bigint, attributes?: Record<string, unknown>) => {
      event.call(span, name, startTime, attributes)
      record.event(service, fiber, handle, name, startTime, attributes)
    },
    addLinks: (links: ReadonlyArray<Tracer.SpanLink>) => {
      addLinks.call(span, links)
      record.links(service, handle, links)
    }
  })
}
