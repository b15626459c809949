/**
 * Lets one process at a time change the schema.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { inTransaction } from "./transaction.ts"

/**
 * Runs in a transaction that holds the schema's lock. The lock ends with the transaction, so it also works behind a
 * pooler, and a process that dies leaves none behind.
 */
export const exclusively = <A, E, R>(
  schema: string,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R | SqlClient.SqlClient> =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`select pg_advisory_xact_lock(hashtextextended(${`effect-observability/${schema}`}, 0))`.pipe(
        Effect.zipRight(self),
        inTransaction
      )
  )
