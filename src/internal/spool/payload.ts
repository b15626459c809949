/**
 * Encodes a batch as bytes and decodes it: one line of JSON with the distinct resources, then one line for each record,
 * which refers to its resource by position in the first line. Line by line, so that the work can pause between any two
 * records.
 *
 * Text comes back exactly: `JSON.stringify` escapes the characters that UTF-8 cannot carry (lone surrogates) and those
 * that would end a line.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import { crc32 } from "node:zlib"
import type { Json, Observation, Resource } from "../../Observation.ts"
import { jsonObject, Malformed } from "./codec.ts"
import type { Frame } from "./frame.ts"
import { headBytes, tailBytes } from "./frame.ts"
import * as codec from "./observationCodec.ts"

/** Records as a frame, without those that are not plain data. */
export interface Encoded {
  /** `undefined` when no record is plain data. */
  readonly frame: Frame | undefined
  readonly unencodable: ReadonlyArray<Observation>
  /** What `JSON.stringify` threw for the first unencodable record. */
  readonly cause: unknown
}

export function* encode(records: NonEmptyReadonlyArray<Observation>): Generator<void, Encoded> {
  const resources = new Map<Resource, number>()
  for (const { resource } of records) {
    if (!resources.has(resource)) resources.set(resource, resources.size)
  }
  const parts = [Buffer.alloc(headBytes)]
  let payloadCrc = 0
  const add = (value: Json) => {
    const line = Buffer.from(`${JSON.stringify(value)}\n`)
    payloadCrc = crc32(line, payloadCrc)
    parts.push(line)
  }
  add(Array.from(resources.keys(), codec.resource.encode))
  const unencodable: Array<Observation> = []
  let cause: unknown
  for (const record of records) {
    try {
      add({ ...codec.encode(record), resource: resources.get(record.resource)! })
    } catch (thrown) {
      if (unencodable.length === 0) cause = thrown
      unencodable.push(record)
    }
    yield
  }
  if (unencodable.length === records.length) return { frame: undefined, unencodable, cause }
  parts.push(Buffer.alloc(tailBytes))
  const frame = { bytes: Buffer.concat(parts), records: records.length - unencodable.length, payloadCrc }
  return { frame, unencodable, cause }
}

/** The records of a payload, without malformed ones; `undefined` when its bytes are not those that were written. */
export function* decode(
  payload: Buffer,
  payloadCrc: number,
  resources: ResourcePool
): Generator<void, ReadonlyArray<Observation> | undefined> {
  let crc = 0
  for (let at = 0; at < payload.length; at += chunkBytes) {
    crc = crc32(payload.subarray(at, at + chunkBytes), crc)
    yield
  }
  if (crc !== payloadCrc) return undefined
  let table: ReadonlyArray<Resource> | undefined
  const records: Array<Observation> = []
  for (let start = 0; start < payload.length;) {
    const newline = payload.indexOf(10, start)
    const end = newline < 0 ? payload.length : newline
    const line = payload.toString("utf8", start, end)
    start = end + 1
    try {
      if (table === undefined) table = resources.table(JSON.parse(line))
      else records.push(record(JSON.parse(line), table))
    } catch (error) {
      // The checksum is right, so this is what was written: by another program, or on purpose.
      if (!(error instanceof Malformed || error instanceof SyntaxError)) throw error
      if (table === undefined) return records
    }
    yield
  }
  return records
}

/** Keeps one object for each distinct resource: a thousand decoded records share it as the originals did. */
export class ResourcePool {
  private readonly pool = new Map<string, Resource>()

  table(json: Json): ReadonlyArray<Resource> {
    if (!Array.isArray(json)) throw new Malformed("expected a list of resources")
    return json.map((entry) => this.share(codec.resource.decode(entry)))
  }

  private share(resource: Resource): Resource {
    const key = JSON.stringify(resource)
    const known = this.pool.get(key)
    if (known !== undefined) return known
    // a process leaves one resource behind: this many come from files that the library did not write
    if (this.pool.size >= 1_000) this.pool.clear()
    this.pool.set(key, resource)
    return resource
  }
}

// internal

/** A millisecond's worth of checksum or less. */
const chunkBytes = 512 * 1024

const record = (json: Json, table: ReadonlyArray<Resource>): Observation => {
  const index = jsonObject.decode(json)["resource"]
  const resource = typeof index === "number" ? table[index] : undefined
  if (resource === undefined) throw new Malformed("expected the place of a resource")
  return codec.decode(json, resource)
}
