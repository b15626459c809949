/** The errors of failed calls, as they are recorded. */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { withoutAnswer } from "../quotedAnswers.ts"
import { fieldOf, textOf } from "./shapes.ts"

/** The HTTP status of the vendor's response, if there was one. */
export const responseStatus = (cause: Cause.Cause<unknown>): number | undefined => {
  const status = fieldOf(fieldOf(Option.getOrUndefined(Cause.failureOption(cause)), "response"), "status")
  return typeof status === "number" ? status : undefined
}

/** The vendor's error event as an error, with the vendor's code or type as its tag. */
export const vendorError = (error: unknown): unknown => {
  const stated = fieldOf(error, "error") ?? error
  const type = textOf(stated, "code") ?? textOf(stated, "type")
  return type === undefined ? stated : { _tag: type, message: textOf(stated, "message") ?? type }
}

/** The error of a stream that ended before the vendor said that the answer is complete. */
export const incomplete = {
  _tag: "IncompleteResponse",
  message: "the stream ended before the model had finished"
}

/**
 * How a call, a tool or the trace around them ended, as it is recorded: without the output of the model or a tool,
 * unless that is kept.
 */
export const recordedExit = (exit: Exit.Exit<unknown, unknown>, keepsOutput: boolean): Exit.Exit<unknown, unknown> =>
  keepsOutput ? exit : Exit.mapError(exit, withoutAnswer)
