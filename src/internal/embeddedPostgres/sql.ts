import * as Reactivity from "@effect/experimental/Reactivity"
import * as PgClient from "@effect/sql-pg/PgClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Home } from "./home.ts"
import { onLiveClock } from "./liveClock.ts"

/**
 * The address of a database of the server in this home. Clients use the socket's folder in the query, and not the host
 * in its usual place; but without a host, neither `URL` nor other drivers would take the address. The rest is explicit
 * because clients would otherwise take it from the host's `PG...` variables.
 *
 * `pg` decodes the name by `decodeURI`, which does not decode what `encodeURIComponent` makes of `;` or `/`.
 */
export const address = (home: Home, database: string): Redacted.Redacted =>
  Redacted.make(
    `postgres://postgres@localhost:5432/${encodeURI(database)}` +
      `?host=${encodeURIComponent(socketDirectory(home))}&sslmode=disable`
  )

/** The folder of the server's unix socket: the data directory, which is closed to all other users. */
export const socketDirectory = (home: Home): string => `${home.shortPath}/data`

/** Runs statements over a connection of their own, which is kept out of the application's traces. */
export const withClient = <A>(
  url: Redacted.Redacted,
  use: (sql: PgClient.PgClient) => Effect.Effect<A, SqlError>
): Effect.Effect<A, SqlError> =>
  PgClient.make({ url, maxConnections: 1, connectTimeout: "2 seconds" }).pipe(
    Effect.flatMap(use),
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.withTracerEnabled(false),
    onLiveClock
  )

/** What the server or the connection said, without the layers around it. */
export const describe = (error: SqlError): string =>
  error.cause instanceof Error ? error.cause.message : error.message ?? String(error.cause)
