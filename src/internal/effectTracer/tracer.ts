/**
 * A tracer that records the spans of Effect's own API, in place of Effect's default tracer or around any other one.
 */
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type * as Input from "../../Input.ts"
import type { Service, SpanOrigin } from "../../ObservabilityService.ts"
import { placeOfSpan } from "../../TraceContext.ts"
import { contextAt } from "../position.ts"
import { leftOutSpan } from "../recordedElsewhere.ts"
import { contextOf, defaultTracer, idsOf, isNative } from "../tracer.ts"
import type { Around } from "./around.ts"
import { aroundOf, endedSpan, parentOf, positionOfParent } from "./around.ts"
import type { Candidate } from "./filters.ts"
import { isWanted } from "./filters.ts"
import { canListenTo, listenTo } from "./listening.ts"
import { NativeSpan } from "./nativeSpan.ts"
import { Place } from "./place.ts"
import { linksOf, orNow } from "./record.ts"

export interface Options {
  readonly shouldRecord?: ((span: Candidate) => boolean) | undefined
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export const effectTracer = (delegate: Tracer.Tracer, service: Service, options: Options): Tracer.Tracer => {
  // Effect's own tracer only makes spans, and a `NativeSpan` takes their place: that tracer need not be called
  const isAlone = delegate === defaultTracer
  return Tracer.make({
    context: contextOf(delegate),
    span: (name, parent, context, links, startTime, kind, stated) => {
      const fiber = Option.getOrUndefined(Fiber.getCurrentFiber())
      const around = fiber === undefined ? undefined : tryAround(fiber, parent, stated)
      if (fiber === undefined || around === undefined) {
        return delegate.span(name, parent, context, links, startTime, kind, stated)
      }
      const { ambient, ended } = around
      const all = ended === undefined ? links : [linkTo(endedSpan(ended, parent)), ...links]
      const wanted = isWanted(options.shouldRecord, name, kind, attributesOf(options, fiber, stated))
      if (isAlone && wanted) {
        const handle = service.unsafe.startSpan(
          fiber,
          around.above,
          name,
          optionsOf(kind, all),
          originOf(around, startTime)
        )
        if (handle !== undefined) {
          // a span of this library in between is not a native one, and code that prints errors goes from one native
          // span to the next
          const above = ended === undefined ? parent : parentOf(around, parent)
          const place = new Place(handle, ambient)
          return new NativeSpan(service, fiber, handle, place, name, above, context, all, startTime, kind)
        }
      }
      // if the span is to begin a trace, no tracer may find a parent by itself
      const told = ended !== undefined && around.above === undefined ? { ...stated, root: true } : stated
      const given = delegate.span(name, parentOf(around, parent), context, all, startTime, kind, told)
      // this library records the span already, is to leave it out, or cannot listen to it
      if (placeOfSpan in given || leftOutSpan in given || !canListenTo(given)) return given
      const above = around.above ?? positionOfParent(given)
      if (!wanted) {
        // spans inside belong to the nearest recorded span
        if (above !== undefined) Object.assign(given, { [placeOfSpan]: new Place(above, ambient) })
        return given
      }
      if (isAlone) return given
      const handle = service.unsafe.startSpan(fiber, above, name, optionsOf(kind, all), {
        ...originOf(around, startTime),
        ...idsOf(given, above)
      })
      if (handle === undefined) return given
      // the span's own ids mean nothing to anybody yet
      if (isNative(given)) Object.assign(given, { traceId: handle.traceId, spanId: handle.spanId })
      listenTo(given, service, fiber, handle, new Place(handle, ambient))
      return given
    }
  })
}

// internal

/** A stated parent may be anything if the program's types have a hole. */
const tryAround = (
  fiber: AnyFiber,
  parent: Option.Option<Tracer.AnySpan>,
  stated: Tracer.SpanOptions | undefined
): Around | undefined => {
  try {
    return aroundOf(fiber, parent, stated)
  } catch {
    return undefined
  }
}

/**
 * The attributes of a span, with the annotations that the program gives to all spans: Effect sets those only after the
 * span has been made.
 */
const attributesOf = (
  { shouldRecord }: Options,
  fiber: AnyFiber,
  stated: Tracer.SpanOptions | undefined
): Readonly<Record<string, unknown>> | undefined => {
  if (shouldRecord === undefined) return stated?.attributes
  const annotations = Object.fromEntries(fiber.getFiberRef(FiberRef.currentTracerSpanAnnotations))
  return { ...annotations, ...stated?.attributes }
}

const linkTo = (span: Tracer.AnySpan): Tracer.SpanLink => ({ _tag: "SpanLink", span, attributes: {} })

const optionsOf = (
  kind: Tracer.SpanKind,
  links: ReadonlyArray<Tracer.SpanLink>
): Input.SpanOptions | undefined => {
  if (kind === "internal" && links.length === 0) return undefined
  const all = linksOf(links)
  return { kind, links: all.length === 0 ? undefined : all }
}

const originOf = ({ above, ended }: Around, startTime: bigint): SpanOrigin => ({
  startTimeNanos: orNow(startTime),
  subjects: above === undefined && ended !== undefined ? contextAt(ended) : undefined
})
