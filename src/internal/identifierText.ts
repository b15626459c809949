/** Identifiers that a program chooses, such as those of its users and its documents: text of any length. */
import { createHash } from "node:crypto"
import { beginningOf } from "./textPieces.ts"

/**
 * The maximum length in characters, which fits an indexed column of PostgreSQL: a btree refuses rows of more than about
 * 2,700 bytes, and a character has at most 3 bytes (those with 4 count twice here).
 */
export const maxIdentifierLength = 800

/**
 * Cuts longer identifiers. The end says that the text was cut, and holds a digest of the whole, so that two identifiers
 * that differ only behind the cut stay different, and equal ones equal.
 */
export const cutIdentifier = (text: string): string => {
  if (text.length <= maxIdentifierLength) return text
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16)
  const mark = `...[cut, ${text.length} characters, sha256 ${digest}]`
  return beginningOf(text, maxIdentifierLength - mark.length) + mark
}

/** The types say text, but a value from a database may be a number or `null`. */
export const identifierOrNone = (value: unknown): string | undefined =>
  typeof value === "string"
    ? cutIdentifier(value)
    : typeof value === "number" || typeof value === "bigint"
    ? String(value)
    : undefined
