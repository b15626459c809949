/**
 * Copies what another tracer's span is told to a record. The span stays that tracer's own object, because a tracer such
 * as OpenTelemetry's knows its spans by their class.
 */
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import type { Service } from "../../ObservabilityService.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import { placeOfSpan, type SpanPlace } from "../../TraceContext.ts"
import { record } from "./record.ts"

/** Whether properties can be added to the span, and its methods replaced. */
export const canListenTo = (span: Tracer.Span): boolean =>
  Object.isExtensible(span) &&
  methods.every((name) => Object.getOwnPropertyDescriptor(span, name)?.configurable !== false)

export const listenTo = (
  span: Tracer.Span,
  service: Service,
  fiber: Fiber.RuntimeFiber<unknown, unknown>,
  handle: SpanHandle,
  place: SpanPlace
): void => {
  const listener = new Listener(service, fiber, handle, span)
  add(span, placeOfSpan, place)
  add(span, listenerOf, listener)
  for (const name of methods) add(span, name, heard[name])
}

// internal

const listenerOf = Symbol("effect-observability/listener")

const methods = ["end", "attribute", "event", "addLinks"] as const

/**
 * The record, and the span's original methods: one object for each span, while the replacing functions are shared by
 * all spans.
 */
class Listener {
  readonly service: Service
  readonly fiber: Fiber.RuntimeFiber<unknown, unknown>
  readonly handle: SpanHandle
  readonly end: Tracer.Span["end"]
  readonly attribute: Tracer.Span["attribute"]
  readonly event: Tracer.Span["event"]
  readonly addLinks: Tracer.Span["addLinks"]

  constructor(
    service: Service,
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    handle: SpanHandle,
    { addLinks, attribute, end, event }: Tracer.Span
  ) {
    this.service = service
    this.fiber = fiber
    this.handle = handle
    this.end = end
    this.attribute = attribute
    this.event = event
    this.addLinks = addLinks
  }
}

interface Heard extends Tracer.Span {
  readonly [listenerOf]: Listener
}

const heard = {
  end(this: Heard, endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    const { end, fiber, handle, service } = this[listenerOf]
    end.call(this, endTime, exit)
    record.end(service, fiber, handle, endTime, exit)
  },
  attribute(this: Heard, key: string, value: unknown): void {
    const { attribute, handle, service } = this[listenerOf]
    attribute.call(this, key, value)
    record.attribute(service, handle, key, value)
  },
  event(this: Heard, name: string, startTime: bigint, attributes?: Record<string, unknown>): void {
    const { event, fiber, handle, service } = this[listenerOf]
    event.call(this, name, startTime, attributes)
    record.event(service, fiber, handle, name, startTime, attributes)
  },
  addLinks(this: Heard, links: ReadonlyArray<Tracer.SpanLink>): void {
    const { addLinks, handle, service } = this[listenerOf]
    addLinks.call(this, links)
    record.links(service, handle, links)
  }
}

/** Defines a property instead of assigning it: an assignment would run a setter, or fail where the class has none. */
const add = (span: Tracer.Span, key: PropertyKey, value: unknown): void => {
  Object.defineProperty(span, key, { value, writable: true, configurable: true })
}
