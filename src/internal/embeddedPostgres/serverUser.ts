/**
 * The user that the server runs as. PostgreSQL refuses to run as root, so a root process (the usual one in a container)
 * starts the server as a user without privileges; that user must exist in /etc/passwd, since `initdb` asks for its
 * name.
 */
import * as Effect from "effect/Effect"
import { readFile, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { attempt, EmbeddedPostgresError } from "./error.ts"

export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** What `spawn` needs to start a child as that user; nothing when it is this process's own user. */
export const credentials = (user: ServerUser | undefined): { readonly uid?: number; readonly gid?: number } =>
  user === undefined ? {} : { uid: user.uid, gid: user.gid }

/**
 * The user to run the server as, or `undefined` for the user of this process. A kept data folder stays with the user
 * that owns it; otherwise `postgres` where there is one, else `nobody`.
 */
export const serverUser = Effect.fnUntraced(function*(dataDirectory: string | undefined) {
  if (process.getuid?.() !== 0) return undefined
  const users = parsePasswd(
    yield* attempt("ServerUserMissing", "Reading /etc/passwd", () => readFile("/etc/passwd", "utf8"))
  )
  const owner = dataDirectory === undefined
    ? undefined
    : yield* Effect.promise(() => stat(dataDirectory).then((stats) => stats.uid, () => undefined))
  const user = users.find((user) => user.uid === owner && user.uid !== 0) ??
    users.find((user) => user.name === "postgres") ??
    users.find((user) => user.name === "nobody")
  if (user === undefined) {
    return yield* new EmbeddedPostgresError({
      reason: "ServerUserMissing",
      message:
        "PostgreSQL refuses to run as root, and /etc/passwd has neither a user postgres nor nobody to run it as. " +
        "Add one (useradd --system postgres), or run this process as an ordinary user."
    })
  }
  return user
})

/**
 * Whether the user may read (a file) or enter (a folder) at this path, judged by the permissions of the path and of
 * every folder above it. Access lists are ignored: they are rare where this runs, and a wrong "no" is harmless.
 */
export const canReach = async (user: ServerUser | undefined, path: string): Promise<boolean> => {
  if (user === undefined) return true
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) return false
  const shift = stats.uid === user.uid ? 6 : stats.gid === user.gid ? 3 : 0
  const needed = stats.isDirectory() ? 0o1 : 0o4
  if (((stats.mode >> shift) & needed) === 0) return false
  const parent = dirname(path)
  return parent === path || canReach(user, parent)
}

// internal

const parsePasswd = (text: string): ReadonlyArray<ServerUser> =>
  text.split("\n").flatMap((line) => {
    const [name, , uid, gid] = line.split(":")
    return name === undefined || uid === undefined || gid === undefined
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid) }]
  })
