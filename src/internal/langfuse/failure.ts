/** Why a request failed, and what that means for the records in it. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import { ProviderError } from "../../Provider.ts"
import { isBrokenOff } from "./httpPost.ts"

export class RequestFailure extends Data.TaggedError("RequestFailure")<{
  /** The status of the answer, if there was one. */
  readonly status: number | undefined
  readonly message: string
  readonly retryAfter?: Duration.Duration | undefined
  readonly cause?: unknown
}> {}

/** Whether the server, or the address by which it was reached, does not know the protocol. */
export const isProtocolUnknown = ({ status }: RequestFailure): boolean =>
  status === 404 || status === 405 || status === 410

export const isTooLarge = ({ status }: RequestFailure): boolean => status === 413

/**
 * Whether the connection broke. A server, or a proxy, that finds a request too large while it is being sent may close
 * the connection instead of answering.
 */
export const isReset = ({ cause, status }: RequestFailure): boolean =>
  status === undefined && cause instanceof Error && isBrokenOff(cause)

export const toProviderError = (failure: RequestFailure): ProviderError => {
  const { cause, message, retryAfter, status } = failure
  if (status !== undefined && blocked.has(status)) {
    return ProviderError.transient(
      `${message}; are LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY those of a project on this server?`,
      { cause, retryAfter: retryAfter ?? slowly }
    )
  }
  // also if there is no other protocol to switch to: an answer from a wrong address, or from a server that is being
  // replaced, says nothing about the records
  if (isProtocolUnknown(failure)) {
    return ProviderError.transient(`${message}; is LANGFUSE_BASE_URL the address of a Langfuse server?`, {
      cause,
      retryAfter: retryAfter ?? slowly
    })
  }
  return status !== undefined && status >= 400 && status < 500 && !passing.has(status)
    ? ProviderError.rejected(message, { cause })
    : ProviderError.transient(message, { cause, retryAfter })
}

/** The delay before a retry after failures that do not pass within seconds. */
export const slowly = Duration.seconds(60)

// internal

/** Wrong keys, an exceeded quota, or a proxy that demands credentials. */
const blocked: ReadonlySet<number> = new Set([401, 402, 403, 407])

/** Timeout, too early, too many requests. */
const passing: ReadonlySet<number> = new Set([408, 425, 429])
