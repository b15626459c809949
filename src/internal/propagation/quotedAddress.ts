/**
 * The errors of @effect/platform quote the address of their request, credentials and query included, and so do the
 * errors that caused them. When these errors are recorded, their addresses show no more than a span's attributes do.
 */
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpServerError from "@effect/platform/HttpServerError"
import type * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as UrlParams from "@effect/platform/UrlParams"
import * as Cause from "effect/Cause"
import * as Either from "effect/Either"
import * as Http from "./http.ts"

/** The cause as it is recorded, with addresses replaced. The program's own cause stays as it is. */
export const recordedCause = (
  cause: Cause.Cause<unknown>,
  recordQuery: boolean | undefined
): Cause.Cause<unknown> => {
  const recorded = (error: unknown) => {
    try {
      const quotes = quotesOf(error, recordQuery)
      return quotes.length === 0 ? error : reworded(error, quotes)
    } catch {
      // reading an error may run the application's code; if that throws here, it throws for every other reader, too
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

/** An address, and the text that is recorded in its place. */
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
    // the whole address first, because `request.url` may be a prefix of it
    return [[url.href, recorded], [request.url, recorded]]
  }
  // nobody can tell which part of an invalid address is secret
  return /[?#@]/.test(request.url) ? [[request.url, "REDACTED"]] : []
}

const quotesOfRequest = (
  { originalUrl, url }: HttpServerRequest.HttpServerRequest,
  recordQuery: boolean | undefined
): ReadonlyArray<Quote> => [originalUrl, url].map((target) => [target, Http.recordedTarget(target, recordQuery)])

/** The same error with addresses replaced. Its causes are reworded only when read: the chain may be endless. */
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
