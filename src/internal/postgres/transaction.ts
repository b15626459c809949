/**
 * Transactions that end in a success or an error, whatever becomes of their connection.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"

export const inTransaction = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R | SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.withTransaction(self).pipe(
      // a connection that breaks makes the rollback a defect
      Effect.catchAllDefect((cause) => Effect.fail(new SqlError({ cause, message: "The transaction broke" })))
    ))

/**
 * One in which moments that are printed are read again as what they are, such as the bounds of partitions. A session's
 * `DateStyle` may print the abbreviation of a zone, which servers before version 18 take for that of another one: China's
 * CST for America's, 14 hours away.
 */
export const withReadableTimes = <A, E, R>(
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError, R | SqlClient.SqlClient> =>
  inTransaction(Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.zipRight(sql`set local datestyle = 'ISO'`, self)))
