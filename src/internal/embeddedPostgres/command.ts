import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"

/** How a command ended: `code` is undefined when it could not be started or was ended by a signal. */
export interface Ended {
  readonly code: number | undefined
  readonly output: string
}

/** Runs a program to its end and keeps what it says. Interruption ends the program too. */
export const run = (
  program: string,
  arguments_: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly uid?: number; readonly gid?: number }
): Effect.Effect<Ended> =>
  Effect.async((resume) => {
    const child: ChildProcess = spawn(program, arguments_, { ...options, stdio: ["ignore", "pipe", "pipe"] })
    const chunks: Array<Buffer> = []
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.once("error", (error) => resume(Effect.succeed({ code: undefined, output: error.message })))
    child.once("close", (code) =>
      resume(Effect.succeed({ code: code ?? undefined, output: Buffer.concat(chunks).toString("utf8").trim() })))
    return Effect.sync(() =>
      child.kill("SIGKILL")
    )
  })

/**
 * The environment of PostgreSQL's programs: without the host's `PG...` variables, which are meant for clients of other
 * servers; with messages in English and times in UTC, so that they are the same on every machine.
 */
export const environment = (): NodeJS.ProcessEnv => ({
  ...(process.env["PATH"] === undefined ? {} : { PATH: process.env["PATH"] }),
  LC_ALL: "C",
  TZ: "UTC"
})
