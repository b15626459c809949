/**
 * Deletes the temporary homes of processes that were killed before they could do so, so that a test run that is killed
 * again and again does not fill the disk.
 */
import * as Effect from "effect/Effect"
import { lstat, readdir, realpath } from "node:fs/promises"
import { join } from "node:path"
import { remove } from "./home.ts"
import { isDeserted } from "./presence.ts"
import * as Processes from "./processes.ts"
import type { ServerUser } from "./serverUser.ts"
import { temporaryPrefix, temporaryRoot } from "./temporary.ts"

/**
 * Deletes homes that are provably ours (by name and owner) and dead (nobody present); a server left in one is killed
 * first. Nobody is present yet in a home that is just being made: hence `leastAge`, in milliseconds.
 */
export const sweep = (user: ServerUser | undefined, leastAge = 60_000): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.promise(() => candidates(user, leastAge)),
    Effect.forEach(({ isLink, path }) => Effect.whenEffect(isLink ? remove(path) : reap(path), isDeserted(path)), {
      discard: true
    })
  )

// internal

interface Candidate {
  readonly path: string
  /** Whether it is a short link to a kept home: the link is a leftover, the home is not. */
  readonly isLink: boolean
}

const candidates = async (user: ServerUser | undefined, leastAge: number): Promise<ReadonlyArray<Candidate>> => {
  const root = await temporaryRoot(user)
  const names = (await readdir(root).catch((): Array<string> => [])).filter((name) => name.startsWith(temporaryPrefix))
  const found = await Promise.all(names.map(async (name) => {
    const path = join(root, name)
    const stats = await lstat(path).catch(() => undefined)
    return stats !== undefined && stats.uid === process.getuid?.() && Date.now() - stats.ctimeMs >= leastAge
      ? [{ path, isLink: stats.isSymbolicLink() }]
      : []
  }))
  return found.flat()
}

/** Kills the server and deletes the home. Its data is of no use to anybody, so an orderly shutdown has no point. */
const reap = (home: string): Effect.Effect<void> =>
  Effect.promise(() => realpath(home).catch(() => home)).pipe(
    Effect.flatMap((path) => Processes.ofServer(join(path, "data"))),
    Effect.flatMap((pids) => Processes.signal(pids, "SIGKILL")),
    Effect.zipRight(remove(home))
  )
