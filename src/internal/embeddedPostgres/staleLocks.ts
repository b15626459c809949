/**
 * Removes the lock files of a killed server that PostgreSQL takes for those of a living one: it only checks whether any
 * process has the id in them, which may be a zombie, or another program by now. PostgreSQL clears all other stale lock
 * files itself.
 */
import * as Effect from "effect/Effect"
import { readFileSync, unlinkSync } from "node:fs"
import { join } from "node:path"
import { isOfServer, isTaken } from "./processes.ts"

/** Removes the stale lock files of this data directory. To be called when no server runs on it. */
export const removeStaleLocks = (dataDirectory: string): Effect.Effect<void> =>
  Effect.forEach(["postmaster.pid", ".s.PGSQL.5432.lock"], (name) => removeIfStale(dataDirectory, name), {
    discard: true
  })

// internal

const removeIfStale = Effect.fnUntraced(function*(dataDirectory: string, name: string) {
  const path = join(dataDirectory, name)
  const pid = holder(path)
  if (!(pid > 0) || (yield* isOfServer(pid, dataDirectory)) || !isTaken(pid)) return
  // Checking again and removing is one step for this process, and leaves a few microseconds to another that starts a
  // server just now. If that one comes in between all the same, PostgreSQL's second lock, a block of shared memory that
  // belongs to the data directory, still keeps two servers from running on it.
  if (holder(path) === pid) unlinkSync(path)
})

/** The process id in the first line; `NaN` if there is no such file. */
const holder = (path: string): number => {
  try {
    return Number.parseInt(readFileSync(path, "utf8"), 10)
  } catch {
    return Number.NaN
  }
}
