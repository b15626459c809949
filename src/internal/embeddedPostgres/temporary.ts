/** Temporary folders that the server's user can enter and whose paths are short enough for a unix socket. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { symlink, unlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { attempt, type EmbeddedPostgresError } from "./error.ts"
import { canReach, type ServerUser } from "./serverUser.ts"

/**
 * The longest path of a unix socket, in bytes, that every system takes: 104 on macOS, 108 on Linux, both with the zero
 * byte at the end.
 */
const longestSocketPath = 103

/** The most that a socket adds to the path of its home: the server's has the longest name. */
const longestSuffix = "/data/.s.PGSQL.5432".length

/** Whether sockets in this home have paths that a client can connect to. */
export const isShort = (home: string): boolean => Buffer.byteLength(home) + longestSuffix <= longestSocketPath

/** The system's folder for temporary files, unless the server's user cannot enter it or its own path is too long. */
export const temporaryRoot = async (user: ServerUser | undefined): Promise<string> => {
  for (const candidate of [tmpdir(), "/tmp", "/var/tmp"]) {
    if (isShort(join(candidate, `${temporaryPrefix}XXXXXX`)) && await canReach(user, candidate)) return candidate
  }
  return tmpdir()
}

/** The name prefix of temporary homes, and of short links to other homes; the sweep of leftovers looks for it. */
export const temporaryPrefix = "effect-observability-pg-"

/**
 * A path to this folder that is short enough for sockets: the given path, or that of a symbolic link, which the scope
 * removes (or `leftovers.ts`, if the scope is never closed).
 */
export const shortPath = (given: string): Effect.Effect<string, EmbeddedPostgresError, Scope.Scope> =>
  isShort(given) ? Effect.succeed(given) : Effect.acquireRelease(
    attempt("DataDirectoryUnusable", `Making a short path to ${given}`, async () => {
      const link = join(await temporaryRoot(undefined), `${temporaryPrefix}${randomBytes(3).toString("hex")}`)
      await symlink(given, link)
      return link
    }),
    (link) => Effect.promise(() => unlink(link).catch(() => {}))
  )
