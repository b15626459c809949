/**
 * Stores observations in PostgreSQL, 14 or later, encoding UTF8: in tables of the library's own, in a schema of its own, to be read
 * through the views that `docs/schema.md` describes.
 *
 * **Loss policy.** Building the provider neither fails nor waits when PostgreSQL is down: it connects, migrates and
 * creates partitions in the background, and again with each batch until that succeeds; meanwhile batches fail as
 * `transient`, for the delivery to keep and to retry. A connection that breaks is replaced. Characters that PostgreSQL
 * refuses (NUL, lone surrogates) become U+FFFD, numbers that a column cannot hold are named under
 * `observability.problems` in the record's metadata or attributes, and identifiers of more than 800 characters are cut,
 * with a mark; no record is refused for any of these.
 *
 * It writes on connections, and in fibers, of its own: nothing joins, slows or rolls back with a transaction of the
 * application's.
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
 * An option that no server could make work.
 *
 * @since 0.1.0
 * @category errors
 */
export class PgOptionsError extends Schema.TaggedError<PgOptionsError>(
  "effect-observability/PgProvider/PgOptionsError"
)("PgOptionsError", {
  /** The option's name. */
  option: Schema.String,
  /** What is expected of it. */
  message: Schema.String
}) {}

/**
 * How records are stored, on whatever connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface StoreOptions {
  /** The schema for the tables and views, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
  /**
   * The longest time that PostgreSQL may take over one batch; then the batch fails as `transient`, and connections that
   * do not answer are given up. Default: 30 seconds.
   */
  readonly writeTimeout?: Duration.DurationInput | undefined
  /**
   * For how many days ahead partitions are created, a whole number from 0 to 365. Those of the first week are there before
   * the first write, the others come in the background. Default: 7.
   */
  readonly partitionsAhead?: number | undefined
  /**
   * `Resource.processId` of the records that this process makes. With it, the process's row says where it runs, and
   * every 12 seconds that it lives. Default: none; then processes are known by their records alone, and what is open is
   * shown as `lost` when the last of them is an hour old, until it ends.
   */
  readonly processId?: string | undefined
  /** What the table `prices` holds beside what others add to it. Default: `Pricing.shipped`. */
  readonly pricing?: Pricing.Table | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options extends StoreOptions {
  /** For example `postgres://user:password@host:5432/database`. */
  readonly url: Redacted.Redacted
  /** How many connections at most. Two write 1.7 times as much as one. Default: 2. */
  readonly maxConnections?: number | undefined
  /** How long a connection may take to come about. Default: 5 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** What PostgreSQL's administrator sees of us in `pg_stat_activity`. Default: `effect-observability`. */
  readonly applicationName?: string | undefined
}

/**
 * A provider on connections of its own, which its scope closes. Fails only for an option that no server could make work.
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
      // one more: it is encoded while all connections are waiting for their answers
      (options.maxConnections ?? 2) + 1
    )
    : invalid("url", expectedUrl)

/**
 * A provider on the application's own client. It uses neither the client's name transforms nor a transaction that runs
 * on it. Its connections are the application's: a write that gets no answer in time is cancelled on the server, and where that
 * does not help within 5 seconds, its connection is closed.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromClient = (
  options?: StoreOptions
): Effect.Effect<Provider, PgOptionsError, PgClient.PgClient | Scope.Scope> =>
  Effect.flatMap(PgClient.PgClient, (client) => makeOn(Connection.ofHost(Effect.succeed(client)), options))

/**
 * A provider on the application's own pool of `pg`. While it is there, a connection that breaks while nobody uses it does not
 * end the process, also where the application does not listen to the errors of its pool.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPool = (
  options: StoreOptions & {
    /** Gives the pool, whose life is the application's business. Failing, it is asked again with the next batch. */
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
 * Whether this may be the address of a PostgreSQL server: what cannot be read as one will never connect, and is better
 * found when the configuration is read.
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
