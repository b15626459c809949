/**
 * `COPY ... FROM STDIN` of one buffer, on a connection of `pg`, which has no such thing itself.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"

/**
 * @param messages what follows the statement: CopyData and CopyDone
 * @returns whether the rows are in the table; `false` where the client has no connection of `pg` to copy on
 */
export const copyIn = (text: string, messages: Buffer): Effect.Effect<boolean, SqlError, SqlClient.SqlClient> =>
  Effect.scoped(Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const connection = yield* sql.reserve
    if (!Predicate.hasProperty(connection, "pg") || !isQueryable(connection.pg)) return false
    const { pg } = connection
    // Not to be interrupted: a connection on which a copy is going on is nobody else's. Whoever does not want to wait for
    // it runs it in a fiber of its own, see `bounded`.
    yield* Effect.uninterruptible(Effect.async<void, SqlError>((resume) => {
      pg.query(new CopyIn(text, messages, resume))
    }))
    return true
  }))

// internal

/** The part of `pg`'s client that takes a query of one's own. */
interface Queryable {
  readonly query: (query: CopyIn) => unknown
}

const isQueryable = (client: unknown): client is Queryable =>
  Predicate.hasProperty(client, "query") && typeof client.query === "function"

/** The part of `pg`'s wire connection that a copy needs. */
interface Wire {
  readonly query: (text: string) => void
  readonly stream: { readonly write: (messages: Buffer) => unknown }
}

/** A query as `pg` runs it: it is told of each message of the server while it is its turn. */
class CopyIn {
  /** `pg` puts a callback here where there is none; the outcome comes by `resume`. */
  readonly callback = () => {}
  private readonly text: string
  private readonly messages: Buffer
  private readonly resume: (outcome: Effect.Effect<void, SqlError>) => void

  constructor(text: string, messages: Buffer, resume: (outcome: Effect.Effect<void, SqlError>) => void) {
    this.text = text
    this.messages = messages
    this.resume = resume
  }

  /**
   * The rows follow at once: a server that refuses the statement drops them, as the protocol demands. The server's word
   * that it is ready for them would be heard when this process is done with what it is at, some 3 ms for each batch.
   *
   * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
   */
  submit(wire: Wire): void {
    wire.query(this.text)
    wire.stream.write(this.messages)
  }

  handleCopyInResponse(): void {}

  handleError(cause: unknown): void {
    this.resume(Effect.fail(new SqlError({ cause, message: "Failed to copy rows" })))
  }

  handleCommandComplete(): void {}

  /** Not called after an error. */
  handleReadyForQuery(): void {
    this.resume(Effect.void)
  }
}
