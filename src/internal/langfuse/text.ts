/**
 * The forms in which text goes to Langfuse: what it stores as given is given as it is, what it would lose is replaced
 * or cut, and what is cut says so.
 */
import { createHash } from "node:crypto"
import type { Json } from "../../Observation.ts"
import { jsonText } from "../jsonText.ts"

/**
 * The beginning of a large text. The mark behind it is written when all becomes bytes: to join two strings is to copy both,
 * in one step, as soon as somebody looks into the result.
 */
export class CutText {
  readonly beginning: string
  private readonly wholeLength: number

  /** @param length of the beginning, in characters */
  constructor(text: string | CutText, length: number) {
    const isWhole = typeof text === "string"
    this.beginning = clean((isWhole ? text : text.beginning).slice(0, length))
    this.wholeLength = isWhole ? text.length : text.wholeLength
  }

  get mark(): string {
    return cutMark(this.wholeLength)
  }
}

export type Text = string | CutText

/** Names, tags and keys: one line, at most `maxLength` characters. */
export const label = (text: string, maxLength: number): string => cut(text.replace(controlCharacters, " "), maxLength)

/** Text of more lines, at most `maxLength` characters. */
export const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength
    ? clean(text)
    : clean(text.slice(0, Math.max(maxLength - cutMark(text.length).length, 0))) + cutMark(text.length)

/**
 * An id of the application's own, such as a session's. A server refuses long ones, and control characters, only after
 * it has accepted them. A digest keeps two that differ behind the cut apart.
 */
export const identifier = (text: string): string | undefined => {
  const id = clean(text.replace(controlCharacters, ""))
  if (id.length === 0) return undefined
  if (id.length <= maxIdentifierLength) return id
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16)
  return `${id.slice(0, maxIdentifierLength - digest.length - 1)}~${digest}`.toWellFormed()
}

/** Inputs and outputs. What JavaScript takes for false is not stored by a server, so the empty text is written as JSON. */
export const content = (value: Json): string => value === "" ? "\"\"" : plain(value)

/** Text as it is, anything else as JSON: what a server makes of both by itself. */
export const plain = (value: Json): string => typeof value === "string" ? clean(value) : jsonText(value)

/** `undefined` for a name of which nothing is left; then a server takes "default". */
export const environmentName = (text: string | undefined): string | undefined => {
  const name = (text ?? "").toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^(?:langfuse[-_]?)+/, "").slice(0, 40)
  return name === "" ? undefined : name
}

// internal

const controlCharacters = /\p{Cc}+/gu

const maxIdentifierLength = 200

/** ASCII: one other character would make two bytes of each of the text, and its JSON takes three times as long. */
const cutMark = (length: number): string => `... [cut, ${length} characters]`

/**
 * One lone surrogate, anywhere, makes a self-hosted server lose the whole insert that it is part of, after it has said
 * that all is well. NUL is what PostgreSQL refuses, where sessions are kept.
 */
const clean = (text: string): string => (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text).toWellFormed()
