/**
 * Creates and upgrades the library's own schema in PostgreSQL.
 *
 * `PgProvider` does this by itself when it connects. Run it by hand, with a role that may create schemas, if the
 * application's own role may not; `docs/schema.md` says which rights are needed for what.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import stores from "../migrations/0001_stores.ts"
import views from "../migrations/0002_views.ts"
import prices from "../migrations/0003_prices.ts"
import ledger from "../migrations/0004_ledger.ts"
import reapedBlocks from "../migrations/0005_reaped_blocks.ts"
import { describeDate } from "./internal/postgres/describeDate.ts"
import { dropPartitions as dropPartitionsBefore } from "./internal/postgres/dropPartitions.ts"
import { exclusively } from "./internal/postgres/exclusively.ts"
import { apart } from "./internal/postgres/isolation.ts"
import * as Partitions from "./internal/postgres/partitions.ts"
import { defaultSchema, isSchemaName, MigrationSchema } from "./internal/postgres/schemaName.ts"
import { describe } from "./internal/postgres/sqlErrors.ts"

/**
 * Why the schema cannot be used:
 *
 * - `invalid-schema-name`: the name is not a plain lower-case identifier.
 * - `old-server`: the server is older than PostgreSQL 14.
 * - `unfit-encoding`: the database cannot hold every character; its encoding must be UTF8, or SQL_ASCII.
 * - `newer-schema`: a later version of this library has changed the schema so that this version can no longer write to
 *   it, and must be upgraded, too.
 * - `invalid-option`: an option is invalid.
 * - `failed`: a statement failed; `cause` is the error.
 *
 * @since 0.1.0
 * @category errors
 */
export class MigrationsError extends Schema.TaggedError<MigrationsError>(
  "effect-observability/PgMigrations/MigrationsError"
)("MigrationsError", {
  reason: Schema.Literal(
    "invalid-schema-name",
    "old-server",
    "unfit-encoding",
    "newer-schema",
    "invalid-option",
    "failed"
  ),
  message: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {}

/**
 * A migration that was applied: its number and its name.
 *
 * @since 0.1.0
 * @category models
 */
export type Applied = readonly [id: number, name: string]

/**
 * Brings the schema up to date and returns the migrations that were applied: none if it was up to date. All of them run
 * in one transaction, and any number of processes may call this at once.
 *
 * A schema that is up to date is left alone: then no right to change anything is needed. So is a schema that a later
 * version has upgraded, unless this version can no longer write to it: while a new version is rolled out, or rolled
 * back, both versions write.
 *
 * @since 0.1.0
 * @category migrations
 */
export const run = (options?: {
  /** The schema's name, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
}): Effect.Effect<ReadonlyArray<Applied>, MigrationsError, PgClient.PgClient> =>
  inSchema(options?.schema, (schema) =>
    Effect.gen(function*() {
      yield* requireServer
      if ((yield* newestApplied(schema)) >= newestKnown) return []
      return yield* exclusively(schema, migrate(schema))
    }))

/**
 * Creates the partitions of today (UTC) and of the days that follow, which the provider otherwise does by itself. For
 * applications whose role does not own the tables: run it daily with the role that does.
 *
 * @since 0.1.0
 * @category migrations
 */
export const createPartitions = (options?: {
  /** The schema's name, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
  /** How many days ahead, a whole number from 0 to 365. Default: 7. */
  readonly daysAhead?: number | undefined
}): Effect.Effect<void, MigrationsError, PgClient.PgClient> =>
  inSchema(options?.schema, (schema) => {
    const daysAhead = options?.daysAhead ?? 7
    return Partitions.isDaysAhead(daysAhead)
      ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Partitions.createPartitions(schema, Partitions.partitionsFrom(Partitions.dayOf(now * 1000), daysAhead)))
      : invalidOption(`daysAhead: expected a whole number from 0 to 365, got ${daysAhead}`)
  })

/**
 * Drops all records of the days (UTC) that had ended by a given time, from all tables, and returns these days, such as
 * `2026-03-01`, the earliest first. Nothing is dropped automatically: run it daily, with the role that owns the tables.
 *
 * No drop waits for more than a moment, so that writers are not held up. If a day is being read, its drop is retried
 * for two minutes, then the call fails as `failed`. Days that were dropped by then stay dropped, and the next call
 * continues. A record that arrives later brings its day back.
 *
 * @example
 * ```ts check
 * import { PgClient } from "@effect/sql-pg"
 * import * as PgMigrations from "effect-observability/PgMigrations"
 * import { Clock, Effect, Redacted } from "effect"
 *
 * const keptMillis = 90 * 86_400_000
 *
 * const retention = Effect.flatMap(Clock.currentTimeMillis, (now) =>
 *   PgMigrations.dropPartitions({ before: new Date(now - keptMillis) }))
 *
 * await retention.pipe(
 *   Effect.provide(PgClient.layer({ url: Redacted.make("postgres://owner:secret@localhost:5432/app") })),
 *   Effect.runPromise
 * )
 * ```
 *
 * @since 0.1.0
 * @category migrations
 */
export const dropPartitions = (options: {
  /** The schema's name, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
  /** A time in the past. The day that contains it is kept, as are all later days. */
  readonly before: Date
}): Effect.Effect<ReadonlyArray<string>, MigrationsError, PgClient.PgClient> =>
  inSchema(options.schema, (schema) =>
    Effect.gen(function*() {
      const before = options.before.getTime()
      if (!(before <= (yield* Clock.currentTimeMillis))) {
        return yield* invalidOption(`before: expected a moment that has passed, got ${describeDate(options.before)}`)
      }
      return yield* dropPartitionsBefore(schema, Partitions.dayOf(before * 1000))
    }))

// internal

const migrations = {
  "0001_stores": stores,
  "0002_views": views,
  "0003_prices": prices,
  "0004_ledger": ledger,
  "0005_reaped_blocks": reapedBlocks
}

const invalidOption = (message: string): Effect.Effect<never, MigrationsError> =>
  new MigrationsError({ reason: "invalid-option", message })

const newestKnown = Math.max(...Object.keys(migrations).map((name) => Number.parseInt(name)))

const oldestServer = 14

/** `SQL_ASCII` takes any bytes as they come. */
const fitEncodings: ReadonlySet<string> = new Set(["UTF8", "SQL_ASCII"])

const inSchema = <A>(
  schema = defaultSchema,
  use: (
    schema: string
  ) => Effect.Effect<A, SqlError | Migrator.MigrationError | MigrationsError, SqlClient.SqlClient>
): Effect.Effect<A, MigrationsError, PgClient.PgClient> =>
  isSchemaName(schema)
    ? Effect.flatMap(PgClient.PgClient, (client) =>
      use(schema).pipe(
        Effect.mapError((error) =>
          error._tag === "MigrationsError"
            ? error
            : new MigrationsError({ reason: "failed", message: describe(error), cause: error })
        ),
        Effect.provideService(MigrationSchema, schema),
        apart(client)
      ))
    : Effect.fail(
      new MigrationsError({
        reason: "invalid-schema-name",
        message: `the schema name ${JSON.stringify(schema)} is no plain lower-case identifier`
      })
    )

const requireServer = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const [server] = yield* sql.unsafe<{ readonly version: string; readonly encoding: string }>(
    "select current_setting('server_version') as version, current_setting('server_encoding') as encoding"
  )
  if (!(Number.parseInt(server?.version ?? "") >= oldestServer)) {
    return yield* new MigrationsError({
      reason: "old-server",
      message: `the server is PostgreSQL ${server?.version}; ${oldestServer} or later is needed`
    })
  }
  // the database would refuse ordinary text, record by record
  if (!fitEncodings.has(server?.encoding ?? "")) {
    return yield* new MigrationsError({
      reason: "unfit-encoding",
      message: `the database has the encoding ${server?.encoding}; UTF8 is needed`
    })
  }
})

/**
 * The prefix of the name of a migration after which earlier versions can no longer write. All other migrations only add
 * what earlier versions can leave alone: an application that is rolled back to its last release continues to record.
 */
const breaking = "breaking_"

/**
 * The newest migration in the database, 0 for none. Fails if the database has a breaking migration that this version
 * does not know.
 */
const newestApplied = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [table] = yield* sql.unsafe<{ readonly exists: boolean }>(
      "select to_regclass($1) is not null as exists",
      [`${schema}.migrations`]
    )
    if (table?.exists !== true) return 0
    const [row] = yield* sql.unsafe<{ readonly newest: number; readonly broke: number | null }>(
      `select coalesce(max(migration_id), 0) as newest,
        max(migration_id) filter (where migration_id > $1 and starts_with(name, $2)) as broke
        from "${schema}".migrations`,
      [newestKnown, breaking]
    )
    if (row?.broke != null) {
      return yield* new MigrationsError({
        reason: "newer-schema",
        message:
          `the schema ${schema} has migration ${row.broke}, and this version of effect-observability, made for ` +
          `${newestKnown}, cannot write to it any more: upgrade the library`
      })
    }
    return Number(row?.newest)
  })

/** Must run under the schema's lock; another process may have migrated before. */
const migrate = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [namespace] = yield* sql.unsafe<{ readonly exists: boolean }>(
      "select to_regnamespace($1) is not null as exists",
      [schema]
    )
    // not `if not exists`, which needs the right to create schemas even if there is nothing to create
    if (namespace?.exists !== true) yield* sql.unsafe(`create schema "${schema}"`)
    if ((yield* newestApplied(schema)) === 0) {
      // the Migrator's own attempt to create its table would end our transaction
      yield* sql.unsafe(
        `create table if not exists "${schema}".migrations (
          migration_id integer primary key,
          created_at timestamptz not null default now(),
          name text not null
        )`
      )
    }
    return yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: `${schema}.migrations` })
  })
