/**
 * Prepares text for Langfuse. Text that it stores as given stays as it is, text that it would lose is replaced or cut,
 * and cut text says so.
 */
import { createHash } from "node:crypto"
import type { Json } from "../../Observation.ts"
import { jsonText } from "../jsonText.ts"

/**
 * The beginning of a large text. The mark behind it is added only when the request is encoded: two joined strings are
 * both copied, in one step, as soon as the result is read.
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

/** Text of any number of lines, at most `maxLength` characters. */
export const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength
    ? clean(text)
    : clean(text.slice(0, Math.max(maxLength - cutMark(text.length).length, 0))) + cutMark(text.length)

/**
 * An id that the application chose, such as that of a session. A server refuses long ids, and control characters, only
 * after it has accepted the request. A digest tells ids apart that differ only behind the cut.
 */
export const identifier = (text: string): string | undefined => {
  const id = clean(text.replace(controlCharacters, ""))
  if (id.length === 0) return undefined
  if (id.length <= maxIdentifierLength) return id
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 16)
  return `${id.slice(0, maxIdentifierLength - digest.length - 1)}~${digest}`.toWellFormed()
}

/** Inputs and outputs. A server does not store values that are falsy in JavaScript, so the empty text becomes JSON. */
export const content = (value: Json): string => value === "" ? "\"\"" : plain(value)

/** Text as it is, anything else as JSON, as a server would do by itself. */
export const plain = (value: Json): string => typeof value === "string" ? clean(value) : jsonText(value)

/** A valid name for an environment. `undefined` if no character is left; a server then takes "default". */
export const environmentName = (text: string | undefined): string | undefined => {
  const name = (text ?? "").toLowerCase().replace(/[^a-z0-9_-]+/g, "-").replace(/^(?:langfuse[-_]?)+/, "").slice(0, 40)
  return name === "" ? undefined : name
}

// internal

const controlCharacters = /\p{Cc}+/gu

const maxIdentifierLength = 200

/**
 * ASCII only: a single other character would make each character of the text take two bytes, and encoding its JSON
 * takes three times as long.
 */
const cutMark = (length: number): string => `... [cut, ${length} characters]`

/**
 * Replaces lone surrogates and NUL by U+FFFD. A single lone surrogate makes a self-hosted server lose the whole insert
 * that contains it, after the server has reported success. PostgreSQL, where sessions are kept, refuses NUL.
 */
const clean = (text: string): string => (text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text).toWellFormed()
