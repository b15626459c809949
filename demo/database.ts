/** The demo's PostgreSQL server: the one at `DATABASE_URL`, or an embedded one whose data stays in this folder. */
import { PgClient } from "@effect/sql-pg"
import { Config, ConfigProvider, Data, Effect, Layer, Redacted } from "effect"
import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"

export const dataDirectory = ".effect-observability/postgres"

export class NoDatabase extends Data.TaggedError("NoDatabase")<{ readonly message: string }> {}

/** The demo's service name in its records, unless the environment sets another. */
const named = Layer.unwrapEffect(
  Effect.configProviderWith((environment) =>
    Effect.succeed(Layer.setConfigProvider(ConfigProvider.orElse(
      environment,
      () => ConfigProvider.fromMap(new Map([["OBSERVABILITY_SERVICE_NAME", "rag-demo"]]))
    )))
  )
)

/** `DATABASE_URL` for the layers above. */
export const databaseUrl = EmbeddedPostgres.layerDatabaseUrl({ dataDirectory }).pipe(Layer.provideMerge(named))

/** The client that reads. If it cannot connect, the demo fails, because it would have nothing to show. */
export const client = PgClient.layerConfig({
  url: Config.redacted("DATABASE_URL"),
  connectTimeout: Config.succeed("10 seconds"),
  applicationName: Config.succeed("effect-observability demo")
}).pipe(
  Layer.mapError((error) =>
    error._tag === "SqlError"
      ? new NoDatabase({ message: `PostgreSQL cannot be reached: ${reasonOf(error)}` })
      : error
  )
)

/** Where the database is, in words and as a command to look into it. */
export const describe = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  const [row] = yield* sql<{ readonly version: string }>`select current_setting('server_version') as version`
  const version = `PostgreSQL ${row?.version}`
  const url = Redacted.value(yield* Config.redacted("DATABASE_URL"))
  // The embedded server has no network address, only the folder of its socket.
  const folder = /[?&]host=([^&]+)/.exec(url)?.[1]
  const given = yield* Effect.sync(() => process.env["DATABASE_URL"])
  const isEmbedded = given === undefined || given === ""
  const address = url.replace(/(:\/\/[^:@/]*):[^@/]*@/, "$1@")
  return isEmbedded
    ? {
      isEmbedded,
      where: `${version}, started in ${dataDirectory}`,
      psql: `psql -h ${decodeURIComponent(folder ?? "")} -U postgres`
    }
    : { isEmbedded, where: `${version}, ${address}`, psql: `psql "${address}"` }
})

// internal

const reasonOf = (error: { readonly message: string; readonly cause?: unknown }): string => {
  const cause = error.cause
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause
  return inner instanceof Error ? inner.message : error.message
}
