/**
 * Makes an entry small enough for one request: a record with most of its text is worth more than none. Texts larger
 * than a common level are cut down to it, with a mark, so that no text is cut in favour of another of the same size.
 *
 * Pauses (yields) after each piece of text measured: 1 MB of text takes some milliseconds.
 */
import { ByteWriter } from "../byteWriter.ts"
import { pieceLength } from "../jsonBytes.ts"
import type { Entry, Metadata } from "./entry.ts"
import type { Text } from "./text.ts"
import { CutText } from "./text.ts"

/** A server refuses requests above 4.5 MiB, and proxies in front of it often refuse those above 1 MiB. */
export const maxEntryBytes = 900_000

/**
 * @param maxBytes the limit for the JSON of all texts together
 * @returns the entry itself if it is small enough
 */
export function* fit(entry: Entry, maxBytes: number): Generator<void, Entry> {
  const texts: Array<Measured> = []
  for (const [path, value] of textsOf(entry)) texts.push(yield* measured(path, value))
  const level = Math.max(levelOf(texts.map((text) => text.bytes), maxBytes), minBytes)
  const cuts = new Map<string, Text>()
  for (const text of texts) {
    if (text.bytes <= level) continue
    cuts.set(text.path, new CutText(text.value, lengthWithin(text, level - markBytes)))
    yield
  }
  return cuts.size === 0 ? entry : withCuts(entry, cuts)
}

// internal

interface Measured {
  /** The name of a field, such as `input`, or `metadata` or `trace` followed by the position in that metadata. */
  readonly path: string
  readonly value: Text
  /** The size of the text's JSON, including a mark. */
  readonly bytes: number
  /**
   * The size of the JSON of each piece of the text, in order, without quotation marks. A surrogate pair may be split
   * between two pieces, which makes a difference of some bytes.
   */
  readonly pieces: ReadonlyArray<number>
}

/**
 * The largest size of a text with which all texts together have at most `maxBytes`. Bytes that small texts do not need
 * go to the others.
 */
const levelOf = (sizes: ReadonlyArray<number>, maxBytes: number): number => {
  let left = maxBytes
  let count = sizes.length
  for (const bytes of sizes.toSorted((one, other) => one - other)) {
    if (bytes * count > left) return Math.floor(left / count)
    left -= bytes
    count--
  }
  return Number.POSITIVE_INFINITY
}

/** No text is cut to less than this, or the mark would take much of it. */
const minBytes = 200

/** Room for the quotation marks and the mark, with some to spare. */
const markBytes = 50

/** A scratch buffer: building the JSON as a string to measure it would make as much garbage as there is text. */
const measure = new ByteWriter(pieceLength * 2)

const bytesOf = (text: string): number => {
  measure.length = 0
  measure.escaped(text)
  return measure.length
}

const beginningOf = (text: Text): string => typeof text === "string" ? text : text.beginning

function* measured(path: string, value: Text): Generator<void, Measured> {
  const text = beginningOf(value)
  const pieces: Array<number> = []
  for (let from = 0; from < text.length; from += pieceLength) {
    pieces.push(bytesOf(text.slice(from, from + pieceLength)))
    yield
  }
  const frame = 2 + (typeof value === "string" ? 0 : value.mark.length)
  return { path, value, bytes: pieces.reduce((sum, bytes) => sum + bytes, frame), pieces }
}

const textsOf = ({ input, metadata, output, statusMessage, trace }: Entry) =>
  [
    ["input", input],
    ["output", output],
    ["statusMessage", statusMessage],
    ...metadata.map(([, value], at) => [`metadata ${at}`, value] as const),
    ...(trace?.metadata ?? []).map(([, value], at) => [`trace ${at}`, value] as const)
  ].filter((text): text is [path: string, value: Text] => text[1] !== undefined)

/**
 * The length, in characters, of the longest beginning of a text whose JSON has at most `maxBytes`: whole pieces, and of
 * the next piece a part that is found by bisection.
 */
const lengthWithin = ({ pieces, value }: Measured, maxBytes: number): number => {
  let left = maxBytes
  let from = 0
  for (const bytes of pieces) {
    if (bytes > left) break
    left -= bytes
    from += pieceLength
  }
  const text = beginningOf(value)
  for (let length = pieceLength / 2; length >= 1; length /= 2) {
    const bytes = bytesOf(text.slice(from, from + length))
    if (bytes > left) continue
    left -= bytes
    from += length
  }
  return from
}

const withCuts = (entry: Entry, cuts: ReadonlyMap<string, Text>): Entry => {
  const recut = (name: string, metadata: Metadata): Metadata =>
    metadata.map(([key, value], at) => [key, cuts.get(`${name} ${at}`) ?? value])
  return {
    ...entry,
    input: cuts.get("input") ?? entry.input,
    output: cuts.get("output") ?? entry.output,
    statusMessage: cuts.get("statusMessage") ?? entry.statusMessage,
    metadata: recut("metadata", entry.metadata),
    trace: entry.trace === undefined ? undefined : { ...entry.trace, metadata: recut("trace", entry.trace.metadata) }
  }
}
