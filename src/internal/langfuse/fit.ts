/**
 * Makes an entry small enough for one request. Its largest text is cut, with a mark, and then the next largest: a record
 * with most of its text is worth more than none.
 */
import type { Entry, Metadata } from "./entry.ts"
import { cut } from "./text.ts"

/** A server refuses requests above 4.5 MiB, and proxies before it often those above 1 MiB. */
export const maxEntryBytes = 900_000

/**
 * @param maxBytes of the JSON of all texts together
 * @returns the entry itself when it is small enough
 */
export const fit = (entry: Entry, maxBytes: number): Entry => {
  const texts = textsOf(entry)
  let excess = texts.reduce((sum, text) => sum + text.bytes, 0) - maxBytes
  if (excess <= 0) return entry
  const cuts = new Map<string, string>()
  for (const text of texts.sort((left, right) => right.bytes - left.bytes)) {
    if (excess <= 0) break
    const kept = shorten(text.value, text.bytes, Math.max(text.bytes - excess, minBytes))
    excess -= text.bytes - bytesOf(kept)
    cuts.set(text.path, kept)
  }
  return withCuts(entry, cuts)
}

// internal

interface Text {
  /** `input`, or `metadata` and `trace` with the position. */
  readonly path: string
  readonly value: string
  readonly bytes: number
}

/** Below this nothing is cut any further: the mark alone would be as long. */
const minBytes = 200

const bytesOf = (text: string): number => Buffer.byteLength(JSON.stringify(text))

const textsOf = (entry: Entry): Array<Text> => [
  ...textOf("input", entry.input),
  ...textOf("output", entry.output),
  ...textOf("statusMessage", entry.statusMessage),
  ...entry.metadata.flatMap(([, value], at) => textOf(`metadata ${at}`, value)),
  ...(entry.trace?.metadata ?? []).flatMap(([, value], at) => textOf(`trace ${at}`, value))
]

const textOf = (path: string, value: string | undefined): ReadonlyArray<Text> =>
  value === undefined ? [] : [{ path, value, bytes: bytesOf(value) }]

/** Characters differ in bytes, so a first guess may be too long; each round comes closer. */
const shorten = (text: string, bytes: number, maxBytes: number): string => {
  let kept = text
  let size = bytes
  for (let round = 0; size > maxBytes && round < 20; round++) {
    kept = cut(text, Math.floor(kept.length * 0.98 * (maxBytes / size)))
    size = bytesOf(kept)
  }
  return kept
}

const withCuts = (entry: Entry, cuts: ReadonlyMap<string, string>): Entry => {
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
