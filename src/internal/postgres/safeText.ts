/**
 * The forms in which text reaches PostgreSQL, which refuses NUL in `text` and in `jsonb`, and lone surrogates in `jsonb`.
 *
 * One such character in a model's output would otherwise refuse its whole batch. Each becomes U+FFFD, the replacement
 * character; everything else is stored as it is.
 */
import { createHash } from "node:crypto"

/** A lone surrogate needs no look here: the UTF-8 encoder writes it as U+FFFD. */
export const withoutNul = (text: string): string => text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text

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
  const mark = `...[cut, ${text.length} characters, sha256 ${digest}]`
  return text.slice(0, indexedTextLimit - mark.length) + mark
}
