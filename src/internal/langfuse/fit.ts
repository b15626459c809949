/**
 * Makes an entry small enough for one request: a record with most of its text is worth more than none. Texts above a
 * common level are cut down to it, with a mark, so that no text makes room for another that is as large.
 *
 * It pauses (yields) after each piece of what it measures: 1 MB of text takes some milliseconds.
 */
import { ByteWriter } from "../byteWriter.ts"
import { pieceLength } from "../jsonBytes.ts"
import type { Entry, Metadata } from "./entry.ts"
import type { Text } from "./text.ts"
import { CutText } from "./text.ts"

/** A server refuses requests above 4.5 MiB, and proxies before it often those above 1 MiB. */
export const maxEntryBytes = 900_000

/**
 * @param maxBytes of the JSON of all texts together
 * @returns the entry itself when it is small enough
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
  /** `input`, or `metadata` and `trace` with the position. */
  readonly path: string
  readonly value: Text
  /** Of its JSON, a mark included. */
  readonly bytes: number
  /**
   * The same of each of its pieces, one after the other, without quotation marks. The two halves of a character may lie in
   * two of them, which makes a difference of some bytes.
   */
  readonly pieces: ReadonlyArray<number>
}

/** What each text may have at most for all together to have so many bytes: what small ones leave is for the others. */
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

/** Below this nothing is cut any further: the mark alone would be as long. */
const minBytes = 200

/** The quotation marks, and more than the mark has. */
const markBytes = 50

/** Written and forgotten: the JSON of a text as a string would be garbage, as much of it as there is text. */
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

/** How many characters of a text have so many bytes at most: whole pieces, and of the next what halving it finds. */
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
