/**
 * A transaction that ends in a success or an error, whatever becomes of its connection.
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
