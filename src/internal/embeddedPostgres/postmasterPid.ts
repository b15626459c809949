import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { readFile } from "node:fs/promises"
import { join } from "node:path"

/** What a server says of itself in the file `postmaster.pid` of its data directory. */
export interface PostmasterPid {
  readonly pid: number
  /** Whether the server takes connections; before that it starts up or recovers, after that it stops. */
  readonly ready: boolean
}

/** The path of `postmaster.pid`. PostgreSQL removes the file when it stops in order, and leaves it when killed. */
export const postmasterPidFile = (dataDirectory: string): string => join(dataDirectory, "postmaster.pid")

/** Reads `postmaster.pid`: none when there is no file, or not yet a number in it. */
export const readPostmasterPid = (dataDirectory: string): Effect.Effect<Option.Option<PostmasterPid>> =>
  Effect.promise(() => readFile(postmasterPidFile(dataDirectory), "utf8").catch(() => "")).pipe(
    Effect.map((text) => {
      const lines = text.split("\n")
      const pid = Number.parseInt(lines[0] ?? "", 10)
      // The eighth line is written last, and rewritten at each change of state.
      return pid > 0 ? Option.some({ pid, ready: lines[7]?.trim() === "ready" }) : Option.none()
    })
  )
