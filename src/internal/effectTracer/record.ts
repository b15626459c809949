/** Passes what a native span is told on to its record. */
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import { isSpanId, isTraceId } from "../../Identifier.ts"
import type * as Input from "../../Input.ts"
import type { Service } from "../../ObservabilityService.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import { withoutCredentials } from "../credentials.ts"
import { withoutBodies } from "../quotedBodies.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

export const record = {
  attribute: (service: Service, handle: SpanHandle, key: string, value: unknown): void =>
    service.unsafe.addAttribute(handle, key, withoutCredentials(key, value)),

  event: (
    service: Service,
    fiber: AnyFiber,
    handle: SpanHandle,
    name: string,
    startTime: bigint,
    attributes: Record<string, unknown> | undefined
  ): void =>
    service.unsafe.addEvent(fiber, handle, {
      name: withoutBodies(name),
      timeNanos: orNow(startTime),
      attributes: readable(attributes)
    }),

  links: (service: Service, handle: SpanHandle, links: ReadonlyArray<Tracer.SpanLink>): void => {
    for (const link of linksOf(links)) service.unsafe.addLink(handle, link)
  },

  end: (
    service: Service,
    fiber: AnyFiber,
    handle: SpanHandle,
    endTime: bigint,
    exit: Exit.Exit<unknown, unknown>
  ): void => service.unsafe.endSpan(fiber, handle, exit, orNow(endTime))
}

/** Effect passes 0 if its tracer's timing is switched off; that is not a time. */
export const orNow = (nanos: bigint): bigint | undefined => nanos === zero ? undefined : nanos

/** The links to spans with W3C ids; other links point nowhere. */
export const linksOf = (links: ReadonlyArray<Tracer.SpanLink>): ReadonlyArray<Input.SpanLink> =>
  links.flatMap(({ attributes, span: { spanId, traceId } }) =>
    isTraceId(traceId) && isSpanId(spanId) ? [{ context: { traceId, spanId }, attributes }] : []
  )

/** The attributes of an event without quoted bodies: a log entry is an event, with its cause as Effect prints it. */
const readable = (attributes: Record<string, unknown> | undefined): Record<string, unknown> | undefined => {
  const cause = attributes?.["effect.cause"]
  return typeof cause === "string" ? { ...attributes, "effect.cause": withoutBodies(cause) } : attributes
}

const zero = BigInt(0)
