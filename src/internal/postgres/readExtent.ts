/** Reads from when on the store may hold records: the beginning of its oldest partition. */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { readings } from "./readTables.ts"
import { withReadableTimes } from "./transaction.ts"

/**
 * Microseconds since the Unix epoch; 0 if the partitions do not tell, because somebody made one without a beginning, or
 * the engine stores rows in another way.
 */
export const readBeginning = (schema: string): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  withReadableTimes(Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql.unsafe<{ readonly beginning: string | null }>(
        `select (extract(epoch from case when bool_and(bound is not null) then min(bound) end) * 1000000)::int8::text
            as beginning
          from (
            select substring(pg_get_expr(child.relpartbound, child.oid) from 'FROM [(]''([^'']+)''[)]')::timestamptz as bound
            from pg_inherits join pg_class child on child.oid = inhrelid
            where inhparent = any($1::regclass[])
          ) bounds`,
        [`{${readings.map(({ table }) => `"\\"${schema}\\".${table}"`).join(",")}}`]
      ),
      ([row]) => Number(row?.beginning ?? 0)
    )))
