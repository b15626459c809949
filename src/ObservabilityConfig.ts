/**
 * Every option that is read from the environment, with its name, form and default. A value that cannot be read is a
 * `ConfigError` that names the variable, raised when the program starts and not later.
 *
 * | variable | form | default |
 * | --- | --- | --- |
 * | `OBSERVABILITY_ENABLED` | boolean | `true` |
 * | `DATABASE_URL` | `postgres://` or `postgresql://` address | required |
 * | `OBSERVABILITY_SCHEMA` | lower-case identifier | `observability` |
 * | `OBSERVABILITY_MAX_CONNECTIONS` | whole number | `2` |
 * | `OBSERVABILITY_CONNECT_TIMEOUT` | duration | `5 seconds` |
 * | `OBSERVABILITY_PARTITIONS_AHEAD` | days | `7` |
 * | `OBSERVABILITY_SERVICE_NAME`, or `OTEL_SERVICE_NAME` | text | `unknown_service` |
 * | `OBSERVABILITY_ENVIRONMENT`, or `LANGFUSE_TRACING_ENVIRONMENT` | text | none |
 * | `OBSERVABILITY_RELEASE`, or `LANGFUSE_RELEASE` | text | none |
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
 * A duration is a number with a unit, such as `5 seconds` or `250 millis`. An empty variable counts as not set, and
 * white space around a value is ignored.
 * Service name, environment and release can also be given in `OTEL_RESOURCE_ATTRIBUTES`, as `service.name`,
 * `deployment.environment.name` and `service.version`.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Environment from "./internal/environment.ts"
import * as Rules from "./internal/optionRules.ts"
import { isSchemaName } from "./internal/postgres/schemaName.ts"
import { expectedUrl, isPostgresUrl } from "./internal/postgres/url.ts"

/**
 * `OBSERVABILITY_ENABLED`: `false` switches the library off, and then no other variable is read. Default: `true`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const enabled: Config.Config<boolean> = Environment.flag("OBSERVABILITY_ENABLED", true)

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
  spoolDirectory: Environment.text("OBSERVABILITY_SPOOL_DIR"),
  spoolBytes: positive("OBSERVABILITY_SPOOL_BYTES"),
  warningInterval: duration("OBSERVABILITY_WARNING_INTERVAL")
})

/**
 * The options of the service except its providers; see `ObservabilityService.Options`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const service = Config.map(
  Config.all({
    attributes: Environment.resourceAttributes,
    serviceName: Environment.text("OBSERVABILITY_SERVICE_NAME"),
    serviceNameOfOpenTelemetry: Environment.text("OTEL_SERVICE_NAME"),
    environment: Environment.text("OBSERVABILITY_ENVIRONMENT"),
    environmentOfLangfuse: Environment.text("LANGFUSE_TRACING_ENVIRONMENT"),
    release: Environment.text("OBSERVABILITY_RELEASE"),
    releaseOfLangfuse: Environment.text("LANGFUSE_RELEASE"),
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
  }),
  ({ attributes, environmentOfLangfuse, releaseOfLangfuse, serviceNameOfOpenTelemetry, ...stated }) => ({
    ...stated,
    serviceName: stated.serviceName ?? serviceNameOfOpenTelemetry ?? attributes.get("service.name"),
    environment: stated.environment ?? attributes.get("deployment.environment.name") ?? environmentOfLangfuse,
    release: stated.release ?? attributes.get("service.version") ?? releaseOfLangfuse
  })
)

/**
 * How records are stored; see `PgProvider.StoreOptions`.
 *
 * @since 0.1.0
 * @category configuration
 */
export const store = Config.all({
  schema: Environment.optional(
    "OBSERVABILITY_SCHEMA",
    "expected a plain lower-case identifier",
    Option.liftPredicate(isSchemaName)
  ),
  partitionsAhead: wholeNumber("OBSERVABILITY_PARTITIONS_AHEAD", "expected a whole number from 0 to 365", 0, 365)
})

/**
 * How to connect to PostgreSQL; see `PgProvider.Options`. Without `DATABASE_URL`, the error says what can be done.
 *
 * @since 0.1.0
 * @category configuration
 */
export const postgres = Config.map(
  Config.all([
    Config.all({
      url: Config.mapOrFail(
        Environment.optional(
          "DATABASE_URL",
          expectedUrl,
          (text) => isPostgresUrl(text) ? Option.some(Redacted.make(text)) : Option.none()
        ),
        Either.fromNullable(() => ConfigError.MissingData(["DATABASE_URL"], withoutDatabase))
      ),
      maxConnections: positive("OBSERVABILITY_MAX_CONNECTIONS"),
      connectTimeout: positiveDuration("OBSERVABILITY_CONNECT_TIMEOUT")
    }),
    store
  ]),
  ([connection, stored]) => ({ ...connection, ...stored })
)

// internal

function duration(name: string): Config.Config<Duration.Duration | undefined> {
  return durationWhich(name, Rules.duration)
}

function positiveDuration(name: string): Config.Config<Duration.Duration | undefined> {
  return durationWhich(name, Rules.positiveDuration)
}

function durationWhich(name: string, rule: Rules.Rule): Config.Config<Duration.Duration | undefined> {
  return Environment.optional(name, rule.expected, (text) => Option.filter(Rules.durationOf(text), rule.accepts))
}

function positive(name: string): Config.Config<number | undefined> {
  return wholeNumber(name, "expected a whole number above zero", 1, Number.MAX_SAFE_INTEGER)
}

function wholeNumber(name: string, expected: string, from: number, to: number): Config.Config<number | undefined> {
  return Environment.optional(name, expected, (text) => {
    const value = Number(text)
    return Number.isSafeInteger(value) && value >= from && value <= to ? Option.some(value) : Option.none()
  })
}

const withoutDatabase = `${expectedUrl}. To start a server for development instead, provide ` +
  "EmbeddedPostgres.layerDatabaseUrl() from \"effect-observability/EmbeddedPostgres\"; to run without observability, set " +
  "OBSERVABILITY_ENABLED=false"
