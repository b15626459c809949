/**
 * Removes quotes of what a model or a tool said from errors of `@effect/ai`: they quote malformed values in their
 * descriptions and in their causes.
 */
import { isAiError } from "./quotedBodies.ts"

/** The same error without quotes; any other error as it is. */
export const withoutAnswer = (error: unknown): unknown => {
  if (typeof error !== "object" || error === null || !isAiError(error)) return error
  const { _tag, description, method, module } = error as AiError
  if (_tag !== "MalformedOutput" && _tag !== "MalformedInput") return error
  // the quote begins on a line of its own
  const sentence = description?.split(/(?: from)?:\n/, 1)[0] ?? "malformed"
  return { _tag, message: `${module}.${method}: ${sentence}` }
}

// internal

interface AiError {
  readonly _tag: string
  readonly module: string
  readonly method: string
  readonly description?: string | undefined
}
