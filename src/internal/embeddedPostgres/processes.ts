/**
 * The processes of a server, as the operating system knows them. Every process of a PostgreSQL server has the data
 * directory as its working directory, so `/proc` on Linux shows them all, even those that a killed postmaster left
 * behind, and tells them from an unrelated process that has been given the same id since. Elsewhere `ps` has to do.
 */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { readdir, readFile, readlink } from "node:fs/promises"
import { promisify } from "node:util"

/** Whether this process currently belongs to the server in this data directory (a path without links). */
export const isOfServer = (pid: number, dataDirectory: string): Effect.Effect<boolean> =>
  hasProc
    ? Effect.promise(async () => await livingName(pid) === "postgres" && await workingDirectory(pid) === dataDirectory)
    : Effect.map(ofServer(dataDirectory), (pids) => pids.includes(pid))

/** The ids of all living processes of the server in this data directory (a path without links). */
export const ofServer = (dataDirectory: string): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    if (!hasProc) {
      const rows = await table()
      const postmasters = rows.filter((row) => row.command.includes(`postgres -D ${dataDirectory} `))
      return rows
        .filter((row) => postmasters.some((postmaster) => postmaster.pid === row.pid || postmaster.pid === row.parent))
        .map((row) => row.pid)
    }
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)
    const names = await Promise.all(pids.map(livingName))
    const candidates = pids.filter((_, index) => names[index] === "postgres")
    const directories = await Promise.all(candidates.map(workingDirectory))
    return candidates.filter((_, index) => directories[index] === dataDirectory)
  })

/** Whether any process has this id, even a zombie. */
export const isTaken = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"
  }
}

/** Sends a signal to processes; those that are gone meanwhile do not need it. */
export const signal = (pids: Iterable<number>, name: NodeJS.Signals): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const pid of pids) {
      try {
        process.kill(pid, name)
      } catch {
        // Gone already, or not ours to signal.
      }
    }
  })

// internal

const hasProc = existsSync("/proc/self/stat")

/**
 * The name of a living process, which a zombie is not: where nothing reaps orphans (a container without an init), a
 * dead postmaster stays a zombie for ever. The name is in parentheses and may itself contain some; the state follows
 * it.
 */
const livingName = (pid: number): Promise<string | undefined> =>
  readFile(`/proc/${pid}/stat`, "utf8").then((text) => {
    const end = text.lastIndexOf(")")
    return "ZX".includes(text.charAt(end + 2)) ? undefined : text.slice(text.indexOf("(") + 1, end)
  }, () => undefined)

/** The working directory of a process, unknown for the process of another user. */
const workingDirectory = (pid: number): Promise<string | undefined> =>
  readlink(`/proc/${pid}/cwd`).catch(() => undefined)

interface Row {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

const table = async (): Promise<ReadonlyArray<Row>> => {
  const { stdout } = await promisify(execFile)("ps", ["-axww", "-o", "pid=,ppid=,stat=,command="])
  return stdout.split("\n").flatMap((line) => {
    const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? []
    return command === undefined || state?.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), command }]
  })
}
