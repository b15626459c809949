/**
 * Helpers that `node:fs/promises` lacks. The files hold what users asked a model: nobody but their owner may read them.
 */
import type { FileHandle } from "node:fs/promises"
import { access, open } from "node:fs/promises"
import { codeOf } from "./error.ts"

export const fileMode = 0o600
export const folderMode = 0o700

/** Writes all of it; a single `write` may write less, as it does when the disk is nearly full. */
export const writeFully = async (handle: FileHandle, bytes: Buffer, position: number): Promise<void> => {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

/** Reads that many bytes, or up to the end of the file. */
export const readFully = async (handle: FileHandle, length: number, position: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, position + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return bytes.subarray(0, read)
}

/** Makes the file names in a folder survive a power failure. Windows cannot do this, and does not need it. */
export const syncFolder = async (path: string): Promise<void> => {
  if (process.platform === "win32") return
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Whether a failure says that there is no such file or folder (any more). */
export const isMissing = (cause: unknown): boolean => codeOf(cause) === "ENOENT"

export const exists = async (path: string): Promise<boolean> => {
  try {
    await access(path)
    return true
  } catch (cause) {
    if (isMissing(cause)) return false
    throw cause
  }
}

/** Ignores a failure: for work on which nothing depends. */
export const bestEffort = async <A>(promise: Promise<A>): Promise<A | undefined> => {
  try {
    return await promise
  } catch {
    return undefined
  }
}
