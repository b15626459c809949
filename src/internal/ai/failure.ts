/** Why a call failed, as it is recorded. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { withoutAnswer } from "../quotedAnswers.ts"
import { fieldOf, textOf } from "./shapes.ts"

/** The status of the vendor's answer, where there was one. */
export const responseStatus = (cause: Cause.Cause<unknown>): number | undefined => {
  const status = fieldOf(fieldOf(Option.getOrUndefined(Cause.failureOption(cause)), "response"), "status")
  return typeof status === "number" ? status : undefined
}

/** What the vendor's error event says, under the name that the vendor gives it. */
export const vendorError = (error: unknown): unknown => {
  const stated = fieldOf(error, "error") ?? error
  const type = textOf(stated, "code") ?? textOf(stated, "type")
  return type === undefined ? stated : { _tag: type, message: textOf(stated, "message") ?? type }
}

/** A stream that ended without the vendor's word that the answer is complete. */
export const incomplete = {
  _tag: "IncompleteResponse",
  message: "the stream ended before the model had finished"
}

/**
 * How a call, a tool or the trace around them ended, as it is recorded: without what the model or a tool said, unless that is
 * kept.
 */
export const recordedExit = (exit: Exit.Exit<unknown, unknown>, keepsOutput: boolean): Exit.Exit<unknown, unknown> =>
  keepsOutput ? exit : Exit.mapError(exit, withoutAnswer)
