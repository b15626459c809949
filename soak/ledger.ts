/**
 * Compares what the library said became of the calls with what is in the database.
 *
 * `sent` are the calls that the library has answered for: all calls of a worker that closed its layer, and of one that
 * was killed those that a flush had settled. Each of them is looked for **by its number** in the database; those that are
 * not there must be as many as the receipts say were dropped, rejected or left on the disk. What is missing beyond that,
 * and every call that is stored twice, is unexplained.
 *
 * So `unexplained=0` says: nothing that was counted as written or spooled is missing, and nothing is there twice. It says
 * nothing of calls that were in the memory of a worker when it was killed: the library had not answered for them yet.
 * How many these were is printed, too.
 */
import { Reactivity } from "@effect/experimental"
import { PgClient } from "@effect/sql-pg"
import { Effect, type Redacted } from "effect"
import type * as Delivery from "../src/Delivery.ts"
import type { Worker } from "./workers.ts"

export interface Balance {
  readonly sent: number
  readonly stored: number
  readonly spooled: number
  readonly dropped: number
  readonly rejected: number
  readonly unexplained: number
  /** Calls that died with the memory of their process. */
  readonly diedUnanswered: number
}

/** @param last the receipt of the process that delivered what all others had left on the disk */
export const balance = (workers: ReadonlyArray<Worker>, url: Redacted.Redacted, last: Delivery.Stats) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.make({ url })
    const found = yield* sql.unsafe<{ readonly worker: number; readonly numbers: ReadonlyArray<number> }>(
      `select (attributes->>'worker')::int as worker, array_agg((attributes->>'number')::int) as numbers
        from observability.llm_calls group by 1`
    )
    const numbers = new Map(found.map((row) => [row.worker, row.numbers]))
    let sent = 0
    let stored = 0
    let twice = 0
    let diedUnanswered = 0
    for (const worker of workers) {
      const there = numbers.get(worker.number) ?? []
      const distinct = new Set(there)
      twice += there.length - distinct.size
      sent += worker.settled.last
      for (let number = 1; number <= worker.settled.last; number++) if (distinct.has(number)) stored++
      for (let number = worker.settled.last + 1; number <= worker.recorded; number++) {
        if (!distinct.has(number)) diedUnanswered++
      }
    }
    const sum = (count: (worker: Worker) => number) => workers.reduce((total, worker) => total + count(worker), 0)
    const dropped = sum(({ settled }) => settled.dropped) + last.dropped
    const rejected = sum(({ settled }) => settled.rejected) + last.rejected
    const missing = sent - stored
    return {
      sent,
      stored,
      spooled: last.spooled,
      dropped,
      rejected,
      unexplained: Math.max(missing - last.spooled - dropped - rejected, 0) + twice,
      diedUnanswered
    } satisfies Balance
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
