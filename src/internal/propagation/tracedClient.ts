/** An HTTP client around another one: each call, and each retry of it, has a span and a span id of its own. */
import * as Headers from "@effect/platform/Headers"
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import { constTrue } from "effect/Function"
import { globalValue } from "effect/GlobalValue"
import type * as Tracer from "effect/Tracer"
import * as Baggage from "../../Baggage.ts"
import type { Service } from "../../ObservabilityService.ts"
import { TraceContext } from "../../TraceContext.ts"
import type { Beside } from "./beside.ts"
import * as Besides from "./beside.ts"
import type { CarrierOptions } from "./carrier.ts"
import * as Carrier from "./carrier.ts"
import type { Hosts } from "./hosts.ts"
import { hostFilter } from "./hosts.ts"
import type { MessageOptions } from "./http.ts"
import * as Http from "./http.ts"
import { recordedCause } from "./quotedAddress.ts"

export interface ClientOptions extends MessageOptions, CarrierOptions {
  /**
   * The hosts that the trace is passed on to: `api.internal`, `api.internal:8080`, `*.internal`, or a function. Calls
   * to other hosts are recorded, but carry no headers of the trace. Default: loopback addresses only.
   */
  readonly propagateTo?: Hosts | undefined
  /** Whether `b3` is sent, too, for services that do not support `traceparent`. Default: `false`. */
  readonly b3?: boolean | undefined
}

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse
type Calling = Effect.Effect<Response, HttpClientError.HttpClientError>
type CallExit = Exit.Exit<Response, HttpClientError.HttpClientError>

export const tracedClient = (
  client: HttpClient.HttpClient,
  service: Service,
  options: ClientOptions
): HttpClient.HttpClient => {
  const isTold = hostFilter(options.propagateTo)

  const traced = (fiber: AnyFiber, request: Request): Calling => {
    // if the wrapped client adds a base address by itself, the host is unknown here
    const url = Either.getOrUndefined(UrlParams.makeUrl(request.url, request.urlParams, request.hash))
    const name = Http.methodName(request.method)
    return Effect.useSpan(
      name,
      { kind: "client", captureStackTrace: false },
      (span) =>
        Effect.uninterruptibleMask((restore) => {
          const call = begin(service, fiber, span, request, url, name, options)
          const tells = url !== undefined && fiber.getFiberRef(HttpClient.currentTracerPropagation) && isTold(url)
          const sent = call !== undefined && tells ? told(request, call.context, fiber, options) : request
          const response = client.execute(sent).pipe(
            // the wrapped client makes no span: it could not be told which headers to send
            Effect.locally(HttpClient.currentTracerDisabledWhen, constTrue),
            Effect.withParentSpan(span)
          )
          return Effect.onExit(
            restore(response),
            (exit) => Effect.sync(() => end(service, fiber, span, call, exit, options))
          )
        })
    )
  }

  return HttpClient.makeWith<HttpClientError.HttpClientError, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.withFiberRuntime<Response, HttpClientError.HttpClientError>((fiber) =>
        isSilent(fiber, request) ? client.execute(request) : traced(fiber, request)
      )
    ),
    Effect.succeed
  )
}

// internal

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** Whether the program wants no span for the request, and so no headers that would name one. */
const isSilent = (fiber: AnyFiber, request: Request): boolean =>
  !fiber.getFiberRef(FiberRef.currentTracerEnabled) || fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)

interface Call extends Beside {
  /** Whether another tracer of this library records the call. */
  readonly isRecordedElsewhere: boolean
}

const begin = (
  service: Service,
  fiber: AnyFiber,
  span: Tracer.Span,
  request: Request,
  url: URL | undefined,
  name: string,
  options: ClientOptions
): Call | undefined => {
  const attributes = {
    ...Http.methodAttributes(request.method),
    ...(url === undefined ? {} : Http.urlAttributes(url, options.recordQuery)),
    ...Http.recordedHeaders("request", request.headers, options.requestHeaders, redactedNames(fiber))
  }
  for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
  const recorded = Besides.contextOf(span)
  if (recorded !== undefined) return { context: recorded, handle: undefined, isRecordedElsewhere: true }
  try {
    const parent = TraceContext.unsafeCurrent(fiber)
    const call = Besides.begin(service, fiber, span, parent, name, { kind: "client", attributes })
    Besides.mark(fiber, span, call.context)
    return { ...call, isRecordedElsewhere: false }
  } catch {
    // the id generator failed: the call goes on, without passing on a trace
    return undefined
  }
}

const end = (
  service: Service,
  fiber: AnyFiber,
  span: Tracer.Span,
  call: Call | undefined,
  exit: CallExit,
  options: ClientOptions
): void => {
  if (exit._tag === "Success") {
    const attributes = responseAttributes(fiber, exit.value, options)
    for (const [key, value] of Object.entries(attributes)) span.attribute(key, value)
    if (call?.handle !== undefined) service.unsafe.updateSpan(call.handle, { attributes })
  }
  const outcome = callExit(exit, options)
  if (call?.handle !== undefined) service.unsafe.endSpan(fiber, call.handle, outcome)
  else if (call?.isRecordedElsewhere === true) {
    // the other tracer would see any response as a success, and a failure with the error as the program has it
    const { end } = span
    Object.assign(span, { end: (endTime: bigint) => end.call(span, endTime, outcome) })
  }
}

const responseAttributes = (fiber: AnyFiber, { headers, status }: Response, options: ClientOptions) => ({
  "http.response.status_code": status,
  ...(status >= 400 ? { "error.type": String(status) } : {}),
  ...Http.recordedHeaders("response", headers, options.responseHeaders, redactedNames(fiber))
})

/** How a call has ended: a response of 400 or more is an error. */
const callExit = (exit: CallExit, { recordQuery }: ClientOptions): Exit.Exit<unknown, unknown> => {
  if (exit._tag === "Failure") return Exit.failCause(recordedCause(exit.cause, recordQuery))
  const { status } = exit.value
  return status >= 400 ? Exit.fail(new Http.ErrorStatus(status)) : exit
}

/** The request with the headers of the trace and its baggage. */
const told = (request: Request, context: TraceContext, fiber: AnyFiber, options: ClientOptions): Request => {
  const headers = Carrier.write(context, Baggage.unsafeCurrent(fiber), options)
  const changed = HttpClientRequest.setHeaders(
    withoutTrace(request),
    options.b3 === true
      ? { ...headers, b3: `${context.traceId}-${context.spanId}-${context.sampled ? "1" : "0"}` }
      : headers
  )
  const controller = scopedRequests.get(request)
  if (controller !== undefined) scopedRequests.set(changed, controller)
  return changed
}

/** Removes the headers of another trace: @effect/platform can add headers to a request, but not remove them. */
const withoutTrace = (request: Request): Request =>
  "traceparent" in request.headers || "tracestate" in request.headers
    ? Object.assign(Object.create(Object.getPrototypeOf(request)), request, {
      headers: Headers.remove(request.headers, ["traceparent", "tracestate"])
    })
    : request

/** The map in which @effect/platform looks up the requests that `HttpClient.withScope` aborts with their scope. */
const scopedRequests = globalValue(
  "@effect/platform/HttpClient/scopedRequests",
  () => new WeakMap<Request, AbortController>()
)

const redactedNames = (fiber: AnyFiber) => fiber.getFiberRef(Headers.currentRedactedNames)
