/**
 * One file of frames and its counts: written at the end, read from the front, deleted when all of it was delivered.
 *
 * Frames are delivered in order, so a mark on one frame covers all frames before it, too.
 */
import { stat } from "node:fs/promises"
import { basename } from "node:path"
import { bestEffort, exists, writeFully } from "./files.ts"
import type { Frame } from "./frame.ts"
import { done, headBytes, markOffset, seal, tailBytes } from "./frame.ts"
import { SegmentFile } from "./segmentFile.ts"

/** The next entry of a segment. */
export type Entry =
  | (Piece & {
    readonly _tag: "Frame"
    readonly records: number
    readonly payload: Buffer
    readonly payloadCrc: number
  })
  /** Bytes that cannot be read. */
  | (Piece & { readonly _tag: "Damage" })

interface Piece {
  readonly at: number
  readonly bytes: number
  /** How many records of the segment lie before the next piece. */
  readonly recordsThrough: number
}

export class Segment {
  private readonly file: SegmentFile
  private recordsWritten = 0
  private recordsPassed = 0
  private cursor = 0
  private marksSinceSync = 0
  private recordsInHand = 0

  private constructor(path: string) {
    this.file = new SegmentFile(path)
  }

  static async create(path: string): Promise<Segment> {
    const segment = new Segment(path)
    await segment.file.create()
    return segment
  }

  /** Opens a segment of a dead process: goes on after the last delivered frame, and cuts off a half-written frame. */
  static async load(path: string): Promise<Segment> {
    const segment = new Segment(path)
    try {
      await segment.scan()
    } finally {
      await segment.rest()
    }
    return segment
  }

  get name(): string {
    return basename(this.file.path)
  }

  /** Bytes of whole frames. */
  get size(): number {
    return this.file.size
  }

  /** Records not passed yet. */
  get records(): number {
    return this.recordsWritten - this.recordsPassed
  }

  /** Records that this process loses with the file, not counting those in hand. */
  get forfeit(): number {
    return Math.max(this.records - this.recordsInHand, 0)
  }

  /** Whether all entries were passed. */
  get isAtEnd(): boolean {
    return this.cursor >= this.size
  }

  /**
   * Returns when the frame is on the disk. Otherwise throws and leaves nothing of it behind. The segment must not be
   * appended to any more then, because after a failed fsync it is unknown which parts of the file are on the disk.
   *
   * @param confirm see `Spool.append`
   * @returns `false` when the file was moved or deleted meanwhile, with or without the frame
   */
  async append(frame: Frame, confirm: () => boolean): Promise<boolean> {
    seal(frame, this.recordsWritten)
    const handle = await this.file.opened()
    try {
      await writeFully(handle, frame.bytes, this.size)
      await handle.datasync()
      // asked only now: a process that takes the file over from here on finds the frame in it
      if (!(await exists(this.file.path))) return false
      if (!confirm()) throw new Error("it was given up meanwhile")
    } catch (cause) {
      await bestEffort(this.file.truncate(this.size))
      throw cause
    }
    this.file.size += frame.bytes.length
    this.recordsWritten += frame.records
    return true
  }

  /** The next entry; `undefined` when all entries were passed. */
  async read(): Promise<Entry | undefined> {
    if (this.isAtEnd) return undefined
    const place = await this.file.locate(this.cursor, this.recordsWritten)
    // no frame of this segment is half written, so one that looks like it was damaged later
    if (place === "torn") {
      return { _tag: "Damage", at: this.cursor, bytes: this.size - this.cursor, recordsThrough: this.recordsWritten }
    }
    const { at, bytes, head, recordsThrough } = place
    if (head === undefined) return { _tag: "Damage", at, bytes, recordsThrough }
    const { payloadCrc, records } = head
    const payload = (await this.file.read(at, bytes)).subarray(headBytes, bytes - tailBytes)
    return { _tag: "Frame", at, bytes, recordsThrough, records, payload, payloadCrc }
  }

  /** The bytes of an entry, as they are. */
  raw(entry: Entry): Promise<Buffer> {
    return this.file.read(entry.at, entry.bytes)
  }

  /** Tells how many records of the next frame are being delivered: they will be, whatever becomes of the file. */
  hand(records: number): void {
    this.recordsInHand = records
  }

  /**
   * Moves past an entry.
   *
   * @returns how many records were passed with it, lost ones included
   */
  async pass(entry: Entry): Promise<number> {
    const before = this.recordsPassed
    this.recordsInHand = 0
    this.cursor = entry.at + entry.bytes
    // at the end all records count as passed, whatever became of the file since they were counted
    this.recordsPassed = this.isAtEnd
      ? this.recordsWritten
      : Math.min(Math.max(before, entry.recordsThrough), this.recordsWritten)
    if (entry._tag === "Frame" && !this.isAtEnd) await bestEffort(this.mark(entry.at))
    return this.recordsPassed - before
  }

  /** Closes the file until it is needed again. */
  rest(): Promise<void> {
    return this.file.rest()
  }

  remove(): Promise<void> {
    return this.file.remove()
  }

  /** Counts the records of the file without reading the payloads. */
  private async scan(): Promise<void> {
    const { file } = this
    file.size = (await stat(file.path)).size
    for (let at = 0; at < file.size;) {
      const place = await file.locate(at, this.recordsWritten)
      if (place === "torn") return file.truncate(at)
      at = place.at + place.bytes
      this.recordsWritten = Math.max(this.recordsWritten, place.recordsThrough)
      if (place.head?.isDone === true) {
        this.recordsPassed = this.recordsWritten
        this.cursor = at
      }
    }
  }

  /**
   * Marks a frame as delivered. A lost mark makes a batch be delivered twice, which does no harm, so marks need not be
   * on the disk at once. Only a power failure can lose some, and not many.
   */
  private async mark(at: number): Promise<void> {
    const handle = await this.file.opened()
    await writeFully(handle, done, at + markOffset)
    if (++this.marksSinceSync < marksPerSync) return
    this.marksSinceSync = 0
    await handle.datasync()
  }
}

// internal

const marksPerSync = 16
