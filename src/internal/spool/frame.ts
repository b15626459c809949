/**
 * The layout of a batch in a segment file: a head, the payload, a tail.
 *
 *     head  magic 4 | payload bytes 4 | records before 4 | records 4 | CRC-32 of the payload 4 | CRC-32 of these 20 4 | mark 4
 *     tail  magic 4 | records before the next frame 4 | CRC-32 of these 8 4
 *
 * Head and tail say how many records of the segment lie before them. So when something between two of them cannot be
 * read, it is still known how many records are lost; and a damaged head can be skipped, because the next head or tail
 * is found by its magic, whose first byte occurs in no UTF-8 text.
 *
 * The mark is the only part that changes after the frame is written: it says that the batch was delivered.
 */
import { crc32 } from "node:zlib"

export const headBytes = 28
export const tailBytes = 12

export interface Head {
  readonly recordsBefore: number
  readonly records: number
  readonly payloadBytes: number
  readonly payloadCrc: number
  readonly isDone: boolean
}

/** A frame that is complete except for its place in a segment. */
export interface Frame {
  /** Head and tail, still empty, with the payload in between. */
  readonly bytes: Buffer
  readonly records: number
  readonly payloadCrc: number
}

/** Fills in head and tail, for a place with `recordsBefore` records before it. */
export const seal = ({ bytes, payloadCrc, records }: Frame, recordsBefore: number): void => {
  headMagic.copy(bytes)
  bytes.writeUInt32LE(bytes.length - headBytes - tailBytes, 4)
  bytes.writeUInt32LE(recordsBefore, 8)
  bytes.writeUInt32LE(records, 12)
  bytes.writeUInt32LE(payloadCrc, 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20)
  const tail = bytes.length - tailBytes
  tailMagic.copy(bytes, tail)
  bytes.writeUInt32LE(recordsBefore + records, tail + 4)
  bytes.writeUInt32LE(crc32(bytes.subarray(tail, tail + 8)), tail + 8)
}

/** The whole frame's length. */
export const frameBytes = (head: Head): number => headBytes + head.payloadBytes + tailBytes

/** The head at this position, if there is an undamaged one. */
export const headAt = (bytes: Buffer, at = 0): Head | undefined =>
  bytes.length >= at + headBytes &&
    headMagic.compare(bytes, at, at + 4) === 0 &&
    bytes.readUInt32LE(at + 20) === crc32(bytes.subarray(at, at + 20))
    ? {
      payloadBytes: bytes.readUInt32LE(at + 4),
      recordsBefore: bytes.readUInt32LE(at + 8),
      records: bytes.readUInt32LE(at + 12),
      payloadCrc: bytes.readUInt32LE(at + 16),
      isDone: done.compare(bytes, at + markOffset, at + markOffset + 4) === 0
    }
    : undefined

/** A place from which reading can go on. */
export interface Landmark {
  readonly at: number
  readonly recordsBefore: number
}

/** The first undamaged head, or the end of the first undamaged tail. */
export const nextLandmark = (bytes: Buffer): Landmark | undefined => {
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    const head = headAt(bytes, at)
    if (head !== undefined) return { at, recordsBefore: head.recordsBefore }
    const recordsBefore = tailAt(bytes, at)
    if (recordsBefore !== undefined) return { at: at + tailBytes, recordsBefore }
  }
  return undefined
}

/**
 * The offset in a frame at which {@link done} is written. An undelivered frame has zeros there, and no single error
 * turns one into the other.
 */
export const markOffset = 24
export const done = Buffer.from("DONE", "latin1")

// internal

const magic = Buffer.from([0xff, 0x4f, 0x53])
const headMagic = Buffer.from([...magic, 0x48])
const tailMagic = Buffer.from([...magic, 0x54])

const tailAt = (bytes: Buffer, at: number): number | undefined =>
  bytes.length >= at + tailBytes &&
    tailMagic.compare(bytes, at, at + 4) === 0 &&
    bytes.readUInt32LE(at + 8) === crc32(bytes.subarray(at, at + 8))
    ? bytes.readUInt32LE(at + 4)
    : undefined
