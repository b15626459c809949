/**
 * Closes what dead processes left open, so that nothing is shown as running for ever.
 *
 * A process is taken for dead when its row has not been touched for a while: the sign of life costs one update per
 * process and interval, none per span. Should it live after all, or a spool deliver what it still had to say, then its
 * next record of a span replaces the mark: the mark leaves the revision as it is. What it still has to say may be open,
 * too, and then its row is looked at once more, see `processTable`.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { statusCodes } from "./codes.ts"
import { inTransaction } from "./transaction.ts"

/** Six missed signs of life. */
export const lostAfter = Duration.minutes(1)

/**
 * For processes without a sign of life of their own (`pid` is null): what is known of them are the times of their
 * records, by their clock, and such a process may be at work on something that takes long.
 */
const unheardLostAfter = Duration.hours(1)

/** Marks the open traces and spans of silent processes as lost, and says of how many processes. */
export const reap = (schema: string): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    let reaped = 0
    while (yield* inTransaction(reapNext(schema))) reaped++
    return reaped
  })

// internal

/** In one transaction: a process counts as reaped when all that it left open is marked. */
const reapNext = (schema: string): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // The latest first: it is found in the fewest partitions. What another reaper is at is left to that one.
    const [dead] = yield* sql.unsafe<{ readonly process_id: string; readonly from: string; readonly to: string }>(
      `update "${schema}".process_store set reaped_at = now()
        where process_id = (
          select process_id from "${schema}".process_store
          where last_seen_at < now() - case when pid is null then $2::float8 else $1::float8 end * interval '1 second'
            and (reaped_at is null or reaped_at < last_seen_at)
          order by last_seen_at desc limit 1 for update skip locked
        )
        returning process_id,
          (started_at - interval '1 minute')::text as "from",
          -- by its own clock, which may be ahead: until tomorrow, where no other day is written yet
          (last_seen_at + interval '1 day')::text as "to"`,
      [Duration.toSeconds(lostAfter), Duration.toSeconds(unheardLostAfter)]
    )
    if (dead === undefined) return false
    for (const table of ["span_store", "trace_store"]) {
      yield* sql.unsafe(
        // the times leave out the partitions of all days but those in which the process lived
        `update "${schema}".${table} set status = ${statusCodes.lost}
          where process_id = $1 and status = ${statusCodes.in_progress} and started_at >= $2 and started_at <= $3`,
        [dead.process_id, dead.from, dead.to]
      )
    }
    return true
  })
