/** The processes under load, and what each has said of itself. */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import type { Settled, Strain, WorkerOptions, WorkerSaid } from "./worker.ts"

export interface Worker {
  readonly number: number
  /** The newest that it said, before its end or of its end. */
  readonly settled: Settled
  readonly recorded: number
  readonly closed: boolean
  readonly strains: ReadonlyArray<Strain>
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until it has ended and all that it said has arrived. */
  readonly ended: Effect.Effect<void>
}

/** Returns when it has begun to say how it stands. */
export const start = (options: WorkerOptions): Effect.Effect<Worker, never, Scope.Scope> =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          process.execPath,
          ["--import", "tsx", fileURLToPath(new URL("worker.ts", import.meta.url)), JSON.stringify(options)],
          { stdio: ["ignore", "ignore", "inherit", "pipe"] }
        )
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child) => {
      const lines = createInterface(child.stdio[3] as Readable)
      const end = Promise.all([once(child, "exit"), once(lines, "close")])
      const strains: Array<Strain> = []
      const worker = {
        number: options.worker,
        settled: { last: 0, spooled: 0, dropped: 0, rejected: 0 } as Settled,
        recorded: 0,
        closed: false,
        strains,
        signal: (name: NodeJS.Signals) => Effect.sync(() => void child.kill(name)),
        ended: Effect.asVoid(Effect.promise(() => end))
      }
      lines.on("line", (line) => {
        const said: WorkerSaid = JSON.parse(line)
        worker.settled = said.settled
        worker.recorded = said._tag === "Closed" ? said.settled.last : said.recorded
        worker.closed = said._tag === "Closed"
        strains.push(said.strain)
      })
      return Effect.as(Effect.promise(() => once(lines, "line")), worker)
    }
  )
