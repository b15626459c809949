/**
 * The record of one request, told by the native span that @effect/platform makes for it: its attributes become those of
 * the conventions, its end that of the record.
 */
import * as Headers from "@effect/platform/Headers"
import * as HttpServerError from "@effect/platform/HttpServerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Attributes } from "../../Input.ts"
import type { MessageOptions } from "./http.ts"
import * as Http from "./http.ts"
import { recordedCause } from "./quotedAddress.ts"

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>
type AnyExit = Exit.Exit<unknown, unknown>

/** What is known of a request when it arrives. */
export const requestAttributes = (
  fiber: AnyFiber,
  request: HttpServerRequest.HttpServerRequest,
  refused: ReadonlyArray<{ readonly message: string }>,
  options: MessageOptions
): Attributes => ({
  ...Http.methodAttributes(request.method),
  ...Http.serverAttributes(request.headers["host"]),
  ...Http.targetAttributes(request.originalUrl, options.recordQuery),
  ...Http.recordedHeaders("request", request.headers, options.requestHeaders, redactedNames(fiber)),
  ...(refused.length === 0 ? {} : { "observability.refused": refused.map(({ message }) => message) })
})

/** What is known of a response when the request has ended. */
export const responseAttributes = (fiber: AnyFiber, exit: AnyExit, options: MessageOptions): Attributes => {
  const response = responseOf(exit)
  if (response === undefined) return {}
  return {
    "http.response.status_code": response.status,
    ...Http.recordedHeaders("response", response.headers, options.responseHeaders, redactedNames(fiber))
  }
}

/**
 * How a request has ended: an error is what is answered with 500 or more, whatever failed; below, the client was told what
 * is wrong with its request, and the server did well. A client that has gone, or a server that stops, interrupts.
 */
export const requestExit = (exit: AnyExit, { recordQuery }: MessageOptions): AnyExit => {
  const status = responseOf(exit)?.status ?? 200
  if (exit._tag === "Success") return status >= 500 ? Exit.fail(new Http.ErrorStatus(status)) : exit
  const [, cause] = HttpServerError.causeResponseStripped(exit.cause)
  if (Option.isSome(cause) && Cause.isInterruptedOnly(cause.value)) return Exit.failCause(cause.value)
  if (status < 500) return Exit.void
  return Option.isSome(cause)
    ? Exit.failCause(recordedCause(cause.value, recordQuery))
    : Exit.fail(new Http.ErrorStatus(status))
}

/** Attributes that @effect/platform sets by itself and that are recorded in another way, or not at all. */
export const isOfPlatform = (key: string): boolean => platformKeys.test(key)

// internal

const redactedNames = (fiber: AnyFiber) => fiber.getFiberRef(Headers.currentRedactedNames)

/** `undefined` when what has ended is not what answers the request. */
const responseOf = (exit: AnyExit): HttpServerResponse.HttpServerResponse | undefined => {
  const response: unknown = HttpServerError.exitResponse(
    exit as Exit.Exit<HttpServerResponse.HttpServerResponse, unknown>
  )
  return HttpServerResponse.isServerResponse(response) ? response : undefined
}

const platformKeys = /^(?:http\.(?:request|response)\.|url\.|client\.address$|user_agent\.original$)/
