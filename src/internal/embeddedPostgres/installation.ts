/**
 * Prepares the located binaries so that the server's user can run them: as they are where that works, repaired in place
 * where npm left something out, or from a shared copy where the user cannot reach them or they cannot be repaired.
 */
import type * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { chmod, cp, lstat, readdir, readFile, rename, rm, stat, symlink } from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import { attempt, type EmbeddedPostgresError } from "./error.ts"
import type { Binaries } from "./locate.ts"
import { canReach, type ServerUser } from "./serverUser.ts"
import { temporaryRoot } from "./temporary.ts"

/** Binaries that run. */
export interface Installation {
  readonly initdb: string
  readonly postgres: string
  /** The major version of PostgreSQL, such as 18. */
  readonly majorVersion: number
}

export const install = (
  binaries: Binaries,
  user: ServerUser | undefined
): Effect.Effect<Installation, EmbeddedPostgresError> =>
  attempt("BinariesMissing", `Preparing the binaries of ${binaries.packageName}`, async () => {
    const usable = await isReachable(user, binaries.nativeDirectory) && await repair(binaries.nativeDirectory)
    const directory = usable ? binaries.nativeDirectory : await copy(binaries, user)
    return {
      initdb: join(directory, "bin", "initdb"),
      postgres: join(directory, "bin", "postgres"),
      majorVersion: Number.parseInt(binaries.packageVersion, 10)
    }
  })

// internal

/** Checks a file in each folder: a restrictive umask at install time closes files, not only the folders above them. */
const isReachable = async (user: ServerUser | undefined, directory: string): Promise<boolean> =>
  await canReach(user, join(directory, "bin", "postgres")) &&
  await canReach(user, join(directory, "share", "postgresql", "postgres.bki"))

/**
 * Does what the package's install script would have done, which npm does not run everywhere: the links between
 * libraries, which an npm archive cannot hold, and the permission to execute. False where the folder is read-only.
 */
const repair = async (directory: string): Promise<boolean> => {
  const listed = await readFile(join(directory, "pg-symlinks.json"), "utf8").catch(() => "[]")
  const links: ReadonlyArray<{ readonly source: string; readonly target: string }> = JSON.parse(listed)
  try {
    for (const { source, target } of links) {
      // The listed paths start at the package's folder `native`, whatever it is called where it was copied to.
      const link = join(directory, relative("native", target))
      await symlink(relative(dirname(target), source), link).catch(unless("EEXIST"))
    }
    for (const program of ["initdb", "postgres"]) {
      const path = join(directory, "bin", program)
      const { mode } = await stat(path)
      if ((mode & 0o111) !== 0o111) await chmod(path, mode | 0o111)
    }
    return true
  } catch {
    return false
  }
}

/**
 * A copy that every process of this user shares, in a folder whose name says what it holds. It appears under that name
 * only when it is complete (renaming a folder is atomic), so processes that start at the same time need no lock: the
 * first wins, the others delete theirs.
 */
const copy = async (binaries: Binaries, user: ServerUser | undefined): Promise<string> => {
  const root = await temporaryRoot(user)
  const name = [
    "effect-observability-postgres",
    basename(binaries.packageName),
    binaries.packageVersion,
    process.getuid?.()
  ]
    .join("-")
  const shared = join(root, name)
  if (await isWhole(shared, binaries.nativeDirectory)) return shared
  await removeAbandoned(root, `${name}.`)
  const own = `${shared}.${randomUUID()}`
  await cp(binaries.nativeDirectory, own, { recursive: true, verbatimSymlinks: true })
  await repair(own)
  await openUp(own)
  // the remains of an earlier copy, left by a cleaner of temporary folders, are in the way and of no use to anybody
  if (await isOurs(shared) && !await isWhole(shared, own)) await rm(shared, { recursive: true, force: true })
  await rename(own, shared).catch(async (cause) => {
    await rm(own, { recursive: true, force: true })
    if (!await isWhole(shared, binaries.nativeDirectory)) throw cause
  })
  return shared
}

/** A folder that another user could have made or can write to would have us run that user's programs. */
const isOurs = (directory: string): Promise<boolean> =>
  lstat(directory).then(
    (stats) => stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o022) === 0,
    () => false
  )

const isWhole = async (directory: string, original: string): Promise<boolean> => {
  if (!await isOurs(directory)) return false
  const present = new Set(await readdir(directory, { recursive: true }))
  return (await readdir(original, { recursive: true })).every((path) => present.has(path))
}

/**
 * Makes the files readable and the folders enterable for all, and writable for the owner, whatever the umask was when
 * npm unpacked them.
 */
const openUp = async (directory: string): Promise<void> => {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    await chmod(path, entry.isDirectory() || basename(entry.parentPath) === "bin" ? 0o755 : 0o644)
  }
}

/** Removes copies that a killed process left half done. A copy that is still being made is younger than this by far. */
const removeAbandoned = async (root: string, prefix: string): Promise<void> => {
  for (const name of (await readdir(root)).filter((name) => name.startsWith(prefix))) {
    const path = join(root, name)
    const stats = await lstat(path).catch(() => undefined)
    if (stats !== undefined && stats.uid === process.getuid?.() && Date.now() - stats.mtimeMs > 600_000) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
}

const unless = (code: string) => (error: NodeJS.ErrnoException): void => {
  if (error.code !== code) throw error
}
