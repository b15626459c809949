/**
 * Programs in processes of their own, with Node's defaults: the flags that the benchmarks are started with would change
 * what is found about starting, about the collection of garbage, and about the event loop.
 */
import type { ChildProcess } from "node:child_process"
import { fork } from "node:child_process"
import { join } from "node:path"

/** How a program is started. */
export interface Options {
  /** What the program finds in `process.argv`. Default: nothing. */
  readonly args?: ReadonlyArray<string>
  /** Beside the variables of this process. Default: nothing. */
  readonly env?: Readonly<Record<string, string>>
  /** What Node is told. Default: nothing. */
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
      // what the library warns of goes to the output, and is expected where no server is
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

/** Sends what a program found, and ends it. */
export const say = (found: unknown): void => {
  process.send!(found, undefined, undefined, () => process.exit(0))
}
