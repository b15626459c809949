/**
 * Records of days that have no partition, which this role cannot create.
 */
import { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Observation } from "../../Observation.ts"
import type { Rejection } from "../../Provider.ts"
import { chatMessageTable } from "./chatMessageTable.ts"
import { documentEventTable } from "./documentEventTable.ts"
import { dayOf, isoDate, type Partition } from "./partitions.ts"
import { spanTable } from "./spanTable.ts"
import { startOf } from "./traceStart.ts"
import { traceTable } from "./traceTable.ts"

/** Says which partition is missing, and who can create it. */
export const describeMissing = ({ day, table }: Partition): string =>
  `${table} has no partition for ${isoDate(day)}, and this role cannot create it: the tables' owner can, by ` +
  "PgMigrations.createPartitions for today and the days ahead"

export const missingError = (partition: Partition): SqlError =>
  new SqlError({ cause: new Error(describeMissing(partition)), message: "Partition missing" })

/**
 * Fails while today's partition is missing. Waiting for it is worthwhile: it will be created, and all new records
 * belong in it. Nobody creates the partition of another day for a record that came late, or that has the time of a
 * wrong clock.
 */
export const requireToday = (missing: ReadonlyArray<Partition>): Effect.Effect<void, SqlError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const today = missing.find(({ day }) => day === dayOf(now * 1000))
    return today === undefined ? Effect.void : missingError(today)
  })

/** The refused records of a batch: those that were refused anyway, and those whose partition is missing. */
export const rejectionsOf = (
  batch: ReadonlyArray<Observation>,
  refused: ReadonlyArray<Rejection>,
  missing: ReadonlyArray<Partition>
): ReadonlyArray<Rejection> => {
  if (missing.length === 0) return refused
  const invalid = new Set(refused.map(({ index }) => index))
  const unplaced = batch.flatMap((record, index): ReadonlyArray<Rejection> => {
    if (invalid.has(index)) return []
    const { day, table } = placeOf(record)
    const partition = missing.find((partition) => partition.table === table && partition.day === day)
    return partition === undefined ? [] : [{ index, message: `PostgreSQL: ${describeMissing(partition)}` }]
  })
  return [...refused, ...unplaced]
}

// internal

const placeOf = (record: Observation): Partition => {
  switch (record._tag) {
    case "Trace":
      return { table: traceTable.name, day: dayOf(startOf(record)) }
    case "Span":
      return { table: spanTable.name, day: dayOf(record.startTimeUnixMicros) }
    case "ChatMessage":
      return { table: chatMessageTable.name, day: dayOf(record.timeUnixMicros) }
    case "DocumentEvent":
      return { table: documentEventTable.name, day: dayOf(record.timeUnixMicros) }
  }
}
