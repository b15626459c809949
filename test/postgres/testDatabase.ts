/** A database of its own for each test file, on the server of this run (test/globalSetup.ts). */
import { Reactivity } from "@effect/experimental"
import type { SqlClient } from "@effect/sql"
import { PgClient } from "@effect/sql-pg"
import { Clock, Effect, Layer, Redacted } from "effect"
import type { Scope } from "effect"
import { randomUUID } from "node:crypto"
import { inject } from "vitest"

/** Creates an empty database and returns its address; the scope drops it, whoever is still connected. */
export const testDatabase: Effect.Effect<Redacted.Redacted, never, Scope.Scope> = Effect.suspend(() => {
  const server = new URL(inject("databaseUrl"))
  const name = `test_${randomUUID().replaceAll("-", "")}`
  const database = new URL(server)
  database.pathname = `/${name}`
  return Effect.acquireRelease(
    Effect.as(administer(server, (sql) => sql`create database ${sql(name)}`), Redacted.make(database.toString())),
    () => administer(server, (sql) => sql`drop database if exists ${sql(name)} with (force)`)
  )
})

/** The same with a client for it. Provide it once per file, for instance with `layer` of `@effect/vitest`. */
export const layerTestDatabase: Layer.Layer<PgClient.PgClient | SqlClient.SqlClient> = Layer.unwrapScoped(
  Effect.map(testDatabase, (url) => Layer.orDie(PgClient.layer({ url })))
)

/** On the live clock: under a `TestClock` the limits of the connection would never pass. */
const administer = (url: URL, use: (sql: PgClient.PgClient) => Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
  PgClient.make({ url: Redacted.make(url.toString()), maxConnections: 1 }).pipe(
    Effect.flatMap(use),
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.withClock(Clock.make()),
    Effect.orDie,
    Effect.asVoid
  )
