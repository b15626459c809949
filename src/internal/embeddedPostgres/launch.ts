import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { open, readFile, rename, stat } from "node:fs/promises"
import { dataDirectoryArgument } from "./cluster.ts"
import { environment } from "./command.ts"
import { attempt } from "./error.ts"
import type { Home } from "./home.ts"
import type { Installation } from "./installation.ts"
import { credentials, type ServerUser } from "./serverUser.ts"

export interface LaunchOptions {
  readonly installation: Installation
  readonly user: ServerUser | undefined
  readonly durable: boolean
  readonly settings: Readonly<Record<string, string>>
}

/** A server process that has been started, though it may not be ready yet. */
export interface Launched {
  /** Undefined if the program could not be started at all; then it has ended. */
  readonly pid: number | undefined
  /** Returns when the process ends, and says how. */
  readonly ended: Effect.Effect<string>
  /** The last lines that it has written to the log since it was started. */
  readonly log: Effect.Effect<string>
}

/**
 * Starts the server process, independent of this process: it outlives it, and Ctrl+C at the terminal does not reach it.
 */
export const launch = Effect.fnUntraced(function*(home: Home, options: LaunchOptions) {
  const directory = yield* dataDirectoryArgument(options.user, home.dataDirectory)
  const start = yield* attempt("DataDirectoryUnusable", `Writing ${home.logFile}`, () => logSize(home.logFile))
  return yield* attempt("StartFailed", `Starting ${options.installation.postgres}`, async (): Promise<Launched> => {
    const log = await open(home.logFile, "a")
    try {
      const child = spawn(options.installation.postgres, ["-D", directory, ...settingsArguments(options)], {
        ...credentials(options.user),
        cwd: home.dataDirectory,
        env: environment(),
        detached: true,
        stdio: ["ignore", log.fd, log.fd]
      })
      child.unref()
      return { pid: child.pid, ended: ended(child), log: Effect.promise(() => lastLines(home.logFile, start)) }
    } finally {
      await log.close()
    }
  })
})

// internal

/** The last value of a setting wins, so those that make the server reachable by its socket only cannot be changed. */
const settingsArguments = (options: LaunchOptions): ReadonlyArray<string> =>
  Object.entries({
    // a commit has reached the operating system, so it outlives the server, but not the machine
    ...(options.durable ? {} : { fsync: "off", full_page_writes: "off" }),
    ...options.settings,
    listen_addresses: "",
    port: "5432",
    // relative to the data directory: then the limit on the length of a socket's path does not apply to the server
    unix_socket_directories: ".",
    logging_collector: "off"
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])

/** To be called in the same turn of the event loop as the start: a server that fails at once has ended in the next. */
const ended = (child: ChildProcess): Effect.Effect<string> => {
  const promise = new Promise<string>((resolve) => {
    child.on("error", (error) => resolve(error.message))
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`))
  })
  return Effect.promise(() => promise)
}

/**
 * The size of the log. A log of a megabyte is put aside first, or a folder kept for years would grow with each start.
 */
const logSize = async (path: string): Promise<number> => {
  const size = await stat(path).then((stats) => stats.size, () => 0)
  if (size < 1_000_000) return size
  await rename(path, `${path}.old`)
  return 0
}

const lastLines = async (path: string, start: number): Promise<string> => {
  const text = (await readFile(path).catch(() => Buffer.alloc(0))).subarray(start).toString("utf8")
  return text.trim().split("\n").slice(-20).join("\n")
}
