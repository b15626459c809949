/**
 * Sends an already encoded statement on a connection of `pg`, and waits for the outcome.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/**
 * When interrupted, it asks the server to cancel the statement, and still waits for the answer: a connection on which a
 * statement runs must not go to anybody else. A connection that gets no answer is closed. A caller that does not want
 * to wait runs this in a fiber of its own, see `bounded`.
 *
 * @param messages the messages of one statement that returns no rows
 * @returns whether the statement was run; `false` if the client has no connection of `pg` on which to send messages
 */
export const exchange = (messages: Buffer): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  Effect.scoped(Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      // not interruptible: the pool would hand the connection to a caller that no longer listens, and never get it back
      const connection = yield* sql.reserve
      if (!Predicate.hasProperty(connection, "pg") || !takesMessages(connection.pg)) return false
      const { pg } = connection
      const answer = yield* Deferred.make<void, SqlError>()
      let isSent = false
      const sent = Effect.suspend(() => {
        isSent = true
        pg.query(new Exchange(messages, answer))
        return Deferred.await(answer)
      })
      yield* Effect.onInterrupt(restore(sent), () => isSent ? giveUp(sql, pg, answer) : Effect.void)
      return true
    })
  ))

// internal

type Answer = Deferred.Deferred<void, SqlError>

const giveUp = (sql: SqlClient.SqlClient, pg: PgConnection, answer: Answer): Effect.Effect<void> =>
  Effect.gen(function*() {
    const cancelling = new Cancelling()
    yield* Effect.forkDaemon(cancelling.run(sql, pg, answer))
    const answered = yield* Effect.exit(Deferred.await(answer)).pipe(
      // a cancel request that is on its way must not hit the next statement
      Effect.zipRight(Effect.suspend(() => cancelling.isSent ? Deferred.await(cancelling.done) : Effect.void)),
      Effect.interruptible,
      Effect.timeoutOption("5 seconds")
    )
    if (Option.isSome(answered)) return
    pg.end()
    yield* Effect.exit(Deferred.await(answer))
  })

class Cancelling {
  isSent = false
  readonly done = Deferred.unsafeMake<void>(FiberId.none)

  /** Best effort: over another connection, as PostgreSQL requires, once the pool has one. */
  run(sql: SqlClient.SqlClient, { processID }: PgConnection, answer: Answer): Effect.Effect<void> {
    const send = Effect.flatMap(sql.reserve, (other) =>
      Effect.flatMap(Deferred.isDone(answer), (isAnswered) => {
        if (isAnswered) return Effect.void
        this.isSent = true
        return other.executeUnprepared("select pg_cancel_backend($1)", [processID ?? null], undefined)
      }))
    return Effect.scoped(send).pipe(
      Effect.ignore,
      Effect.ensuring(Deferred.succeed(this.done, undefined)),
      Effect.uninterruptible
    )
  }
}

/** The part of a `pg` connection that is used here. */
interface PgConnection {
  readonly query: (query: Exchange) => unknown
  readonly end: () => unknown
  readonly connection: Wire
  /** The id of the server's process for this connection. */
  readonly processID?: number
}

/**
 * A native client has no stream. A pipelining client, which sends statements before others are answered, accepts no
 * custom query objects.
 */
const takesMessages = (client: unknown): client is PgConnection =>
  Predicate.hasProperty(client, "query") && typeof client.query === "function" &&
  Predicate.hasProperty(client, "connection") && Predicate.hasProperty(client.connection, "stream") &&
  Predicate.hasProperty(client.connection.stream, "write") && !("pipeline" in client && client.pipeline === true)

/** The part of `pg`'s wire connection that is used here. */
interface Wire {
  readonly stream: { readonly write: (messages: Buffer) => unknown }
}

/** A query object as `pg` runs it: `pg` calls it for each message of the server while it is the active query. */
class Exchange {
  /** Called at the end: `pg` may put its own callback here, which stops its timer. The outcome goes to `answer`. */
  callback: () => void = () => {}
  private readonly messages: Buffer
  private readonly answer: Answer

  constructor(messages: Buffer, answer: Answer) {
    this.messages = messages
    this.answer = answer
  }

  /**
   * Sends all messages at once, including the rows of a copy: a server that refuses the statement drops them, as the
   * protocol demands. Waiting until the server says that it is ready for them would cost some 3 ms for each batch,
   * because this process would hear it only after its current work.
   *
   * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
   */
  submit(wire: Wire): void {
    wire.stream.write(this.messages)
  }

  handleCopyInResponse(): void {}

  handleError(cause: unknown): void {
    this.callback()
    Deferred.unsafeDone(this.answer, Effect.fail(new SqlError({ cause, message: "Failed to execute statement" })))
  }

  handleCommandComplete(): void {}

  /** Not called after an error. */
  handleReadyForQuery(): void {
    this.callback()
    Deferred.unsafeDone(this.answer, Effect.void)
  }
}
