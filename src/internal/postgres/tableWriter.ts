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
import { isMissingPartition, isUnsupported } from "./sqlErrors.ts"
import type { Table } from "./table.ts"
import { upsertText } from "./upsert.ts"

export interface TableWriter<Row> {
  /** @param isFirstAttempt whether none of the rows can be there from an earlier attempt; default `false` */
  (rows: ReadonlyArray<Row>, isFirstAttempt?: boolean): Effect.Effect<void, SqlError, SqlClient.SqlClient>
}

/**
 * Rows of which nothing was sent before go by `COPY`: PostgreSQL spends two thirds of the time on them. It is atomic, so
 * when it fails, for whatever reason, they go by the statement that also takes repeated ones, as all others do.
 */
export const make = <Row>(schema: string, table: Table<Row>, partitions: PartitionKeeper): TableWriter<Row> => {
  const upsert = upsertText(schema, table)
  const copy = copyText(schema, table)
  let canCopy = table.isFirst !== undefined
  const buffers = new Buffers()

  const upsertRows = (rows: ReadonlyArray<Row>) => {
    if (rows.length === 0) return Effect.void
    const insert = buffers.use(rows.length * 512, (out) =>
      Effect.gen(function*() {
        const { arrays, messages } = yield* inTimeSlices(() => encode(table, upsert, rows, out))
        if (yield* exchange(messages)) return
        const sql = yield* SqlClient.SqlClient
        yield* sql.unsafe(upsert, arrays())
      }))
    return Effect.catchIf(insert, isMissingPartition, () =>
      // somebody dropped the day in the meantime
      partitions.forget.pipe(Effect.zipRight(partitions.ensureFor(table, rows)), Effect.zipRight(insert)))
  }

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

  return (rows, isFirstAttempt = false) => {
    if (rows.length === 0) return Effect.void
    return Effect.gen(function*() {
      yield* partitions.ensureFor(table, rows)
      if (!isFirstAttempt || !canCopy) return yield* upsertRows(rows)
      const [others, first] = Arr.partition(rows, table.isFirst!)
      // for a few rows the second round trip costs more than it saves
      if (first.length < fewRows || !(yield* copyRows(first))) return yield* upsertRows(rows)
      yield* upsertRows(others)
    })
  }
}

const fewRows = 20
