/**
 * Starts programs in their own processes, with Node's defaults: the flags that the benchmarks are started with would
 * change the figures for startup, garbage collection and the event loop.
 */
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { join } from "node:path"

/** How a program is started. */
export interface Options {
  /** The arguments in the program's `process.argv`. Default: none. */
  readonly args?: ReadonlyArray<string>
  /** Environment variables in addition to those of this process. Default: none. */
  readonly env?: Readonly<Record<string, string>>
  /** Command-line flags for Node. Default: none. */
  readonly flags?: ReadonlyArray<string>
}

/** Starts a program of this folder, such as `start/layer`, and returns it with its first message. */
export const start = <A>(
  program: string,
  { args = [], env = {}, flags = [] }: Options = {}
): Promise<{ readonly process: ChildProcess; readonly message: A }> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, `${program}.js`), args, {
      env: { ...process.env, ...env },
      execArgv: [...flags],
      // standard output is ignored: the library's warnings go there, and are expected if there is no server
      stdio: ["ignore", "ignore", "inherit", "ipc"]
    })
    child.once("message", (message) => resolve({ process: child, message: message as A }))
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code} before it said anything`)))
  })

/** Runs a program to its end, and returns the one message that it sends. */
export const answer = async <A>(program: string, options?: Options): Promise<A> => {
  const { message, process: child } = await start<A>(program, options)
  if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve))
  return message
}

/** Sends a program's result, and ends the program. */
export const say = (found: unknown): void => {
  process.send!(found, undefined, undefined, () => process.exit(0))
}
