/**
 * Sends records from PostgreSQL to another store that does not have them: records that were dropped while the store was
 * down, records that a process took with it when it died, and everything from before the store was configured.
 *
 * PostgreSQL keeps a ledger of what became of each trace at the other providers (the view `deliveries`). A replay goes
 * through the traces of a time range, skips those that are complete there and those that still run, and sends the
 * others as a whole, with the same ids and revisions as when they are sent live. So nothing is stored twice, whatever
 * was there before: a replay may be run again, beside the live application, and beside another replay. A replay that is
 * interrupted continues, the next time, about where it was.
 *
 * Records that the provider refuses are noted with the reason, and sent again only on request.
 *
 * @example
 * ```ts
 * import * as LangfuseProvider from "effect-observability/LangfuseProvider"
 * import * as Replay from "effect-observability/Replay"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const langfuse = yield* LangfuseProvider.make({
 *     publicKey: Redacted.make("pk-lf-..."),
 *     secretKey: Redacted.make("sk-lf-...")
 *   })
 *   const receipt = yield* Replay.replay({ to: langfuse, since: "2026-03-01", until: "2026-04-01" })
 *   yield* Effect.log(`${receipt.sent} of ${receipt.traces} traces were sent`)
 * }).pipe(
 *   Effect.provide(PgClient.layer({ url: Redacted.make("postgres://app:secret@localhost:1/app") })),
 *   // there is no server at this address
 *   Effect.catchTag("SqlError", (error) => Effect.log(error.message))
 * )
 *
 * await Effect.runPromise(program)
 * ```
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as ConfigError from "effect/ConfigError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { replay as run } from "./internal/ledger/replayer.ts"
import { bounded } from "./internal/postgres/bounded.ts"
import * as Connection from "./internal/postgres/connection.ts"
import { apart } from "./internal/postgres/isolation.ts"
import { defaultSchema } from "./internal/postgres/schemaName.ts"
import { describe } from "./internal/postgres/sqlErrors.ts"
import * as LangfuseProvider from "./LangfuseProvider.ts"
import * as ObservabilityConfig from "./ObservabilityConfig.ts"
import * as PgMigrations from "./PgMigrations.ts"
import type { Provider } from "./Provider.ts"

/**
 * Which traces are sent, and how.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The beginning of the range: traces with a record that began then or later. */
  readonly since: DateTime.DateTime.Input
  /** The end of the range, exclusive. Default: a minute ago, since younger records may still be on their way. */
  readonly until?: DateTime.DateTime.Input | undefined
  /** Whether to send traces again of which the provider refused records. Default: `false`. */
  readonly retryRefused?: boolean | undefined
  /** The most records sent per second, above 0: records of the running application go first. Default: 200. */
  readonly recordsPerSecond?: number | undefined
  /** How long the provider may take for some hundred records, failures included. Default: 1 minute. */
  readonly patience?: Duration.DurationInput | undefined
  /** The library's schema in PostgreSQL. Default: `observability`. */
  readonly schema?: string | undefined
}

/**
 * What a replay did: `traces = complete + open + sent + refused + failed`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Receipt {
  /** Traces that were looked at. */
  readonly traces: number
  /** Traces of which the provider had everything. */
  readonly complete: number
  /** Traces that still run, and are left alone. */
  readonly open: number
  /** Traces that were sent, and of which the provider has everything now. */
  readonly sent: number
  /** Traces of which the provider has refused something, now or before. */
  readonly refused: number
  /** Traces of which something in PostgreSQL could not be read; the rest of their records was sent. */
  readonly failed: number
  /** Records that the provider received, including those that it had before. */
  readonly records: number
  /** Why records were refused and traces failed, with counts; reasons after the first 100 are counted together. */
  readonly reasons: Readonly<Record<string, number>>
}

/**
 * Why a replay did not finish:
 *
 * - `invalid-options`: nothing was done.
 * - `postgres`: PostgreSQL could not be reached, or a statement failed.
 * - `provider`: the provider did not take records within the `patience` of the replay.
 *
 * What was done before stays done; a replay that is run again continues from there.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReplayError extends Schema.TaggedError<ReplayError>("effect-observability/Replay/ReplayError")(
  "ReplayError",
  {
    reason: Schema.Literal("invalid-options", "postgres", "provider"),
    message: Schema.String,
    cause: Schema.optional(Schema.Defect),
    /** What was done before the failure. */
    receipt: Schema.optional(Schema.Struct({
      traces: Schema.Number,
      complete: Schema.Number,
      open: Schema.Number,
      sent: Schema.Number,
      refused: Schema.Number,
      failed: Schema.Number,
      records: Schema.Number,
      reasons: Schema.Record({ key: Schema.String, value: Schema.Number })
    }))
  }
) {}

/**
 * Sends to a provider the records of a time range that it does not have. The provider is the one that the application
 * uses, or one like it: the ledger knows it by its name.
 *
 * The library's schema is brought up to date first, as `PgMigrations.run` does. A replay joins no transaction, and may
 * be interrupted at any time.
 *
 * @since 0.1.0
 * @category replaying
 */
export const replay = (
  options: Options & { readonly to: Provider }
): Effect.Effect<Receipt, ReplayError, PgClient.PgClient> =>
  Effect.flatMap(PgClient.PgClient, (client) => replayOn(client, options.to, options, Effect.void))

/**
 * Like `replay`, with the stores that the environment describes, as `ObservabilityLive` reads it: the database of
 * `DATABASE_URL`, on a connection of its own, and the Langfuse of `LANGFUSE_PUBLIC_KEY` and `LANGFUSE_SECRET_KEY`.
 *
 * @since 0.1.0
 * @category replaying
 */
export const replayConfig = (
  options: Omit<Options, "schema"> & { readonly to: "langfuse" }
): Effect.Effect<Receipt, ReplayError | ConfigError.ConfigError> =>
  Effect.scoped(Effect.gen(function*() {
    const { connectTimeout = "5 seconds", schema, url } = yield* ObservabilityConfig.postgres
    const langfuse = yield* LangfuseProvider.config
    if (Option.isNone(langfuse)) {
      return yield* Effect.fail(
        ConfigError.MissingData(["LANGFUSE_PUBLIC_KEY"], "expected the keys of a Langfuse project")
      )
    }
    const provider = yield* LangfuseProvider.make(langfuse.value)
    const { connect, hangUp } = Connection.own({
      url,
      maxConnections: 1,
      connectTimeout,
      applicationName: "effect-observability replay"
    })
    const client = yield* bounded(statementTimeout, hangUp)(connect).pipe(Effect.mapError(ofPostgres))
    return yield* replayOn(client, provider, { ...options, schema }, hangUp)
  }))

// internal

/** A statement reads or writes some hundred rows. */
const statementTimeout = Duration.seconds(30)

const replayOn = (
  client: PgClient.PgClient,
  provider: Provider,
  options: Options,
  hangUp: Effect.Effect<void>
): Effect.Effect<Receipt, ReplayError> =>
  Effect.gen(function*() {
    const { schema = defaultSchema } = options
    const range = yield* rangeOf(options, yield* Clock.currentTimeMillis)
    const recordsPerSecond = options.recordsPerSecond ?? 200
    if (!(recordsPerSecond > 0)) {
      return yield* invalid(`recordsPerSecond is ${recordsPerSecond}; expected a number above 0`)
    }
    const limited = bounded(statementTimeout, hangUp)
    yield* PgMigrations.run({ schema }).pipe(
      Effect.provideService(PgClient.PgClient, client),
      limited,
      Effect.mapError(ofPostgres)
    )
    return yield* run({
      schema,
      provider,
      range,
      recordsPerSecond,
      retryRefused: options.retryRefused ?? false,
      patience: Duration.decode(options.patience ?? "1 minute"),
      onStore: (self) => self.pipe(limited, apart(client))
    }).pipe(
      Effect.mapError((failure) => new ReplayError(failure)),
      Effect.scoped
    )
  })

const invalid = (message: string): ReplayError => new ReplayError({ reason: "invalid-options", message })

const ofPostgres = (error: { readonly message: string }): ReplayError =>
  new ReplayError({ reason: "postgres", message: describe(error), cause: error })

/** In microseconds. Records further in the future than clocks differ do not exist yet. */
const rangeOf = (
  { since, until }: Options,
  nowMillis: number
): Either.Either<{ readonly from: number; readonly to: number }, ReplayError> =>
  Either.gen(function*() {
    const from = yield* millisOf("since", since)
    const to = until === undefined ? nowMillis - 60_000 : yield* millisOf("until", until)
    return from < to || until === undefined
      ? { from: Math.max(from, 0) * 1_000, to: Math.min(to, nowMillis + 86_400_000) * 1_000 }
      : yield* Either.left(invalid(`since is ${iso(from)} and until is ${iso(to)}; expected an earlier since`))
  })

const millisOf = (name: string, input: DateTime.DateTime.Input): Either.Either<number, ReplayError> =>
  Option.match(DateTime.make(input), {
    onNone: () => Either.left(invalid(`${name} is ${String(input)}; expected a time`)),
    onSome: (time) => Either.right(DateTime.toEpochMillis(time))
  })

const iso = (millis: number): string => DateTime.formatIso(DateTime.unsafeMake(millis))
