/**
 * Writes rows of one table.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import { Buffers } from "../buffers.ts"
import { inTimeSlices } from "../timeSlices.ts"
import { encode } from "./binaryArrays.ts"
import { copyText, encodeRows } from "./copyRows.ts"
import { exchange } from "./exchange.ts"
import type { PartitionKeeper } from "./partitionKeeper.ts"
import { dayOf, type Partition, partitionName } from "./partitions.ts"
import { isMissingPartition, isUnsupported } from "./sqlErrors.ts"
import type { Table } from "./table.ts"
import { upsertText } from "./upsert.ts"

export interface TableWriter<Row> {
  /**
   * @param isFirstAttempt whether none of the rows can be there from an earlier attempt; default `false`
   * @returns the missing partitions that cannot be created: rows of these days were not written, all others were
   */
  (
    rows: ReadonlyArray<Row>,
    isFirstAttempt?: boolean
  ): Effect.Effect<ReadonlyArray<Partition>, SqlError, SqlClient.SqlClient>
}

/**
 * Rows of which nothing was sent before are written by `COPY`, which takes PostgreSQL two thirds of the time. It is
 * atomic: if it fails, for whatever reason, its rows are written like all others, by the statement that also takes
 * repeated rows.
 */
export const make = <Row>(schema: string, table: Table<Row>, partitions: PartitionKeeper): TableWriter<Row> => {
  const upsert = upsertText(schema, table)
  const copy = copyText(schema, table)
  let canCopy = table.isFirst !== undefined
  const buffers = new Buffers()

  const partitionOf = (row: Row): Partition => ({ table: table.name, day: dayOf(table.partitionTime!(row)) })

  const insert = (rows: ReadonlyArray<Row>) =>
    buffers.use(rows.length * 512, (out) =>
      Effect.gen(function*() {
        const { arrays, messages } = yield* inTimeSlices(() => encode(table, upsert, rows, out))
        if (yield* exchange(messages)) return
        const sql = yield* SqlClient.SqlClient
        yield* sql.unsafe(upsert, arrays())
      }))

  /** Inserts day by day, because PostgreSQL does not say which day has no partition. */
  const insertByDay = (rows: ReadonlyArray<Row>) =>
    Effect.map(
      Effect.forEach(Object.values(Arr.groupBy(rows, (row) => partitionName(partitionOf(row)))), (day) =>
        Effect.zipRight(partitions.ensureFor(table, day), insert(day)).pipe(
          Effect.as([]),
          Effect.catchIf(isMissingPartition, () =>
            Effect.succeed([partitionOf(day[0])]))
        )),
      Arr.flatten
    )

  const upsertRows = (rows: ReadonlyArray<Row>): Written =>
    rows.length === 0 ? Effect.succeed([]) : insert(rows).pipe(
      Effect.as([]),
      Effect.catchIf(isMissingPartition, () =>
        // somebody dropped the partition in the meantime, or this role could not create it
        Effect.zipRight(partitions.forget, insertByDay(rows)))
    )

  const writeRows = (rows: ReadonlyArray<Row>, isFirstAttempt: boolean): Written =>
    Effect.gen(function*() {
      if (!isFirstAttempt || !canCopy) return yield* upsertRows(rows)
      const [others, first] = Arr.partition(rows, table.isFirst!)
      // for a few rows the second round trip costs more than it saves
      if (first.length < fewRows || !(yield* copyRows(first))) return yield* upsertRows(rows)
      return yield* upsertRows(others)
    })

  const copyRows = (rows: ReadonlyArray<Row>) =>
    buffers.use(
      rows.length * 512,
      (out) => Effect.flatMap(inTimeSlices(() => encodeRows(table, copy, rows, out)), exchange)
    ).pipe(
      Effect.tapBoth({
        onFailure: (error) => Effect.sync(() => canCopy = !isUnsupported(error)),
        onSuccess: (copied) => Effect.sync(() => canCopy = copied)
      }),
      Effect.orElseSucceed(() => false)
    )

  return (rows, isFirstAttempt = false) =>
    rows.length === 0
      ? Effect.succeed([])
      : Effect.zipRight(partitions.ensureFor(table, rows), writeRows(rows, isFirstAttempt))
}

type Written = ReturnType<TableWriter<never>>

const fewRows = 20
