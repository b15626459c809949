/**
 * Closes the spans and traces that dead processes left open, so that nothing is shown as running for ever.
 *
 * A process counts as dead when its row has not been touched for a while: a sign of life costs one update per process
 * and interval, and none per span. If the process is alive after all, or a spool delivers its remaining records, its
 * next record of a span replaces the mark, because the mark leaves the revision as it is. These records may be open,
 * too; then the process's row is looked at once more, see `processTable`.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { statusCodes } from "./codes.ts"
import { withReadableTimes } from "./transaction.ts"

/** Five missed signs of life. */
export const lostAfter = Duration.minutes(1)

/**
 * For processes that give no sign of life of their own (`pid` is null): only the times of their records are known, by
 * their own clock, and such a process may be at work on something that takes long.
 */
const unheardLostAfter = Duration.hours(1)

/**
 * Marks open traces and spans of silent processes as lost. One call handles one day, the earliest that is left to look
 * through, for all of the processes at once. The row of each process says in `reaped_at` until when its spans were
 * looked through: an interruption costs only the current step, and a long life never has to fit into the time that a
 * write may take.
 *
 * A day is read as a whole: 0.5 s for 1,000,000 spans, be it for one process or for 100, which took 46 s one by one. An
 * index of open spans would avoid that, but cost each span that is stored before it ends 16 % more time and 20 % more
 * WAL, because no update would stay within its page. If a day is large, a step reads a part of it, and `reaped_blocks`
 * says how far it came.
 *
 * @param blocksAtOnce how many blocks of each table a step reads
 * @returns whether there was anything to look through
 */
export const reap = (
  schema: string,
  blocksAtOnce = defaultBlocksAtOnce
): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  withReadableTimes(Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [step] = yield* sql.unsafe<{
      readonly processes: string | null
      readonly from: string
      readonly to: string
      readonly blocks: string
      readonly isLast: boolean
    }>(
      `with due as (
          select process_id, coalesce(reaped_at, started_at - interval '1 minute') as "from", reaped_blocks as blocks,
            -- by its own clock, which may be ahead: until tomorrow, where no other day is written yet
            last_seen_at + interval '1 day' as "to"
          from "${schema}".process_store
          where last_seen_at < now() - case when pid is null then $2::float8 else $1::float8 end * interval '1 second'
            and (reaped_at is null or reaped_at < last_seen_at + interval '1 day')
          -- what another reaper is at is left to that one
          for update skip locked
        ), partition as (
          -- a day, or of whatever extent somebody made it
          select oid, substring(bounds from 'FROM [(]''([^'']+)''[)]')::timestamptz as "from",
            substring(bounds from 'TO [(]''([^'']+)''[)]')::timestamptz as "to"
          from (
            select oid, pg_get_expr(relpartbound, oid) as bounds from pg_class join pg_inherits on inhrelid = oid
            where inhparent in ('"${schema}".span_store'::regclass, '"${schema}".trace_store'::regclass)
          ) bound
        ), day as (
          -- days without a partition are passed over
          select first."from", coalesce(min(partition."to"), 'infinity') as "to"
          from (select min("from") as "from" from due) first
          left join partition on partition."to" > first."from"
          group by first."from"
        ), part as (
          -- where the one begins that has come least far
          select "from", "to", blocks, blocks + $3 >= coalesce((
            select max(pg_relation_size(oid)) / current_setting('block_size')::int8
            from partition where partition."from" < day."to" and partition."to" > day."from"
          ), 0) as is_last
          from day cross join lateral (select min(blocks) as blocks from due where due."from" < day."to") least
        ), reaped as (
          update "${schema}".process_store process
          set reaped_at = case when is_last then least(due."to", part."to") else due."from" end,
            reaped_blocks = case when is_last then 0 else part.blocks + $3 end
          from due, part
          where process.process_id = due.process_id and due."from" < part."to" and due.blocks = part.blocks
          returning process.process_id, part.*
        )
        select string_agg(process_id::text, ',') as processes, min("from")::text as "from", min("to")::text as "to",
          min(blocks)::text as blocks, bool_and(is_last) as "isLast"
        from reaped`,
      [Duration.toSeconds(lostAfter), Duration.toSeconds(unheardLostAfter), blocksAtOnce]
    )
    if (step === undefined || step.processes === null) return false
    const blocks = Number(step.blocks)
    // A day that is read at once needs no `ctid`: not every server that speaks PostgreSQL's protocol has such blocks.
    const part = (blocks === 0 ? "" : ` and ctid >= '(${blocks},0)'`) +
      (step.isLast ? "" : ` and ctid < '(${blocks + blocksAtOnce},0)'`)
    for (const table of ["span_store", "trace_store"]) {
      yield* sql.unsafe(
        `update "${schema}".${table} set status = ${statusCodes.lost}
          where status = ${statusCodes.in_progress} and process_id = any(string_to_array($1, ',')::uuid[])
            and started_at >= $2 and started_at < $3${part}`,
        [step.processes, step.from, step.to]
      )
    }
    return true
  }))

/** 1 GiB: takes 5 s from a disk of 200 MB/s. */
const defaultBlocksAtOnce = 131_072
