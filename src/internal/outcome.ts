/**
 * How something ended, from its `Exit`: the one place that decides between success, error and interruption.
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { ErrorDetails, Status } from "../Observation.ts"
import { capture, cutString } from "./capture.ts"
import { printedCause } from "./printedCause.ts"
import { withoutBodies } from "./quotedBodies.ts"

export interface Outcome {
  readonly status: Exclude<Status, "in_progress" | "lost">
  readonly error: ErrorDetails | undefined
}

export const success: Outcome = { status: "success", error: undefined }

export const interrupted: Outcome = { status: "interrupted", error: undefined }

export const fromExit = (exit: Exit.Exit<unknown, unknown>): Outcome =>
  exit._tag === "Success" ? success : fromCause(exit.cause)

/**
 * Failures take precedence over defects, and both over interruption: a failure whose siblings were interrupted because
 * of it is an error, and only a cause that holds nothing but interruption is `interrupted`.
 */
export const fromCause = (cause: Cause.Cause<unknown>): Outcome => {
  const reason = Option.orElse(Cause.failureOption(cause), () => Cause.dieOption(cause))
  if (Option.isNone(reason) && !Cause.isEmpty(cause)) return interrupted
  return {
    status: "error",
    error: errorDetails(Option.getOrElse(reason, () => "the cause is empty"), cause)
  }
}

/**
 * Stands in for an error where a program has not failed, such as for the status of a response. An error that the
 * program itself states says more.
 */
export abstract class StandIn {
  abstract readonly _tag: string
  abstract readonly message: string
}

export const standInOf = (cause: Cause.Cause<unknown>): StandIn | undefined =>
  cause._tag === "Fail" && cause.error instanceof StandIn ? cause.error : undefined

/** Describes an error that the application hands over, as if it had failed with that error. */
export const fromError = (error: unknown): ErrorDetails => errorDetails(error, Cause.fail(error))

/**
 * Describes an error value of any kind. Reading it runs code of the application, which may throw.
 *
 * @param cause printed, where it is given
 */
export const errorDetails = (error: unknown, cause?: Cause.Cause<unknown> | undefined): ErrorDetails => {
  try {
    if (Cause.isCause(error)) return fromCause(error).error ?? interruption
    return {
      type: cutString(typeOf(error), maxTypeLength),
      message: cutString(withoutBodies(messageOf(error)), maxMessageLength),
      cause: cause === undefined ? undefined : printedCause(cause)
    }
  } catch {
    return { type: "unknown", message: "the error could not be read", cause: undefined }
  }
}

// internal

/** An interruption that a program hands over as an error. */
const interruption: ErrorDetails = { type: "Interrupt", message: "interrupted", cause: undefined }

const maxTypeLength = 256
const maxMessageLength = 16_384

/**
 * An error without a message is described by its fields. Only a few of them, because this runs on the application's
 * fiber.
 */
const errorLimits = { maxDepth: 4, maxEntries: 32, maxStringLength: 1_024, maxBytes: maxMessageLength }

const typeOf = (error: unknown): string => {
  if (Predicate.hasProperty(error, "_tag") && typeof error._tag === "string") return error._tag
  // an error class that sets no name inherits that of `Error`
  if (error instanceof Error && error.name !== "Error" && isName(error.name)) return error.name
  if (typeof error !== "object" || error === null) return typeof error
  const name: unknown = error.constructor?.name
  return isName(name) ? name : "Object"
}

/** The types say that a name is text, but JavaScript lets it be anything. */
const isName = (name: unknown): name is string => typeof name === "string" && name !== ""

const messageOf = (error: unknown): string => {
  if (typeof error === "string") return error
  if (Predicate.hasProperty(error, "message") && typeof error.message === "string" && error.message !== "") {
    return error.message
  }
  if (error instanceof AggregateError && error.errors.length > 0) return messagesOf(error.errors)
  if (error instanceof Error) return typeOf(error)
  return typeof error === "object" && error !== null ? JSON.stringify(capture(error, errorLimits).value) : String(error)
}

/**
 * The messages of an `AggregateError`: Node's error for a host name with several addresses, none of which answers, has
 * no message.
 */
const messagesOf = (errors: ReadonlyArray<unknown>): string =>
  Array.from(
    new Set(
      errors.slice(0, maxErrors).map((error) => error instanceof AggregateError ? typeOf(error) : messageOf(error))
    )
  ).join("; ")

const maxErrors = 16
