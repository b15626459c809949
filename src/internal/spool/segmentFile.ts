/**
 * Finds frames in a file of frames, however damaged it is.
 */
import type { FileHandle } from "node:fs/promises"
import { open, unlink } from "node:fs/promises"
import { bestEffort, fileMode, readFully } from "./files.ts"
import type { Head } from "./frame.ts"
import { frameBytes, headAt, headBytes, nextLandmark } from "./frame.ts"

/** A frame, or unreadable bytes up to the place from which reading can go on. */
export interface Place {
  readonly at: number
  readonly bytes: number
  /** `undefined` for damage. */
  readonly head: Head | undefined
  /** How many records of the segment lie before the next place. */
  readonly recordsThrough: number
}

export class SegmentFile {
  readonly path: string
  /** Bytes of whole frames. */
  size = 0
  private handle: FileHandle | undefined
  private window = noWindow

  constructor(path: string) {
    this.path = path
  }

  async create(): Promise<void> {
    this.handle = await open(this.path, "wx+", fileMode)
  }

  /** The file's handle, opened if necessary. */
  async opened(): Promise<FileHandle> {
    return this.handle ??= await open(this.path, "r+")
  }

  /** Finds out what lies at a position: `"torn"` is a frame whose end, or all of whose content, is missing. */
  async locate(at: number, recordsBefore: number): Promise<Place | "torn"> {
    const head = headAt(await this.read(at, headBytes))
    if (head !== undefined) {
      const bytes = frameBytes(head)
      return at + bytes > this.size ? "torn" : { at, bytes, head, recordsThrough: head.recordsBefore + head.records }
    }
    const rest = await this.read(at, this.size - at)
    const landmark = nextLandmark(rest)
    if (landmark !== undefined) {
      return { at, bytes: landmark.at, head: undefined, recordsThrough: landmark.recordsBefore }
    }
    // A file system may lengthen a file before it writes into it: a power failure leaves zeros in place of a frame.
    return rest.length < headBytes || rest.equals(Buffer.alloc(rest.length))
      ? "torn"
      : { at, bytes: rest.length, head: undefined, recordsThrough: recordsBefore }
  }

  /** Reads through a window, because adjacent ranges are read one after the other. */
  async read(at: number, length: number): Promise<Buffer> {
    const isInWindow = at >= this.window.at && at + length <= this.window.at + this.window.bytes.length
    if (!isInWindow) {
      const size = Math.min(Math.max(length, windowBytes), this.size - at)
      this.window = { at, bytes: await readFully(await this.opened(), size, at) }
    }
    const start = at - this.window.at
    return this.window.bytes.subarray(start, start + length)
  }

  /** Cuts off the bytes beyond the whole frames. */
  async truncate(size: number): Promise<void> {
    await (await this.opened()).truncate(size)
    this.size = size
    this.window = noWindow
  }

  /** Closes the file until it is needed again. */
  async rest(): Promise<void> {
    const handle = this.handle
    this.handle = undefined
    this.window = noWindow
    if (handle !== undefined) await bestEffort(handle.close())
  }

  async remove(): Promise<void> {
    await this.rest()
    await bestEffort(unlink(this.path))
  }
}

// internal

interface Window {
  readonly at: number
  readonly bytes: Buffer
}

const noWindow: Window = { at: 0, bytes: Buffer.alloc(0) }
const windowBytes = 256 * 1024
