/**
 * One partition per UTC day and table, created by the writer.
 *
 * There is no default partition: with one, attaching a day blocks writers, and a row that lies in the default makes the
 * creation of its own day fail. A partition is created by `CREATE TABLE (LIKE ...)` and `ATTACH`.
 * `CREATE TABLE ... PARTITION OF` would wait behind every reader of the table and make every insert queue behind
 * itself, 1.5 s when measured.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { exclusively } from "./exclusively.ts"
import { codeOf } from "./sqlErrors.ts"

/** A table and a day, in days since the Unix epoch. */
export interface Partition {
  readonly table: string
  readonly day: number
}

/**
 * The storage options of each table. Rows of the first three are updated: free space on their pages keeps updates out
 * of the indexes.
 */
const tables: ReadonlyMap<string, string> = new Map([
  ["trace_store", " with (fillfactor = 90)"],
  ["span_store", " with (fillfactor = 90)"],
  ["delivery_store", " with (fillfactor = 90)"],
  ["chat_message_store", ""],
  ["document_event_store", ""]
])

export const tableNames: ReadonlyArray<string> = Array.from(tables.keys())

const microsPerDay = 86_400_000_000

export const dayOf = (unixMicros: number): number => Math.floor(unixMicros / microsPerDay)

/** At most a year, which takes minutes to create. */
export const isDaysAhead = (days: number): boolean => Number.isInteger(days) && days >= 0 && days <= 365

/** Every table's partitions for a day and the days that follow. */
export const partitionsFrom = (day: number, daysAhead: number): ReadonlyArray<Partition> =>
  Array.from({ length: daysAhead + 1 }, (_, index) => day + index).flatMap((day) =>
    tableNames.map((table) => ({ table, day }))
  )

export const isoDate = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)

/** For example `span_store_20260131`. */
export const partitionName = ({ day, table }: Partition): string => `${table}_${isoDate(day).replaceAll("-", "")}`

/**
 * The number of partitions that one transaction creates, a few days: its time grows faster than this number, and a year
 * would need too many locks.
 */
export const partitionsPerStep = 20

/**
 * Creates the partitions that do not exist, in steps: partitions that one step has created stay when a later step
 * fails. Several processes may do so at once.
 */
export const createPartitions = (
  schema: string,
  wanted: ReadonlyArray<Partition>
): Effect.Effect<void, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(missing(schema, wanted), (candidates) =>
    Effect.forEach(
      Arr.chunksOf(candidates, partitionsPerStep),
      (step) =>
        // looked up again under the lock: another process may just have created them
        exclusively(
          schema,
          Effect.flatMap(
            missing(schema, step),
            Effect.forEach((partition) => create(schema, partition), { discard: true })
          )
        ),
      { discard: true }
    ))

/** The wanted partitions that do not exist. */
const missing = (
  schema: string,
  wanted: ReadonlyArray<Partition>
): Effect.Effect<ReadonlyArray<Partition>, SqlError, SqlClient.SqlClient> =>
  Effect.map(
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      sql.unsafe<{ readonly name: string }>(
        "select child.relname as name from pg_inherits join pg_class child on child.oid = inhrelid " +
          "join pg_class parent on parent.oid = inhparent join pg_namespace on pg_namespace.oid = parent.relnamespace " +
          "where nspname = $1 and parent.relname = any(string_to_array($2, ','))",
        [schema, tableNames.join(",")]
      )),
    (rows) => {
      const attached = new Set(rows.map(({ name }) => name))
      return wanted.filter((partition) => !attached.has(partitionName(partition)))
    }
  )

const create = (schema: string, partition: Partition): Effect.Effect<void, SqlError, SqlClient.SqlClient> => {
  const parent = `"${schema}".${partition.table}`
  const child = `"${schema}".${partitionName(partition)}`
  const from = `${isoDate(partition.day)} 00:00:00+00`
  const to = `${isoDate(partition.day + 1)} 00:00:00+00`
  return Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe(`
      create table if not exists ${child} (like ${parent} including all)${tables.get(partition.table) ?? ""};
      alter table ${parent} attach partition ${child} for values from ('${from}') to ('${to}')
    `).pipe(
      // a savepoint within the step's transaction, so that a day that cannot be created does not undo the others
      sql.withTransaction,
      Effect.catchIf((error) => alreadyThere.has(codeOf(error) ?? ""), () => Effect.void),
      Effect.asVoid
    ))
}

/**
 * SQLSTATEs for a partition that another process has just created, or for a day that lies in a partition of another
 * extent, which takes the rows, too.
 */
const alreadyThere: ReadonlySet<string> = new Set(["42P07", "42710", "23505", "42809", "42P17"])
