/**
 * A tracer around another one that handles only the spans of HTTP servers, and passes on all others.
 *
 * @effect/platform makes such a span outside of all middleware, with a parent that it reads from the headers in its own
 * way. Only a tracer can intervene there: this one reads the headers again, by the rules, and gives the span the right
 * parent.
 */
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as Context from "effect/Context"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import * as Baggage from "../../Baggage.ts"
import type { Service } from "../../ObservabilityService.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import { leftOutSpan, recordedElsewhere } from "../recordedElsewhere.ts"
import { contextOf } from "../tracer.ts"
import * as Beside from "./beside.ts"
import type { CarrierOptions, Received } from "./carrier.ts"
import * as Carrier from "./carrier.ts"
import type { MessageOptions } from "./http.ts"
import * as Http from "./http.ts"
import * as Server from "./serverSpan.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>
type Request = HttpServerRequest.HttpServerRequest

export interface ServerOptions extends MessageOptions, Pick<CarrierOptions, "baggage" | "subjects"> {
  /**
   * Which requests are recorded. Requests that are not, such as health checks, still continue the trace that they came
   * with. Default: all.
   */
  readonly shouldRecord?: ((request: Request) => boolean) | undefined
}

export const serverTracer = (delegate: Tracer.Tracer, service: Service, options: ServerOptions): Tracer.Tracer => {
  /** The requests that have a span already: a further span of kind `server` inside a request is the program's own. */
  const begun = new WeakSet<object>()
  return Tracer.make({
    context: contextOf(delegate),
    span: (name, parent, context, links, startTime, kind, spanOptions) => {
      const pass = (around: Option.Option<Tracer.AnySpan>, stated = spanOptions) =>
        delegate.span(name, around, context, links, startTime, kind, stated)
      const fiber = kind === "server" ? Option.getOrUndefined(Fiber.getCurrentFiber()) : undefined
      const request = fiber === undefined ? undefined : requestOf(fiber)
      if (fiber === undefined || request === undefined || begun.has(identityOf(request))) return pass(parent)
      begun.add(identityOf(request))
      const received = Carrier.read(request.headers, options)
      const sender = received.context === undefined ? undefined : Beside.externalSpan(fiber, received.context)
      // a parent that @effect/platform read from other headers, or less strictly, must not be continued
      const isMisread = sender === undefined && spanOptions?.parent !== undefined
      const around = isMisread ? Option.none() : Option.orElse(Option.fromNullable(sender), () => parent)
      const wanted = isWanted(request, options)
      const attributes = wanted ? spanOptions?.attributes : recordedElsewhere(spanOptions?.attributes)
      const span = pass(around, { ...spanOptions, attributes, parent: sender })
      quietly(() => listen(service, fiber, span, request, received, wanted, options))
      return span
    }
  })
}

// internal

const requestOf = (fiber: AnyFiber): Request | undefined =>
  Option.getOrUndefined(Context.getOption(fiber.currentContext, HttpServerRequest.HttpServerRequest))

/** The object that identifies a request: middleware that changes it puts another object around the same source. */
const identityOf = (request: Request): object =>
  typeof request.source === "object" && request.source !== null ? request.source : request

const listen = (
  service: Service,
  fiber: AnyFiber,
  span: Tracer.Span,
  request: Request,
  received: Received,
  wanted: boolean,
  options: ServerOptions
): void => {
  if (received.baggage !== Baggage.empty) {
    const carried: Baggage.SpanBaggage = {
      baggage: received.baggage,
      ambient: Context.get(fiber.currentContext, Baggage.Current)
    }
    Object.assign(span, { [Baggage.baggageOfSpan]: carried })
  }
  if (!wanted) {
    Object.assign(span, { [leftOutSpan]: true })
    if (received.context !== undefined && !Beside.isRecorded(span)) Beside.mark(fiber, span, received.context)
    return
  }
  const attributes = Server.requestAttributes(fiber, request, received.refused, options)
  if (Beside.isRecorded(span)) {
    // a span whose context is the sender's is left out by another tracer of this library
    const isLeftOut = Beside.contextOf(span) === received.context
    return isLeftOut ? undefined : correct(service, fiber, span, request, attributes, options)
  }
  const { context, handle } = Beside.begin(service, fiber, span, received.context, Http.methodName(request.method), {
    kind: "server",
    attributes
  })
  Beside.mark(fiber, span, context)
  if (handle !== undefined) record(service, fiber, span, handle, request, options)
}

/** Ignores errors, such as those of an id generator or of a span that cannot be changed: the request goes on. */
const quietly = (act: () => void): void => {
  try {
    act()
  } catch {
    // only the record suffers, nothing of the application depends on it
  }
}

/** The filter is the application's code and may throw. */
const isWanted = (request: Request, { shouldRecord }: ServerOptions): boolean => {
  try {
    return shouldRecord === undefined || shouldRecord(request)
  } catch {
    return true
  }
}

/** Copies the attributes and the end of the tracer's span to the record; the span itself stays the tracer's own. */
const record = (
  service: Service,
  fiber: AnyFiber,
  span: Tracer.Span,
  handle: SpanHandle,
  request: Request,
  options: ServerOptions
): void => {
  const { attribute, end } = span
  Object.assign(span, {
    attribute: (key: string, value: unknown) => {
      attribute.call(span, key, value)
      if (key === "http.route") service.unsafe.updateSpan(handle, routed(request, value))
      else if (!Server.isOfPlatform(key)) service.unsafe.updateSpan(handle, { attributes: { [key]: value } })
    },
    end: (endTime: bigint, exit: Parameters<Tracer.Span["end"]>[1]) => {
      end.call(span, endTime, exit)
      quietly(() => service.unsafe.updateSpan(handle, { attributes: Server.responseAttributes(fiber, exit, options) }))
      service.unsafe.endSpan(fiber, handle, Server.requestExit(fiber, exit, options))
    }
  })
}

/** Corrects a span that another tracer of this library records, to hold what this one would record and no more. */
const correct = (
  service: Service,
  fiber: AnyFiber,
  span: Tracer.Span,
  request: Request,
  attributes: Readonly<Record<string, unknown>>,
  options: ServerOptions
): void => {
  const { attribute, end } = span
  const setAll = (all: Readonly<Record<string, unknown>>) => {
    for (const [key, value] of Object.entries(all)) attribute.call(span, key, value)
  }
  const context = Beside.contextOf(span)
  setAll(attributes)
  if (context !== undefined) service.unsafe.updateSpan(context, { name: Http.methodName(request.method) })
  Object.assign(span, {
    attribute: (key: string, value: unknown) => {
      if (Server.isOfPlatform(key)) return
      attribute.call(span, key, value)
      if (key === "http.route" && context !== undefined) service.unsafe.updateSpan(context, routed(request, value))
    },
    end: (endTime: bigint, exit: Parameters<Tracer.Span["end"]>[1]) => {
      quietly(() => setAll(Server.responseAttributes(fiber, exit, options)))
      end.call(span, endTime, Server.requestExit(fiber, exit, options))
    }
  })
}

const routed = (request: Request, route: unknown) => ({
  name: `${Http.methodName(request.method)} ${String(route)}`,
  attributes: { "http.route": route }
})
