/** A client of HTTP around another one: each call, and each further attempt of it, has a span and an id of its own. */
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
   * The hosts that are told of the trace: `api.internal`, `api.internal:8080`, `*.internal`, or a function. Calls of others
   * are recorded, and carry nothing. Default: the loopback addresses alone.
   */
  readonly propagateTo?: Hosts | undefined
  /** Whether `b3` is sent, too, for services that know no `traceparent`. Default: `false`. */
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
    // of a client that adds a base address by itself, nobody knows here whom it calls
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
            // the span of the call is made here: the client within could not be told what to send
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

/** Whether the program wants no span of the request, and so nothing that would speak of one. */
const isSilent = (fiber: AnyFiber, request: Request): boolean =>
  !fiber.getFiberRef(FiberRef.currentTracerEnabled) || fiber.getFiberRef(HttpClient.currentTracerDisabledWhen)(request)

interface Call extends Beside {
  /** Whether another tracer of this library records it. */
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
    // a generator of ids that fails: the call goes on, and tells nobody of a trace
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
    // its tracer sees no more than that there was an answer, and of a failure the error as the program has it
    const { end } = span
    Object.assign(span, { end: (endTime: bigint) => end.call(span, endTime, outcome) })
  }
}

const responseAttributes = (fiber: AnyFiber, { headers, status }: Response, options: ClientOptions) => ({
  "http.response.status_code": status,
  ...(status >= 400 ? { "error.type": String(status) } : {}),
  ...Http.recordedHeaders("response", headers, options.responseHeaders, redactedNames(fiber))
})

/** How a call has ended: an answer of 400 or more is an error of it. */
const callExit = (exit: CallExit, { recordQuery }: ClientOptions): Exit.Exit<unknown, unknown> => {
  if (exit._tag === "Failure") return Exit.failCause(recordedCause(exit.cause, recordQuery))
  const { status } = exit.value
  return status >= 400 ? Exit.fail(new Http.ErrorStatus(status)) : exit
}

/** The request with what travels along. */
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

/** Without the headers of another trace. @effect/platform has a way to add headers to a request, and none to remove them. */
const withoutTrace = (request: Request): Request =>
  "traceparent" in request.headers || "tracestate" in request.headers
    ? Object.assign(Object.create(Object.getPrototypeOf(request)), request, {
      headers: Headers.remove(request.headers, ["traceparent", "tracestate"])
    })
    : request

/** By the request, @effect/platform knows which ones `HttpClient.withScope` ends with their scope. */
const scopedRequests = globalValue(
  "@effect/platform/HttpClient/scopedRequests",
  () => new WeakMap<Request, AbortController>()
)

const redactedNames = (fiber: AnyFiber) => fiber.getFiberRef(Headers.currentRedactedNames)
