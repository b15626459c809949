/**
 * The folder to which only this process appends. A file in it names the owner, and that file's modification time is the
 * owner's heartbeat. The folder lies beside those of other processes in the spool's directory, under a name never used
 * again.
 */
import * as Schema from "effect/Schema"
import type { FileHandle } from "node:fs/promises"
import { mkdir, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises"
import { basename, join } from "node:path"
import { bestEffort, exists, fileMode, folderMode, syncFolder, writeFully } from "./files.ts"
import type { Owner } from "./owner.ts"
import { heartbeatMillis, OwnerJson } from "./owner.ts"

/** The prefix of the name of every process's folder. The spool ignores everything else in the directory. */
export const folderPrefix = "process-"
export const ownerFile = "owner.json"
/** The owner's file under this name says that the owner has left: the folder is free at once. */
export const leftFile = "left.json"

export class OwnFolder {
  readonly path: string
  private readonly content: Buffer
  private readonly owner: FileHandle
  private readonly timer: NodeJS.Timeout

  private constructor(path: string, content: Buffer, owner: FileHandle) {
    this.path = path
    this.content = content
    this.owner = owner
    this.timer = setInterval(() => void bestEffort(this.beat()), heartbeatMillis).unref()
  }

  static async create(directory: string, processId: string, self: Owner): Promise<OwnFolder> {
    await mkdir(directory, { recursive: true, mode: folderMode })
    const name = `${folderPrefix}${processId.replace(/[^\w-]/g, "_").slice(0, 64)}-`
    const path = await mkdtemp(join(directory, name))
    const content = Buffer.from(Schema.encodeSync(OwnerJson)(self))
    let folder: OwnFolder | undefined
    try {
      const owner = await open(join(path, ownerFile), "wx", fileMode)
      folder = new OwnFolder(path, content, owner)
      await folder.beat()
      await owner.sync()
      await syncFolder(path)
      await syncFolder(directory)
      return folder
    } catch (cause) {
      await folder?.forget()
      await bestEffort(rm(path, { recursive: true }))
      throw cause
    }
  }

  get name(): string {
    return basename(this.path)
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** The time of the file system, which may differ from that of this machine. */
  async now(): Promise<number> {
    await this.beat()
    return (await stat(this.file(ownerFile))).mtimeMs
  }

  /** `false` when another process took this one for dead, or somebody deleted the folder. */
  isMine(): Promise<boolean> {
    return exists(this.file(ownerFile))
  }

  /** Marks the folder as left; an empty folder is deleted. */
  async leave(): Promise<void> {
    await this.forget()
    const names = await bestEffort(readdir(this.path))
    await bestEffort(
      names !== undefined && names.every((name) => name === ownerFile)
        ? rm(this.path, { recursive: true })
        : rename(this.file(ownerFile), this.file(leftFile))
    )
  }

  /** Stops the heartbeat, for a folder that is not this process's any more. */
  async forget(): Promise<void> {
    clearInterval(this.timer)
    await bestEffort(this.owner.close())
  }

  /** Writes the file, which, unlike setting its time, makes the file system use its own clock. */
  private beat(): Promise<void> {
    return writeFully(this.owner, this.content, 0)
  }
}
