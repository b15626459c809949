/** Encodes and decodes the members of a `baggage` header. */
import type { Member, Property } from "../../Baggage.ts"
import { trimmed } from "./headerLines.ts"

export const isToken = (text: string): boolean => tokenPattern.test(text)

export const encodeMember = ({ key, properties, value }: Member): string =>
  properties.reduce(
    (text, property) =>
      `${text};${property.key}${property.value === undefined ? "" : `=${encodeValue(property.value)}`}`,
    `${key}=${encodeValue(value)}`
  )

/** `undefined` if the text is not a valid member. */
export const decodeMember = (text: string): Member | undefined => {
  const [first, ...rest] = text.split(";")
  const member = pairOf(first!)
  if (member?.value === undefined) return undefined
  const properties: Array<Property> = []
  for (const part of rest) {
    const property = pairOf(part)
    if (property === undefined) return undefined
    properties.push(property)
  }
  return { key: member.key, value: member.value, properties }
}

// internal

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Printable ASCII without space, quote, comma, semicolon and backslash. */
const octetsPattern = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/** The characters that must be encoded: all others, and the percent sign itself. */
const encodedPattern = /[^\x21\x23\x24\x26-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+/g

const pairOf = (text: string): Property | undefined => {
  const equals = text.indexOf("=")
  const key = trimmed(equals < 0 ? text : text.slice(0, equals))
  if (!isToken(key)) return undefined
  if (equals < 0) return { key, value: undefined }
  const value = trimmed(text.slice(equals + 1))
  return octetsPattern.test(value) ? { key, value: decodeValue(value) } : undefined
}

const encodeValue = (value: string): string =>
  value.replace(
    encodedPattern,
    (run) => Array.from(utf8.encode(run), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")
  )

/** A percent sign without two hexadecimal digits after it stands for itself; invalid UTF-8 becomes U+FFFD. */
const decodeValue = (value: string): string =>
  value.replace(
    /(?:%[0-9A-Fa-f]{2})+/g,
    (run) => fromUtf8.decode(Uint8Array.from(run.slice(1).split("%"), (byte) => Number.parseInt(byte, 16)))
  )

const utf8 = new TextEncoder()
// a byte order mark at the start is kept, as a character like any other
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true })
