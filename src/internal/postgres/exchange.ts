/**
 * Sends a statement whose messages are written already on a connection of `pg`, and waits for the outcome.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/**
 * Where it is interrupted it asks the server to cancel the statement, and waits for the answer all the same: a connection on
 * which something goes on is nobody else's. One that gets none is closed. Whoever does not want to wait runs it in a fiber
 * of its own, see `bounded`.
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
      // what is on its way to cancel this statement is not to meet the next one
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

  /** Best effort: over another connection, as PostgreSQL has it, when there is one. */
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

/** The part of a connection of `pg` that is needed. */
interface PgConnection {
  readonly query: (query: Exchange) => unknown
  readonly end: () => unknown
  readonly connection: Wire
  /** The server's process for this connection. */
  readonly processID?: number
}

/** A client in native code has no stream, and one that sends statements before others are answered takes none of one's own. */
const takesMessages = (client: unknown): client is PgConnection =>
  Predicate.hasProperty(client, "query") && typeof client.query === "function" &&
  Predicate.hasProperty(client, "connection") && Predicate.hasProperty(client.connection, "stream") &&
  Predicate.hasProperty(client.connection.stream, "write") && !("pipeline" in client && client.pipeline === true)

/** The part of `pg`'s wire connection that is needed. */
interface Wire {
  readonly stream: { readonly write: (messages: Buffer) => unknown }
}

/** A query as `pg` runs it: it is told of each message of the server while it is its turn. */
class Exchange {
  /** Called at the end, since `pg` may put its own here, which stops its timer. The outcome goes to `answer`. */
  callback: () => void = () => {}
  private readonly messages: Buffer
  private readonly answer: Answer

  constructor(messages: Buffer, answer: Answer) {
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
