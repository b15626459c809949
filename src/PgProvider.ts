/**
 * Stores observations in PostgreSQL, 14 or later, encoding UTF8: in the library's own tables, in a schema of its own.
 * They are read through the views that `docs/schema.md` describes.
 *
 * **Loss policy.** Building the provider neither fails nor waits when PostgreSQL is down: it connects, migrates and
 * creates partitions in the background, and retries with each batch until that succeeds. Meanwhile batches fail as
 * `transient`, for the delivery to keep and to retry. A connection that breaks is replaced. Characters that PostgreSQL
 * refuses (NUL, lone surrogates) become U+FFFD, numbers that a column cannot hold are named under
 * `observability.problems` in the record's metadata or attributes, and identifiers of more than 800 characters are cut,
 * with a mark. No record is refused for any of these.
 *
 * The provider writes in fibers of its own, and on connections of its own unless it is given the application's client
 * or pool: no write joins or slows a transaction of the application, or is rolled back with it.
 *
 * @example
 * ```ts
 * import { ObservabilityService, withTrace } from "effect-observability"
 * import * as PgProvider from "effect-observability/PgProvider"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * // one's own composition, where `ObservabilityLive` is not what is wanted
 * const Observability = Layer.unwrapScoped(
 *   Effect.map(
 *     PgProvider.make({ url: Redacted.make("postgres://app:secret@localhost:5432/app"), schema: "traces" }),
 *     (postgres) => ObservabilityService.layer({ providers: [postgres], closeDeadline: "1 second" })
 *   )
 * )
 *
 * const program = Effect.log("answered").pipe(withTrace("answer"))
 *
 * // there need not be a server: the program runs all the same
 * await Effect.runPromise(Effect.provide(program, Observability))
 * ```
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { finiteOneOrMore, positiveDuration, problemIn } from "./internal/optionRules.ts"
import * as Connection from "./internal/postgres/connection.ts"
import { isDaysAhead } from "./internal/postgres/partitions.ts"
import { defaultSchema, isSchemaName } from "./internal/postgres/schemaName.ts"
import * as Store from "./internal/postgres/store.ts"
import { expectedUrl, isPostgresUrl } from "./internal/postgres/url.ts"
import * as Pricing from "./Pricing.ts"
import type { Provider } from "./Provider.ts"

/**
 * The provider, as a service of its own.
 *
 * @since 0.1.0
 * @category tags
 */
export class PgProvider extends Context.Tag("effect-observability/PgProvider")<PgProvider, Provider>() {}

/**
 * An option is invalid: no server could make it work.
 *
 * @since 0.1.0
 * @category errors
 */
export class PgOptionsError extends Schema.TaggedError<PgOptionsError>(
  "effect-observability/PgProvider/PgOptionsError"
)("PgOptionsError", {
  /** The option's name. */
  option: Schema.String,
  /** What is expected of the option. */
  message: Schema.String
}) {}

/**
 * How records are stored, whatever the connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoreOptions {
  /** The schema for the tables and views, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
  /**
   * The longest time that PostgreSQL may take over one batch. After that, the batch fails as `transient`, and
   * connections that do not answer are given up. Default: 30 seconds.
   */
  readonly writeTimeout?: Duration.DurationInput | undefined
  /**
   * For how many days ahead partitions are created, a whole number from 0 to 365. The partitions of the first week
   * exist before the first write, the others are created in the background. Default: 7.
   */
  readonly partitionsAhead?: number | undefined
  /**
   * `Resource.processId` of the records that this process makes. With it, the process's row says where the process
   * runs, and every 12 seconds that it is alive. Default: none; then processes are known by their records alone, and
   * open spans and traces are shown as `lost` when the last of the records is an hour old, until they end.
   */
  readonly processId?: string | undefined
  /** The prices that the table `prices` holds beside those that others add to it. Default: `Pricing.shipped`. */
  readonly pricing?: Pricing.Table | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends StoreOptions {
  /** For example `postgres://user:password@host:5432/database`. */
  readonly url: Redacted.Redacted
  /** The largest number of connections. Two write 1.7 times as much as one. Default: 2. */
  readonly maxConnections?: number | undefined
  /** How long connecting may take. Default: 5 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** The name that PostgreSQL's administrator sees in `pg_stat_activity`. Default: `effect-observability`. */
  readonly applicationName?: string | undefined
}

/**
 * A provider on connections of its own, which its scope closes. Fails only for an invalid option, which no server could
 * make work.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Provider, PgOptionsError, Scope.Scope> =>
  isUrl(Redacted.value(options.url))
    ? makeOn(
      Connection.own({
        url: options.url,
        maxConnections: options.maxConnections ?? 2,
        connectTimeout: options.connectTimeout ?? "5 seconds",
        applicationName: options.applicationName ?? "effect-observability"
      }),
      options,
      // one more: a batch is encoded while all connections wait for their answers
      (options.maxConnections ?? 2) + 1
    )
    : invalid("url", expectedUrl)

/**
 * A provider on the application's own client. It uses neither the client's name transforms nor a transaction that runs
 * on it. The connections belong to the application: a write that gets no answer in time is cancelled on the server, and
 * if that does not help within 5 seconds, its connection is closed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromClient = (
  options?: StoreOptions
): Effect.Effect<Provider, PgOptionsError, PgClient.PgClient | Scope.Scope> =>
  Effect.flatMap(PgClient.PgClient, (client) => makeOn(Connection.ofHost(Effect.succeed(client)), options))

/**
 * A provider on the application's own pool of `pg`. While the provider exists, a connection that breaks while idle does
 * not end the process, even if the application does not listen to the errors of its pool.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPool = (
  options: StoreOptions & {
    /** Gives the pool, whose lifetime the application manages. If it fails, it is run again with the next batch. */
    readonly acquire: PgClient.PgClientFromPoolOptions["acquire"]
  }
): Effect.Effect<Provider, PgOptionsError, Scope.Scope> => makeOn(Connection.ofHostPool(options.acquire), options)

/**
 * See {@link make}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<PgProvider, PgOptionsError> =>
  Layer.scoped(PgProvider, make(options))

/**
 * See {@link fromClient}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromClient = (
  options?: StoreOptions
): Layer.Layer<PgProvider, PgOptionsError, PgClient.PgClient> => Layer.scoped(PgProvider, fromClient(options))

/**
 * See {@link fromPool}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromPool = (
  options: Parameters<typeof fromPool>[0]
): Layer.Layer<PgProvider, PgOptionsError> => Layer.scoped(PgProvider, fromPool(options))

/**
 * Whether a text may be the address of a PostgreSQL server. A text that cannot be parsed as one will never connect, and
 * is better found when the configuration is read.
 *
 * @since 0.1.0
 * @category predicates
 */
export const isUrl: (url: string) => boolean = isPostgresUrl

// internal

const invalid = (option: string, expected: string): PgOptionsError =>
  new PgOptionsError({ option, message: `${option}: ${expected}` })

const makeOn = (
  connection: Connection.Connection,
  options: StoreOptions = {},
  concurrency = 1
): Effect.Effect<Provider, PgOptionsError, Scope.Scope> => {
  const {
    partitionsAhead = 7,
    pricing = Pricing.shipped,
    processId,
    schema = defaultSchema,
    writeTimeout = "30 seconds"
  } = options
  if (!isSchemaName(schema)) {
    return invalid("schema", `expected a plain lower-case identifier, got ${JSON.stringify(schema)}`)
  }
  const problem = problemIn({ ...options }, rules)
  if (problem !== undefined) return invalid(problem.path.join("."), problem.message)
  if (!isDaysAhead(partitionsAhead)) {
    return invalid("partitionsAhead", `expected a whole number from 0 to 365, got ${partitionsAhead}`)
  }
  return Effect.map(
    Store.make({ connection, schema, writeTimeout, partitionsAhead, processId, prices: pricing.prices }),
    ({ ledger, write }): Provider => ({
      name: "postgres",
      concurrency,
      write,
      ledger
    })
  )
}

const rules = { writeTimeout: positiveDuration, connectTimeout: positiveDuration, maxConnections: finiteOneOrMore }
