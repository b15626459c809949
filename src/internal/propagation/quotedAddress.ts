/**
 * The errors of @effect/platform quote the address of their request, credentials and query included, and so do the errors
 * that caused them. What is recorded of them says no more of an address than a span does.
 */
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpServerError from "@effect/platform/HttpServerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as Http from "./http.ts"

/** The cause in the words in which it is recorded. The program's own stays as it is. */
export const recordedCause = (
  cause: Cause.Cause<unknown>,
  recordQuery: boolean | undefined
): Cause.Cause<unknown> => {
  const recorded = (error: unknown) => {
    try {
      const quotes = quotesOf(error, recordQuery)
      return quotes.length === 0 ? error : reworded(error, quotes)
    } catch {
      // to read an error runs code of the application; what makes it throw here, nobody else can read either
      return error
    }
  }
  return Cause.match(cause, {
    onEmpty: Cause.empty,
    onFail: (error) => Cause.fail(recorded(error)),
    onDie: (defect) => Cause.die(recorded(defect)),
    onInterrupt: (fiberId) => Cause.interrupt(fiberId),
    onSequential: (left, right) => Cause.sequential(left, right),
    onParallel: (left, right) => Cause.parallel(left, right)
  })
}

// internal

/** A text, and what is written in its place. */
type Quote = readonly [address: string, recorded: string]

const quotesOf = (error: unknown, recordQuery: boolean | undefined): ReadonlyArray<Quote> => {
  if (HttpClientError.isHttpClientError(error)) return quotesOfCall(error.request, recordQuery)
  return HttpServerError.isServerError(error) && "request" in error ? quotesOfRequest(error.request, recordQuery) : []
}

const quotesOfCall = (
  request: HttpClientRequest.HttpClientRequest,
  recordQuery: boolean | undefined
): ReadonlyArray<Quote> => {
  const url = Either.getOrUndefined(UrlParams.makeUrl(request.url, request.urlParams, request.hash))
  if (url !== undefined) {
    const recorded = Http.fullUrl(url, recordQuery)
    // the whole one first: the other may be its beginning
    return [[url.href, recorded], [request.url, recorded]]
  }
  // which part of it is a secret, nobody can say
  return /[?#@]/.test(request.url) ? [[request.url, "REDACTED"]] : []
}

const quotesOfRequest = (
  { originalUrl, url }: HttpServerRequest.HttpServerRequest,
  recordQuery: boolean | undefined
): ReadonlyArray<Quote> => [originalUrl, url].map((target) => [target, Http.recordedTarget(target, recordQuery)])

/** The same error in other words. Its causes are looked at only when they are asked for: there may be no end of them. */
const reworded = (error: unknown, quotes: ReadonlyArray<Quote>): unknown => {
  if (typeof error === "string") return rewordedText(error, quotes)
  if (!(error instanceof Error)) return undefined
  return Object.create(error, {
    message: { value: rewordedText(error.message, quotes) },
    stack: { value: error.stack === undefined ? undefined : rewordedText(error.stack, quotes) },
    cause: { get: () => reworded(error.cause, quotes) }
  })
}

const rewordedText = (text: string, quotes: ReadonlyArray<Quote>): string =>
  quotes.reduce((text, [address, recorded]) => address === "" ? text : text.replaceAll(address, () => recorded), text)
