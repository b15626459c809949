/**
 * The record of one request, derived from the native span that @effect/platform makes for it: the attributes follow the
 * conventions, and the record ends with the span.
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpServerError from "@effect/platform/HttpServerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { Attributes } from "../../Input.ts"
import type { MessageOptions } from "./http.ts"
import * as Http from "./http.ts"
import { recordedCause } from "./quotedAddress.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>
type AnyExit = Exit.Exit<unknown, unknown>

/** The attributes that are known when a request arrives. */
export const requestAttributes = (
  fiber: AnyFiber,
  request: HttpServerRequest.HttpServerRequest,
  refused: ReadonlyArray<{ readonly message: string }>,
  options: MessageOptions
): Attributes => ({
  ...Http.methodAttributes(request.method),
  ...Http.serverAttributes(request.headers["host"]),
  ...Http.targetAttributes(request.originalUrl, options.recordQuery),
  "url.scheme": schemeOf(request),
  ...Http.recordedHeaders("request", request.headers, options.requestHeaders, redactedNames(fiber)),
  ...(refused.length === 0 ? {} : { "observability.refused": refused.map(({ message }) => message) })
})

/** The attributes of the response, known when the request has ended. */
export const responseAttributes = (fiber: AnyFiber, exit: AnyExit, options: MessageOptions): Attributes => {
  const response = responseOf(exit)
  if (response === undefined) return {}
  return {
    "http.response.status_code": response.status,
    ...Http.recordedHeaders("response", response.headers, options.responseHeaders, redactedNames(fiber))
  }
}

/**
 * How a request has ended. A response of 500 or more is an error, whatever failed, and so is a response that breaks
 * off. Any other response is a success: the server did well, even if it told the client what is wrong with its request.
 * A client that has gone, or a server that stops, interrupts.
 */
export const requestExit = (fiber: AnyFiber, exit: AnyExit, { recordQuery }: MessageOptions): AnyExit => {
  const status = responseOf(exit)?.status ?? 200
  const cause = exit._tag === "Success"
    ? undefined
    : Option.getOrUndefined(HttpServerError.causeResponseStripped(exit.cause)[1])
  if (cause !== undefined && Cause.isInterruptedOnly(cause)) return Exit.failCause(cause)
  if (status < 500) {
    // once the head of the response is sent, only the fiber knows that the client has gone
    const interrupted = fiber.getFiberRef(FiberRef.interruptedCause)
    if (!Cause.isEmpty(interrupted)) return Exit.failCause(interrupted)
    if (cause === undefined || !hasBrokenOff(status, cause)) return Exit.void
  }
  return cause === undefined
    ? Exit.fail(new Http.ErrorStatus(status))
    : Exit.failCause(recordedCause(cause, recordQuery))
}

/** Whether @effect/platform sets the attribute by itself: it is recorded in another way, or not at all. */
export const isOfPlatform = (key: string): boolean => platformKeys.test(key)

// internal

const redactedNames = (fiber: AnyFiber) => fiber.getFiberRef(Headers.currentRedactedNames)

/**
 * The scheme that the client used: the one that a proxy in front of the server forwards, if any, otherwise that of the
 * socket, which @effect/platform does not look at.
 */
const schemeOf = ({ headers, originalUrl, source }: HttpServerRequest.HttpServerRequest): string => {
  const forwarded = /^https?(?=\s*(?:,|$))/i.exec(headers["x-forwarded-proto"] ?? "")?.[0]
  if (forwarded !== undefined) return forwarded.toLowerCase()
  const isEncrypted = Predicate.hasProperty(source, "socket") && Predicate.hasProperty(source.socket, "encrypted") &&
    source.socket.encrypted === true
  return isEncrypted || originalUrl.startsWith("https:") ? "https" : "http"
}

/** `undefined` if the exit does not hold a response. */
const responseOf = (exit: AnyExit): HttpServerResponse.HttpServerResponse | undefined => {
  const response: unknown = HttpServerError.exitResponse(
    exit as Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>
  )
  return HttpServerResponse.isServerResponse(response) ? response : undefined
}

/**
 * Whether the response was a good one by its status, but broke off after the head. A program that fails with a
 * response, such as a redirect, has a failure as its cause; a response that breaks off has a defect, or the error of a
 * body that is Node's own stream.
 */
const hasBrokenOff = (status: number, cause: Cause.Cause<unknown>): boolean =>
  status < 400 &&
  (Option.isSome(Cause.dieOption(cause)) ||
    Option.exists(Cause.failureOption(cause), (error) =>
      HttpServerError.isServerError(error) && error._tag === "ResponseError"))

const platformKeys = /^(?:http\.(?:request|response)\.|url\.|client\.address$|user_agent\.original$)/
