/**
 * Transactions that end in a success or an error, never in a defect, whatever happens to their connection.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

export const inTransaction = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R | SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(self).pipe(
      // a connection that breaks turns the rollback into a defect
      Effect.catchAllDefect((cause) => Effect.fail(new SqlError({ cause, message: "The transaction broke" })))
    ))

/**
 * Runs a transaction in which printed times, such as the bounds of partitions, are read back as the same times. A
 * session's `DateStyle` may print the abbreviation of a time zone, which servers before version 18 take for that of
 * another one: China's CST for America's, 14 hours away.
 */
export const withReadableTimes = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R | SqlClient.SqlClient> =>
  inTransaction(Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.zipRight(sql`set local datestyle = 'ISO'`, self)))
