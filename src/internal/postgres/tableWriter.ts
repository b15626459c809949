/**
 * Writes rows of one table by one statement.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { inTimeSlices } from "../timeSlices.ts"
import { encode } from "./binaryArrays.ts"
import { ByteWriter } from "./byteWriter.ts"
import type { PartitionKeeper } from "./partitionKeeper.ts"
import { isMissingPartition } from "./sqlErrors.ts"
import type { Table } from "./table.ts"
import { upsertText } from "./upsert.ts"

/** The largest buffer that is kept from one batch to the next: room for two thousand rows of a kilobyte. */
const keptBytes = 2_097_152

export interface TableWriter<Row> {
  (rows: ReadonlyArray<Row>): Effect.Effect<void, SqlError, SqlClient.SqlClient>
}

export const make = <Row>(schema: string, table: Table<Row>, partitions: PartitionKeeper): TableWriter<Row> => {
  const text = upsertText(schema, table)
  /**
   * As many as there ever were batches in flight. Allocating anew for each batch costs half as much again, 19 µs of CPU
   * time per row instead of 12: so much memory outside of its heap makes V8 collect garbage.
   */
  const spares: Array<ByteWriter> = []
  return (rows) => {
    if (rows.length === 0) return Effect.void
    return Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* partitions.ensureFor(table, rows)
      const out = spares.pop() ?? new ByteWriter(rows.length * 512)
      out.length = 0
      const arrays = yield* inTimeSlices(() => encode(table, rows, out))
      const insert = Effect.asVoid(sql.unsafe(text, arrays))
      yield* Effect.catchIf(insert, isMissingPartition, () =>
        // somebody dropped the day in the meantime
        partitions.forget.pipe(Effect.zipRight(partitions.ensureFor(table, rows)), Effect.zipRight(insert)))
      // not after a failure: then the driver may still be about to send it
      if (out.capacity <= keptBytes) spares.push(out)
    })
  }
}
