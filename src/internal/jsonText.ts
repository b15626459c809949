/** JSON text that stores accept. */
import type { Json } from "../Observation.ts"
import { problemsBeside } from "./problems.ts"

/**
 * The JSON text of a value, including its keys, without NUL and lone surrogates, which no store takes as they are.
 *
 * `JSON.stringify` writes NUL and lone surrogates as escapes, and nothing else that stores refuse. So a search for two
 * escapes in the text (0.1 ms for 1 MB without any escape) replaces a walk over the value, and values are never
 * rebuilt.
 */
export const jsonText = (value: Json): string => {
  const text = stringify(value)
  return text.includes("\\u") && refusedEscape.test(text)
    // every escape is matched, or the second backslash of `\\u0000` would be taken for the first of an escape
    ? text.replace(anyEscape, (escape) => refusedEscape.test(escape) ? "\uFFFD" : escape)
    : text
}

const refusedEscape = /\\u(?:0000|d[89a-f])/
const anyEscape = /\\(?:u[0-9a-f]{4}|.)/g

/** `JSON.stringify` refuses no `Json`; for a value that a wrong cast let in, the text says so in place of the value. */
const stringify = (value: Json): string => {
  try {
    return JSON.stringify(value) ?? "null"
  } catch (error) {
    return JSON.stringify(problemsBeside(undefined, [`the value is no JSON: ${String(error)}`]))
  }
}
