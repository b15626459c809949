/** Writes JSON as UTF-8, large values step by step. */
import type { Json } from "../Observation.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { jsonText } from "./jsonText.ts"
import { endOfPiece } from "./textPieces.ts"

/** The length of a piece, in characters (one more where it would split a surrogate pair): some 0.1 ms of work. */
export const pieceLength = 65_536

/** Work that pauses (yields) after each part of it. */
export type Steps = Generator<void, void>

/**
 * Writes the text that `jsonText` returns.
 *
 * @returns the steps that are left for a value that is too large for one step
 */
export const writeJson = (out: ByteWriter, value: Json, length = pieceLength): Steps | undefined => {
  if (sizeUpTo(length, value, 0) > length) return inPieces(out, value, length, [])
  writeSmall(out, value)
  return undefined
}

/** Writes the parts, one behind the other, as one JSON string. */
export function* writeText(out: ByteWriter, parts: ReadonlyArray<string>, length = pieceLength): Steps {
  out.byte(quotationMark)
  for (const part of parts) {
    for (let from = 0, to: number; from < part.length; from = to) {
      to = endOfPiece(part, from, length)
      out.escaped(part.slice(from, to))
      yield
    }
  }
  out.byte(quotationMark)
}

// internal

const writeSmall = (out: ByteWriter, value: Json): void => {
  if (typeof value === "string") {
    out.byte(quotationMark)
    out.escaped(value)
    out.byte(quotationMark)
  } else {
    out.utf8(jsonText(value))
  }
}

/** Writes a large value in pieces: a text of 1 MB at once holds the thread for a millisecond or two. */
function* inPieces(out: ByteWriter, value: Json, length: number, above: ReadonlyArray<Json>): Steps {
  if (
    sizeUpTo(length, value, above.length) <= length ||
    // where a wrong cast has let in a value that is no JSON, `jsonText` writes a problem in its place
    above.includes(value) || above.length >= maxDepth
  ) {
    writeSmall(out, value)
    yield
  } else if (typeof value === "string") {
    yield* writeText(out, [value], length)
  } else if (Array.isArray(value)) {
    out.utf8("[")
    for (let index = 0; index < value.length; index++) {
      if (index > 0) out.utf8(",")
      yield* inPieces(out, value[index]!, length, [...above, value])
    }
    out.utf8("]")
  } else {
    let mark = "{"
    for (const [key, element] of Object.entries(value as Readonly<Record<string, Json>>)) {
      out.utf8(`${mark}${jsonText(key)}:`)
      yield* inPieces(out, element, length, [...above, value])
      mark = ","
    }
    out.utf8("}")
  }
}

const quotationMark = 0x22

/** Deeper than any captured value. */
const maxDepth = 100

/** The size of a value in characters; counting stops when it is more than the limit. */
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
