/**
 * Sends a statement whose messages are written already on a connection of `pg`, and waits for the outcome.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

/**
 * Where it is interrupted it asks the server to cancel the statement, and waits for the answer all the same: a connection on
 * which something goes on is nobody else's. Whoever does not want to wait runs it in a fiber of its own, see `bounded`.
 *
 * @param messages of one statement that returns no rows
 * @returns whether it was run; `false` where the client has no connection of `pg` to send anything on
 */
export const exchange = (messages: Buffer): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  Effect.scoped(Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      // Not to be interrupted: the pool would hand the connection to one who does not listen any more, and never have it back.
      const connection = yield* sql.reserve
      if (!Predicate.hasProperty(connection, "pg") || !isQueryable(connection.pg)) return false
      const { pg } = connection
      const answer = yield* Deferred.make<void, SqlError>()
      let isSent = false
      const sent = Effect.suspend(() => {
        isSent = true
        pg.query(new Exchange(messages, answer))
        return Deferred.await(answer)
      })
      yield* Effect.onInterrupt(restore(sent), () =>
        isSent
          ? Effect.zipRight(Effect.forkDaemon(cancel(sql, pg.processID)), Effect.exit(Deferred.await(answer)))
          : Effect.void)
      return true
    })
  ))

// internal

/** The part of `pg`'s client that takes a query of one's own. */
interface Queryable {
  readonly query: (query: Exchange) => unknown
  /** The server's process for this connection. */
  readonly processID?: number
}

const isQueryable = (client: unknown): client is Queryable =>
  Predicate.hasProperty(client, "query") && typeof client.query === "function"

/** Best effort, as @effect/sql-pg does it: who asked for it is not waiting. */
const cancel = (sql: SqlClient.SqlClient, processId: number | undefined): Effect.Effect<void> =>
  sql.unsafe("select pg_cancel_backend($1)", [processId ?? null]).pipe(
    Effect.interruptible,
    Effect.timeoutOption("5 seconds"),
    Effect.ignore
  )

/** The part of `pg`'s wire connection that is needed. */
interface Wire {
  readonly stream: { readonly write: (messages: Buffer) => unknown }
}

/** A query as `pg` runs it: it is told of each message of the server while it is its turn. */
class Exchange {
  /** `pg` puts a callback here where there is none; the outcome goes to `answer`. */
  readonly callback = () => {}
  private readonly messages: Buffer
  private readonly answer: Deferred.Deferred<void, SqlError>

  constructor(messages: Buffer, answer: Deferred.Deferred<void, SqlError>) {
    this.messages = messages
    this.answer = answer
  }

  /**
   * All at once, also the rows of a copy: a server that refuses the statement drops them, as the protocol demands. The
   * server's word that it is ready for them would be heard when this process is done with what it is at, some 3 ms for
   * each batch.
   *
   * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
   */
  submit(wire: Wire): void {
    wire.stream.write(this.messages)
  }

  handleCopyInResponse(): void {}

  handleError(cause: unknown): void {
    Deferred.unsafeDone(this.answer, Effect.fail(new SqlError({ cause, message: "Failed to execute statement" })))
  }

  handleCommandComplete(): void {}

  /** Not called after an error. */
  handleReadyForQuery(): void {
    Deferred.unsafeDone(this.answer, Effect.void)
  }
}
