/**
 * Keeps the library's own statements apart from the application's.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

const liveClock = Clock.make()

/**
 * Runs without a tracer and on the real clock: a tracer that stores its spans here would trace the storing, and servers
 * answer in real time.
 */
export const aside = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  self.pipe(Effect.withTracerEnabled(false), Effect.withClock(liveClock))

/**
 * Runs statements through the client, isolated from the application:
 *
 * - no transaction: the tag of a running transaction is the same for all clients, so a statement would join it, even on
 *   another database, be rolled back with it, and end it with an error;
 * - no name transforms of the host's client;
 * - no tracer and no test clock, see {@link aside}.
 */
export const apart =
  (client: PgClient) => <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, Exclude<R, SqlClient.SqlClient>> =>
    self.pipe(
      Effect.provideService(SqlClient.SqlClient, client.withoutTransforms()),
      Effect.mapInputContext((context: Context.Context<Exclude<R, SqlClient.SqlClient>>) =>
        Context.omit(SqlClient.TransactionConnection)(
          context as Context.Context<Exclude<R, SqlClient.SqlClient> | SqlClient.TransactionConnection>
        ) as Context.Context<Exclude<R, SqlClient.SqlClient>>
      ),
      aside
    )
