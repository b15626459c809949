/**
 * Combines an error that the program states with the way a span or a trace ends by itself: a failure of its own takes
 * precedence. A stated error takes precedence over success, and over an interruption, which says nothing of what was
 * already known to have failed.
 */
import type { ErrorDetails, JsonObject, Status } from "../../Observation.ts"
import * as Outcomes from "../outcome.ts"

export interface Standing {
  readonly status: Status
  readonly error: ErrorDetails | undefined
  /** Attributes, or metadata. */
  readonly entries: JsonObject | undefined
}

/** The error of an update; `null` says that there is none. */
export const statedErrorOf = (error: unknown): ErrorDetails | undefined =>
  error === null ? undefined : Outcomes.fromError(error)

export const withStatedError = ({ entries, error, status }: Standing, stated: ErrorDetails): Standing => {
  if (status === "in_progress") return { status, error: stated, entries }
  if (status !== "error") return { status: "error", error: stated, entries }
  // most often it is the same error, stated where it passed
  if (error === undefined || error.type === stated.type && error.message === stated.message) {
    return { status, error: error ?? stated, entries }
  }
  return { status, error, entries: { ...entries, [key]: { type: stated.type, message: stated.message } } }
}

// internal

const key = "observability.stated_error"
