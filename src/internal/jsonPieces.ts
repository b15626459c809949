/** Large JSON as text, piece by piece. */
import type { Json } from "../Observation.ts"
import { jsonText } from "./jsonText.ts"

/** The length of a piece, in characters, but for what belongs together: some 0.2 ms. */
export const pieceLength = 65_536

/** Whether the text of a value is longer than one piece, as far as its strings tell. */
export const isLarge = (value: Json): boolean => sizeUpTo(pieceLength, value, 0) > pieceLength

/**
 * What `jsonText` returns, in pieces. A text of 1 MB at once holds the thread for 4 ms, and is garbage of the kind that
 * only a collection of the whole heap takes away.
 */
export function* jsonPieces(value: Json, length = pieceLength, above: ReadonlyArray<Json> = []): Generator<string> {
  if (
    sizeUpTo(length, value, above.length) <= length ||
    // `jsonText` says so where a wrong cast has let in what is no JSON
    above.includes(value) || above.length >= maxDepth
  ) {
    yield jsonText(value)
  } else if (typeof value === "string") {
    yield "\""
    for (let from = 0, to: number; from < value.length; from = to) {
      to = from + length
      // together with the first half of its character
      if (isLowSurrogate(value.charCodeAt(to))) to++
      yield jsonText(value.slice(from, to)).slice(1, -1)
    }
    yield "\""
  } else if (Array.isArray(value)) {
    yield "["
    for (let index = 0; index < value.length; index++) {
      if (index > 0) yield ","
      yield* jsonPieces(value[index]!, length, [...above, value])
    }
    yield "]"
  } else {
    let mark = "{"
    for (const [key, element] of Object.entries(value as Readonly<Record<string, Json>>)) {
      yield `${mark}${jsonText(key)}:`
      yield* jsonPieces(element, length, [...above, value])
      mark = ","
    }
    yield "}"
  }
}

// internal

/** Deeper than anything is captured. */
const maxDepth = 100

/** How much there is in a value, in characters; counted until that is more than the limit. */
const sizeUpTo = (limit: number, value: Json, depth: number): number => {
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value === null || depth >= maxDepth) return 0
  let size = 0
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && size <= limit; index++) {
      size += 1 + sizeUpTo(limit - size, value[index]!, depth + 1)
    }
  } else {
    for (const key in value) {
      size += 1 + key.length + sizeUpTo(limit - size, (value as Readonly<Record<string, Json>>)[key]!, depth + 1)
      if (size > limit) break
    }
  }
  return size
}

const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff
