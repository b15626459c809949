/**
 * Every option that is read from the environment: its name, its form and its default. A value that cannot be read is a
 * `ConfigError` that names the variable, at the start of the program and not later.
 *
 * | variable | form | default |
 * | --- | --- | --- |
 * | `OBSERVABILITY_ENABLED` | boolean | `true` |
 * | `DATABASE_URL` | `postgres://` or `postgresql://` address | required |
 * | `OBSERVABILITY_SCHEMA` | lower-case identifier | `observability` |
 * | `OBSERVABILITY_MAX_CONNECTIONS` | whole number | `2` |
 * | `OBSERVABILITY_CONNECT_TIMEOUT` | duration | `5 seconds` |
 * | `OBSERVABILITY_PARTITIONS_AHEAD` | days | `7` |
 * | `OBSERVABILITY_SERVICE_NAME` | text | `unknown_service` |
 * | `OBSERVABILITY_ENVIRONMENT` | text | none |
 * | `OBSERVABILITY_RELEASE` | text | none |
 * | `OBSERVABILITY_QUEUE_BYTES` | bytes, by provider | `67108864` |
 * | `OBSERVABILITY_BATCH_WINDOW` | duration | `200 millis` |
 * | `OBSERVABILITY_BATCH_RECORDS` | whole number | `4000` |
 * | `OBSERVABILITY_BATCH_BYTES` | bytes | `4194304` |
 * | `OBSERVABILITY_WRITE_TIMEOUT` | duration | `30 seconds` |
 * | `OBSERVABILITY_RETRY_DELAY` | duration | `200 millis` |
 * | `OBSERVABILITY_MAX_RETRY_DELAY` | duration | `10 seconds` |
 * | `OBSERVABILITY_SPOOL_DIR` | folder | none: memory alone |
 * | `OBSERVABILITY_SPOOL_BYTES` | bytes, by provider | `1073741824` |
 * | `OBSERVABILITY_WARNING_INTERVAL` | duration | `1 minute` |
 * | `OBSERVABILITY_CLOSE_DEADLINE` | duration | `5 seconds` |
 * | `OBSERVABILITY_FLUSH_TIMEOUT` | duration | `30 seconds` |
 * | `OBSERVABILITY_FLUSH_ON_TRACE_END` | duration | off |
 * | `OBSERVABILITY_MAX_OPEN_SPANS` | whole number | `100000` |
 * | `OBSERVABILITY_CAPTURE_MAX_DEPTH` | levels | `16` |
 * | `OBSERVABILITY_CAPTURE_MAX_ENTRIES` | entries of one object or array | `1000` |
 * | `OBSERVABILITY_CAPTURE_MAX_STRING_LENGTH` | characters | `1048576` |
 * | `OBSERVABILITY_CAPTURE_MAX_BYTES` | bytes of one value | `4194304` |
 * | `LANGFUSE_ENABLED` | boolean | `true` |
 * | `LANGFUSE_PUBLIC_KEY`, `LANGFUSE_SECRET_KEY` | text, both or neither | none: no Langfuse |
 * | `LANGFUSE_BASE_URL`, or `LANGFUSE_HOST`, `LANGFUSE_BASEURL` | `http(s)://` address | `https://cloud.langfuse.com` |
 *
 * A duration is a number with a unit, such as `5 seconds` or `250 millis`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Rules from "./internal/optionRules.ts"
import { isSchemaName } from "./internal/postgres/schemaName.ts"
import { isPostgresUrl } from "./internal/postgres/url.ts"

/**
 * `OBSERVABILITY_ENABLED`: `false` switches the library off, and then nothing else is read. Default: `true`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const enabled: Config.Config<boolean> = Config.withDefault(Config.boolean("OBSERVABILITY_ENABLED"), true)

/**
 * How records are delivered; see `Delivery.Options`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const delivery = Config.all({
  queueBytes: positive("OBSERVABILITY_QUEUE_BYTES"),
  batchWindow: duration("OBSERVABILITY_BATCH_WINDOW"),
  batchRecords: positive("OBSERVABILITY_BATCH_RECORDS"),
  batchBytes: positive("OBSERVABILITY_BATCH_BYTES"),
  writeTimeout: positiveDuration("OBSERVABILITY_WRITE_TIMEOUT"),
  retryDelay: positiveDuration("OBSERVABILITY_RETRY_DELAY"),
  maxRetryDelay: positiveDuration("OBSERVABILITY_MAX_RETRY_DELAY"),
  spoolDirectory: optional(Config.nonEmptyString("OBSERVABILITY_SPOOL_DIR")),
  spoolBytes: positive("OBSERVABILITY_SPOOL_BYTES"),
  warningInterval: duration("OBSERVABILITY_WARNING_INTERVAL")
})

/**
 * What the service needs beside its providers; see `ObservabilityService.Options`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const service = Config.all({
  serviceName: optional(Config.nonEmptyString("OBSERVABILITY_SERVICE_NAME")),
  environment: optional(Config.nonEmptyString("OBSERVABILITY_ENVIRONMENT")),
  release: optional(Config.nonEmptyString("OBSERVABILITY_RELEASE")),
  delivery,
  capture: Config.all({
    maxDepth: positive("OBSERVABILITY_CAPTURE_MAX_DEPTH"),
    maxEntries: positive("OBSERVABILITY_CAPTURE_MAX_ENTRIES"),
    maxStringLength: positive("OBSERVABILITY_CAPTURE_MAX_STRING_LENGTH"),
    maxBytes: positive("OBSERVABILITY_CAPTURE_MAX_BYTES")
  }),
  closeDeadline: duration("OBSERVABILITY_CLOSE_DEADLINE"),
  flushTimeout: duration("OBSERVABILITY_FLUSH_TIMEOUT"),
  flushOnTraceEnd: duration("OBSERVABILITY_FLUSH_ON_TRACE_END"),
  maxOpenSpans: positive("OBSERVABILITY_MAX_OPEN_SPANS")
})

/**
 * Where PostgreSQL is; see `PgProvider.Options`. Without `DATABASE_URL` the error says what can be done.
 *
 * @since 0.1.0
 * @category configuration
 */
export const postgres = Config.all({
  url: Config.mapOrFail(Config.option(Config.redacted("DATABASE_URL")), (url) =>
    Option.isNone(url)
      ? Either.left(ConfigError.MissingData(["DATABASE_URL"], withoutDatabase))
      : isPostgresUrl(Redacted.value(url.value))
      ? Either.right(url.value)
      : Either.left(ConfigError.InvalidData(["DATABASE_URL"], `expected an address such as ${exampleUrl}`))),
  schema: optional(
    Config.validate(Config.nonEmptyString("OBSERVABILITY_SCHEMA"), {
      message: "expected a plain lower-case identifier",
      validation: isSchemaName
    })
  ),
  maxConnections: positive("OBSERVABILITY_MAX_CONNECTIONS"),
  connectTimeout: positiveDuration("OBSERVABILITY_CONNECT_TIMEOUT"),
  partitionsAhead: wholeNumber("OBSERVABILITY_PARTITIONS_AHEAD", "expected a whole number from 0 to 365", 0, 365)
})

// internal

function optional<A>(config: Config.Config<A>): Config.Config<A | undefined> {
  return Config.map(Config.option(config), Option.getOrUndefined)
}

function duration(name: string): Config.Config<Duration.Duration | undefined> {
  return durationWhich(name, Rules.duration)
}

function positiveDuration(name: string): Config.Config<Duration.Duration | undefined> {
  return durationWhich(name, Rules.positiveDuration)
}

function durationWhich(name: string, rule: Rules.Rule): Config.Config<Duration.Duration | undefined> {
  return optional(
    Config.mapOrFail(Config.string(name), (text) => {
      const read = Rules.durationOf(text.trim())
      return Option.isSome(read) && rule.accepts(read.value)
        ? Either.right(read.value)
        : Either.left(ConfigError.InvalidData([], rule.expected))
    })
  )
}

function positive(name: string): Config.Config<number | undefined> {
  return wholeNumber(name, "expected a whole number above zero", 1, Number.MAX_SAFE_INTEGER)
}

/** `Config.integer` makes zero of an empty text. */
function wholeNumber(name: string, message: string, from: number, to: number): Config.Config<number | undefined> {
  return optional(
    Config.mapOrFail(Config.string(name), (text) => {
      const value = text.trim() === "" ? Number.NaN : Number(text)
      return Number.isSafeInteger(value) && value >= from && value <= to
        ? Either.right(value)
        : Either.left(ConfigError.InvalidData([], message))
    })
  )
}

const exampleUrl = "postgres://user:password@host:5432/database"

const withoutDatabase = `expected the address of a PostgreSQL server, such as ${exampleUrl}. To start a server for ` +
  "development instead, provide EmbeddedPostgres.layerDatabaseUrl() from \"effect-observability/EmbeddedPostgres\"; to " +
  "run without observability, set OBSERVABILITY_ENABLED=false"
