/**
 * The home of an embedded server: the folder `data` with PostgreSQL's own files, the server's log, and the sockets by
 * which its users know of each other.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { access, chmod, mkdir, mkdtemp, realpath, rm } from "node:fs/promises"
import { join, resolve } from "node:path"
import { attempt, EmbeddedPostgresError } from "./error.ts"
import type { ServerUser } from "./serverUser.ts"
import { shortPath, temporaryPrefix, temporaryRoot } from "./temporary.ts"

export interface Home {
  /** Absolute and without symbolic links. */
  readonly path: string
  /** The same folder by a path that is short enough for unix sockets. */
  readonly shortPath: string
  readonly dataDirectory: string
  readonly logFile: string
  readonly temporary: boolean
}

/** The folder that the caller gave: made if it is missing, and kept. */
export const kept = Effect.fnUntraced(function*(directory: string) {
  const path = resolve(directory)
  yield* attempt("DataDirectoryUnusable", `Making ${path}`, () => mkdir(path, { recursive: true }))
  if (yield* Effect.promise(() => access(join(path, "PG_VERSION")).then(() => true, () => false))) {
    return yield* new EmbeddedPostgresError({
      reason: "DataDirectoryUnusable",
      message: `${path} is the data directory of some PostgreSQL server. Choose another folder: the embedded server ` +
        "makes its own data directory inside the folder that it is given."
    })
  }
  return yield* describe(path, false)
})

/** A temporary folder that the scope deletes. */
export const temporary = (
  user: ServerUser | undefined
): Effect.Effect<Home, EmbeddedPostgresError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt("DataDirectoryUnusable", "Making a temporary folder", async () => {
      const path = await mkdtemp(join(await temporaryRoot(user), temporaryPrefix))
      // The server's user must get to the data directory, which is itself closed to everybody else.
      if (user !== undefined) await chmod(path, 0o711)
      return path
    }),
    remove
  ).pipe(Effect.flatMap((path) => describe(path, true)))

/** Deletes a folder, as far as possible. A server that is just going away may still write: hence the retries. */
export const remove = (path: string): Effect.Effect<void> =>
  Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }).catch(() => {}))

// internal

const describe = Effect.fnUntraced(function*(given: string, temporary: boolean) {
  const path = yield* attempt("DataDirectoryUnusable", `Reading ${given}`, () => realpath(given))
  const home: Home = {
    path,
    shortPath: yield* shortPath(given),
    dataDirectory: join(path, "data"),
    logFile: join(path, "server.log"),
    temporary
  }
  return home
})
