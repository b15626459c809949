/**
 * Drops the partitions of days that are no longer wanted.
 *
 * Dropping a partition takes a lock on the whole table: the drop waits for everybody who reads the table, and every
 * write queues up behind the drop. So each drop waits only for a moment, in a transaction of its own, and is retried
 * later. Detaching the partition concurrently first would need no such lock, but is possible neither in a transaction
 * nor behind every pooler, and leaves a half-detached partition when it is cut short.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { exclusively } from "./exclusively.ts"
import { isoDate, type Partition, partitionName, tableNames } from "./partitions.ts"
import { codeOf } from "./sqlErrors.ts"

/** @returns the days of the dropped partitions, the earliest first */
export const dropPartitions = (
  schema: string,
  beforeDay: number
): Effect.Effect<ReadonlyArray<string>, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const old = (yield* existing(schema)).filter(({ day }) => day < beforeDay).sort((one, other) => one.day - other.day)
    yield* Effect.forEach(old, (partition) => drop(schema, partition), { discard: true })
    return Arr.dedupe(old.map(({ day }) => isoDate(day)))
  })

// internal

/** The partitions that the library made. A partition of another name, and extent, is its maker's business. */
const existing = (schema: string): Effect.Effect<ReadonlyArray<Partition>, SqlError, SqlClient.SqlClient> =>
  Effect.map(
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql.unsafe<{ readonly table: string; readonly name: string }>(
        `select parent.relname as "table", child.relname as name from pg_inherits
          join pg_class child on child.oid = inhrelid join pg_class parent on parent.oid = inhparent
          join pg_namespace on pg_namespace.oid = parent.relnamespace
        where nspname = $1 and parent.relname = any(string_to_array($2, ','))`,
        [schema, tableNames.join(",")]
      )),
    Arr.filterMap(({ name, table }) => {
      const [, year, month, date] = /^_(\d{4})(\d\d)(\d\d)$/.exec(name.slice(table.length)) ?? []
      const midnight = Date.parse(`${year}-${month}-${date}`)
      return Number.isNaN(midnight) ? Option.none() : Option.some({ table, day: midnight / 86_400_000 })
    })
  )

const drop = (schema: string, partition: Partition): Effect.Effect<void, SqlError, SqlClient.SqlClient> =>
  exclusively(
    schema,
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql.unsafe(
        `set local lock_timeout = ${longestWaitMillis}; drop table if exists "${schema}".${partitionName(partition)}`
      ))
  ).pipe(
    Effect.retry({ while: (error) => codeOf(error) === lockNotAvailable, schedule: later }),
    Effect.asVoid
  )

/** The longest time that writers wait for a drop. */
const longestWaitMillis = 200

const lockNotAvailable = "55P03"

/** Two minutes for each partition. One that is read for longer is left to the next call. */
const later = Schedule.intersect(Schedule.spaced("1 second"), Schedule.recurs(100))
