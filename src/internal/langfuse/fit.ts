/**
 * Makes an entry small enough for one request. Its largest text is cut, with a mark, and then the next largest: a record
 * with most of its text is worth more than none.
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
  let excess = texts.reduce((sum, text) => sum + text.bytes, 0) - maxBytes
  if (excess <= 0) return entry
  const cuts = new Map<string, Text>()
  for (const text of texts.sort((left, right) => right.bytes - left.bytes)) {
    if (excess <= 0) break
    const maxTextBytes = Math.max(text.bytes - excess, minBytes)
    if (text.bytes <= maxTextBytes) continue
    excess -= text.bytes - maxTextBytes
    cuts.set(text.path, new CutText(text.value, lengthWithin(text, maxTextBytes - markBytes)))
  }
  return withCuts(entry, cuts)
}

// internal

interface Measured {
  /** `input`, or `metadata` and `trace` with the position. */
  readonly path: string
  readonly value: Text
  /** Of its JSON. */
  readonly bytes: number
  /**
   * The same of each of its pieces, one after the other, without quotation marks. The two halves of a character may lie in
   * two of them, which makes a difference of some bytes.
   */
  readonly pieces: ReadonlyArray<number>
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
  return { path, value, bytes: pieces.reduce((sum, bytes) => sum + bytes, 2), pieces }
}

const textsOf = ({ input, metadata, output, statusMessage, trace }: Entry) =>
  [
    ["input", input],
    ["output", output],
    ["statusMessage", statusMessage],
    ...metadata.map(([, value], at) => [`metadata ${at}`, value] as const),
    ...(trace?.metadata ?? []).map(([, value], at) => [`trace ${at}`, value] as const)
  ].filter((text): text is [path: string, value: Text] => text[1] !== undefined)

/** How many characters of a text have so many bytes at most: whole pieces, and a part of the next. */
const lengthWithin = ({ pieces, value }: Measured, maxBytes: number): number => {
  let left = maxBytes
  let from = 0
  for (const bytes of pieces) {
    if (bytes > left) break
    left -= bytes
    from += pieceLength
  }
  const piece = beginningOf(value).slice(from, from + pieceLength)
  // characters differ in bytes, so a first guess may be too long; each round comes closer
  let length = piece.length
  for (let bytes = pieces[from / pieceLength] ?? 0; bytes > left; bytes = bytesOf(piece.slice(0, length))) {
    length = Math.floor(length * 0.98 * (left / bytes))
  }
  return from + length
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
