/**
 * Closes what dead processes left open, so that nothing is shown as running for ever.
 *
 * A process is taken for dead when its row has not been touched for a while: the sign of life costs one update per
 * process and interval, none per span. Should it live after all, or a spool deliver what it still had to say, then its
 * next record of a span replaces the mark: the mark leaves the revision as it is.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { statusCodes } from "./codes.ts"

/** Six missed signs of life. */
export const lostAfter = Duration.minutes(1)

/**
 * Marks the open traces and spans of processes that have been silent for `lostAfter` as lost, and says of how many
 * processes. Processes without a sign of life of their own (`pid` is null) are left alone: nobody knows of them.
 */
export const reap = (schema: string): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    // Two reapers may get the same process: what they do is the same.
    const dead = yield* sql.unsafe<{ readonly process_id: string }>(
      `update "${schema}".process_store set reaped_at = now()
        where pid is not null and last_seen_at < now() - $1 * interval '1 second'
          and (reaped_at is null or reaped_at < last_seen_at)
        returning process_id`,
      [Duration.toSeconds(lostAfter)]
    )
    for (const { process_id } of dead) {
      for (const table of ["span_store", "trace_store"]) {
        yield* sql.unsafe(
          // the times leave out the partitions of all days but those in which the process lived
          `update "${schema}".${table} as held set status = ${statusCodes.lost}
            from "${schema}".process_store p
            where p.process_id = $1 and held.process_id = p.process_id and held.status = ${statusCodes.in_progress}
              and held.started_at >= p.started_at - interval '1 minute'
              and held.started_at <= p.last_seen_at + interval '1 minute'`,
          [process_id]
        )
      }
    }
    return dead.length
  })
