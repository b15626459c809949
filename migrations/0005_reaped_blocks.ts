/**
 * How far into a day the spans of a dead process were looked through, if that day is too large to be read at once: in
 * blocks of each of its partitions, from the first one on.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { MigrationSchema } from "../src/internal/postgres/schemaName.ts"

export default Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const schema = `"${yield* MigrationSchema}"`
  yield* sql.unsafe(`alter table ${schema}.process_store add column reaped_blocks int8 not null default 0`)
})
