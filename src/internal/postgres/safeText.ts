/**
 * The forms in which text reaches PostgreSQL, which refuses NUL in `text` and in `jsonb`, and lone surrogates in `jsonb`.
 *
 * One such character in a model's output would otherwise refuse its whole batch. Each becomes U+FFFD, the replacement
 * character; everything else is stored as it is.
 */
import { createHash } from "node:crypto"
import type { Json, JsonObject } from "../../Observation.ts"

/** A lone surrogate needs no look here: the UTF-8 encoder writes it as U+FFFD. */
export const withoutNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text

/**
 * The JSON text of a value, its keys included, in a form that `jsonb` takes.
 *
 * `JSON.stringify` writes NUL and lone surrogates, and only them among all that `jsonb` refuses, as escapes; so looking
 * for two escapes in the text, 0.3 to 0.6 ms for 1 MB, replaces a walk over the value, and values are never rebuilt.
 */
export const jsonText = (value: Json): string => {
  const text = stringify(value)
  return refusedEscape.test(text)
    // every escape is matched, or the second backslash of `\\u0000` would be taken for the first of an escape
    ? text.replace(anyEscape, (escape) => refusedEscape.test(escape) ? "\uFFFD" : escape)
    : text
}

const refusedEscape = /\\u(?:0000|d[89a-f])/
const anyEscape = /\\(?:u[0-9a-f]{4}|.)/g

/** `Json` cannot be refused by `JSON.stringify`; what a wrong cast smuggled in says so in place of the value. */
const stringify = (value: Json): string => {
  try {
    return JSON.stringify(value) ?? "null"
  } catch (error) {
    return JSON.stringify({ "observability.problems": { json: String(error) } } satisfies JsonObject)
  }
}

/**
 * The most that a column with an index takes, in characters. A btree refuses rows of more than about 2,700 bytes, and a
 * character has at most 3 (those with 4 count twice here).
 */
export const indexedTextLimit = 800

/**
 * Cuts text that is too long for an index. The end says that it was cut, and holds a digest of the whole, so that two
 * identifiers which differ only behind the cut stay different, and equal ones equal.
 */
export const cutForIndex = (text: string): string => {
  if (text.length <= indexedTextLimit) return text
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16)
  const mark = `…[cut, ${text.length} characters, sha256 ${digest}]`
  return text.slice(0, indexedTextLimit - mark.length) + mark
}
