/**
 * Takes over the files of dead processes. A folder changes hands by being renamed into the new owner's folder: the file
 * system lets exactly one of several processes succeed. If the new owner dies in turn, the folders it took lie in its
 * own folder and go to the next owner with it.
 */
import { readdir, readFile, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { bestEffort, syncFolder } from "./files.ts"
import type { Owner } from "./owner.ts"
import { deadAfterMillis, isDead, readOwner } from "./owner.ts"
import type { OwnFolder } from "./ownFolder.ts"
import { folderPrefix, leftFile, ownerFile } from "./ownFolder.ts"

/** The suffixes of files to keep; all other files are disposable. */
export const segmentSuffix = ".segment"
export const corruptSuffix = ".corrupt"

/** Moves the files of dead processes into the folder, including those that an earlier, failed call left behind. */
export const takeOver = async (folder: OwnFolder, self: Owner): Promise<void> => {
  const directory = dirname(folder.path)
  const now = await folder.now()
  for (const name of await processFolders(directory)) {
    const path = join(directory, name)
    if (name === folder.name || !(await isFree(path, now, self))) continue
    // Fails when another process was faster, and for a folder that only another user may move.
    await bestEffort(rename(path, folder.file(name)))
  }
  for (const name of await processFolders(folder.path)) await flatten(folder, folder.file(name))
}

// internal

const processFolders = async (path: string): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(path, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory() && entry.name.startsWith(folderPrefix)).map(({ name }) => name)
}

/** Moves the files from any depth: the dead process may have died while it was taking over from another one. */
const flatten = async (folder: OwnFolder, taken: string): Promise<void> => {
  for (const entry of await readdir(taken, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !(entry.name.endsWith(segmentSuffix) || entry.name.endsWith(corruptSuffix))) continue
    // the name contains that of the folder in which the file was made, so it is globally unique
    await rename(join(entry.parentPath, entry.name), folder.file(basename(entry.name)))
  }
  await syncFolder(folder.path)
  await rm(taken, { recursive: true })
}

const isFree = async (path: string, now: number, self: Owner): Promise<boolean> => {
  if (await bestEffort(stat(join(path, leftFile))) !== undefined) return isReadable(join(path, leftFile))
  const beat = await bestEffort(stat(join(path, ownerFile)))
  // without the owner's file, the folder belongs to a process that was about to begin and has nothing to lose
  const since = beat ?? await bestEffort(stat(path))
  if (since === undefined) return false
  const silence = now - since.mtimeMs
  const owner = beat === undefined ? "damaged" : await ownerIn(join(path, ownerFile))
  if (owner === "foreign") return false
  return owner === "damaged" ? silence > deadAfterMillis : isDead(owner, silence, self)
}

const isReadable = async (path: string): Promise<boolean> => await ownerIn(path) !== "foreign"

const ownerIn = async (path: string): Promise<Owner | "damaged" | "foreign"> =>
  readOwner(await bestEffort(readFile(path, "utf8")) ?? "")
