/**
 * All segments of this process, oldest first, in its own folder, and their counts:
 * `appended + adopted = passed + records + forfeited`, except for records that are being delivered when their file is
 * taken away.
 *
 * The methods wait for the disk and must not be called concurrently.
 */
import { open, readdir, stat } from "node:fs/promises"
import { corruptSuffix, segmentSuffix, takeOver } from "./adoption.ts"
import { bestEffort, fileMode, isMissing, syncFolder } from "./files.ts"
import type { Frame } from "./frame.ts"
import type { Owner } from "./owner.ts"
import { thisProcess } from "./owner.ts"
import { OwnFolder } from "./ownFolder.ts"
import type { Entry } from "./segment.ts"
import { Segment } from "./segment.ts"

export interface ShelfOptions {
  readonly directory: string
  readonly processId: string
  readonly segmentBytes: number
}

/** An entry and its segment. */
export interface Found {
  readonly segment: Segment
  readonly entry: Entry
}

export class Shelf {
  /** Records of segments that were lost: to a process that took this one for dead, or to somebody who deleted them. */
  forfeited = 0
  private readonly options: ShelfOptions
  private readonly self: Owner
  private folder: OwnFolder
  private segments: ReadonlyArray<Segment> = []
  private active: Segment | undefined
  private corruptBytes = 0
  private created = 0

  private constructor(options: ShelfOptions, self: Owner, folder: OwnFolder) {
    this.options = options
    this.self = self
    this.folder = folder
  }

  static async open(options: ShelfOptions): Promise<Shelf> {
    const self = await thisProcess()
    return new Shelf(options, self, await OwnFolder.create(options.directory, options.processId, self))
  }

  get records(): number {
    return this.segments.reduce((sum, segment) => sum + segment.records, 0)
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.size, this.corruptBytes)
  }

  /** Returns when the frame is on the disk, in a folder that is still this process's. */
  async append(frame: Frame, confirm: () => boolean): Promise<void> {
    if (await this.tryAppend(frame, confirm)) return
    await this.takeStock()
    // twice in a row is no coincidence: something deletes the files that are written here
    if (!(await this.tryAppend(frame, confirm))) throw new Error("the files disappear as soon as they are written")
  }

  /** The oldest entry that was not passed; the same again until it is. */
  async read(): Promise<Found | undefined> {
    for (let segment = this.segments[0]; segment !== undefined; segment = this.segments[0]) {
      try {
        const entry = await segment.read()
        if (entry !== undefined) return { segment, entry }
        await this.discard(segment)
      } catch (cause) {
        if (!isMissing(cause)) throw cause
        await this.takeStock()
      }
    }
    return undefined
  }

  /** @returns how many records were passed with it, lost ones included; 0 when its segment was forfeited meanwhile */
  async pass({ entry, segment }: Found): Promise<number> {
    if (!this.segments.includes(segment)) return 0
    const passed = await segment.pass(entry)
    if (segment.isAtEnd) await this.discard(segment)
    return passed
  }

  /** Keeps a copy of an entry for a person to look at; none on a full disk, as deliverable records have precedence. */
  async setAside({ entry, segment }: Found): Promise<void> {
    const bytes = await segment.raw(entry)
    await bestEffort(this.writeCorrupt(`${segment.name}.${entry.at}${corruptSuffix}`, bytes))
  }

  /** @returns how many records were taken over from dead processes */
  async adopt(): Promise<number> {
    if (!(await this.folder.isMine())) await this.takeStock()
    await takeOver(this.folder, this.self)
    return this.takeStock()
  }

  async close(): Promise<void> {
    for (const segment of this.segments) await segment.rest()
    await this.folder.leave()
  }

  /** @returns whether the segment was still in its place afterwards */
  private async tryAppend(frame: Frame, confirm: () => boolean): Promise<boolean> {
    const segment = await this.writable(frame.bytes.length)
    if (segment === undefined) return false
    try {
      return await segment.append(frame, confirm)
    } catch (cause) {
      this.active = undefined
      if (segment.size === 0) await this.discard(segment)
      throw cause
    }
  }

  /** The segment to append to; `undefined` when there is no folder for it any more. */
  private async writable(bytes: number): Promise<Segment | undefined> {
    if (this.active !== undefined && this.active.size + bytes <= this.options.segmentBytes) return this.active
    // a segment that is being read reopens its file
    await this.active?.rest()
    this.active = undefined
    // in real time, whatever clock is in use: it puts the segments of several processes in order
    const time = String(Date.now()).padStart(15, "0")
    const number = String(++this.created).padStart(6, "0")
    const name = `${time}-${number}-${this.folder.name}${segmentSuffix}`
    try {
      const segment = await Segment.create(this.folder.file(name))
      this.segments = [...this.segments, segment]
      await syncFolder(this.folder.path)
      this.active = segment
      return segment
    } catch (cause) {
      if (isMissing(cause)) return undefined
      throw cause
    }
  }

  /** Drops segments that are not in the folder any more, and loads those that are new in it. */
  private async takeStock(): Promise<number> {
    const names = await this.folder.isMine() ? await readdir(this.folder.path) : await this.moveOut()
    const present = new Set(names)
    for (const segment of this.segments.filter((segment) => !present.has(segment.name))) {
      this.forfeited += segment.forfeit
      await this.drop(segment)
    }
    const known = new Set(this.segments.map((segment) => segment.name))
    let loaded = 0
    this.corruptBytes = 0
    for (const name of names) {
      const path = this.folder.file(name)
      if (name.endsWith(corruptSuffix)) this.corruptBytes += (await bestEffort(stat(path)))?.size ?? 0
      if (!name.endsWith(segmentSuffix) || known.has(name)) continue
      // a segment that cannot be opened does not hold up the others, and is still new the next time
      const segment = await bestEffort(Segment.load(path))
      if (segment === undefined) continue
      this.segments = [...this.segments, segment].sort((left, right) => left.name < right.name ? -1 : 1)
      loaded += segment.records
    }
    return loaded
  }

  /** Starts again in a new folder: the old one belongs to another process by now, or was deleted. */
  private async moveOut(): Promise<ReadonlyArray<string>> {
    const { directory, processId } = this.options
    const folder = await OwnFolder.create(directory, processId, this.self)
    await this.folder.forget()
    this.folder = folder
    return []
  }

  private async discard(segment: Segment): Promise<void> {
    await this.drop(segment)
    await segment.remove()
  }

  private async drop(segment: Segment): Promise<void> {
    if (segment === this.active) this.active = undefined
    this.segments = this.segments.filter((other) => other !== segment)
    await segment.rest()
  }

  private async writeCorrupt(name: string, bytes: Buffer): Promise<void> {
    const handle = await open(this.folder.file(name), "wx", fileMode)
    try {
      await handle.writeFile(bytes)
      this.corruptBytes += bytes.length
    } finally {
      await handle.close()
    }
  }
}
