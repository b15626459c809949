/** The composition: what the environment may say, and what a server that is not there means. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigError, ConfigProvider, Effect, Either, FiberRefs, Layer, Logger, Redacted } from "effect"
import type { EnvironmentOptions, Options } from "../src/ObservabilityLive.ts"
import { layer, layerEnvironment, ObservabilityLive } from "../src/ObservabilityLive.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { memory } from "../src/Provider.ts"
import { withSpan, withTrace } from "../src/Span.ts"

/** Nobody listens on port 1. */
const unreachable = "postgres://127.0.0.1:1/x"

const withoutLogs = Effect.provide(Logger.remove(Logger.defaultLogger))

const built = (environment: Readonly<Record<string, string>>) =>
  ObservabilityService.pipe(
    Effect.map((service) => service.enabled),
    Effect.provide(ObservabilityLive),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment)))),
    Effect.either
  )

const messageOf = (result: Either.Either<unknown, ConfigError.ConfigError>): string => {
  if (Either.isRight(result)) assert.fail("the layer was built")
  assert.isTrue(ConfigError.isConfigError(result.left))
  return String(result.left)
}

describe("DATABASE_URL", () => {
  for (const environment of [{}, { DATABASE_URL: "" }, { DATABASE_URL: " " }]) {
    it.live(`that is missing is a ConfigError that says what can be done: ${JSON.stringify(environment)}`, () =>
      Effect.gen(function*() {
        const message = messageOf(yield* built(environment))
        assert.include(message, "DATABASE_URL")
        assert.include(message, "postgres://user:password@host:5432/database")
        assert.include(message, "EmbeddedPostgres")
        assert.include(message, "OBSERVABILITY_ENABLED=false")
      }))
  }

  for (const url of ["mysql://ada:hunter2@host/db", "host:5432", "postgres://ada:hunter2@host:port/db"]) {
    it.live(`that is no address of a PostgreSQL server is refused, and not repeated in the message: "${url}"`, () =>
      Effect.gen(function*() {
        const message = messageOf(yield* built({ DATABASE_URL: url }))
        assert.include(message, "DATABASE_URL")
        assert.notInclude(message, "hunter2")
      }))
  }

  it.live("of a server that cannot be reached does not keep the program from starting and working", () =>
    Effect.gen(function*() {
      const program = Effect.gen(function*() {
        const service = yield* ObservabilityService
        const value = yield* Effect.succeed("value").pipe(withSpan("span"), withTrace("trace"))
        const receipt = yield* service.flush({ timeout: "50 millis" })
        return { value, receipt }
      })
      const { receipt, value } = yield* program.pipe(
        Effect.provide(ObservabilityLive),
        Effect.withConfigProvider(
          ConfigProvider.fromMap(
            new Map([["DATABASE_URL", unreachable], ["OBSERVABILITY_CLOSE_DEADLINE", "100 millis"]])
          )
        )
      )
      assert.strictEqual(value, "value")
      assert.deepInclude(receipt["postgres"], { accepted: 2, written: 0, pending: 2 })
    }))
})

describe("OBSERVABILITY_ENABLED", () => {
  it.live("false needs nothing else, and looks at nothing else", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* built({ OBSERVABILITY_ENABLED: "false" }), Either.right(false))
      assert.deepStrictEqual(
        yield* built({ OBSERVABILITY_ENABLED: "false", DATABASE_URL: "nonsense", OBSERVABILITY_QUEUE_BYTES: "-1" }),
        Either.right(false)
      )
    }))

  it.live("true, or left out, records", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* built({ DATABASE_URL: unreachable }), Either.right(true))
      assert.deepStrictEqual(
        yield* built({ DATABASE_URL: unreachable, OBSERVABILITY_ENABLED: "true" }),
        Either.right(true)
      )
    }))

  it.live("of another value is a ConfigError, and not a guess", () =>
    Effect.gen(function*() {
      assert.include(messageOf(yield* built({ OBSERVABILITY_ENABLED: "maybe" })), "OBSERVABILITY_ENABLED")
      assert.include(messageOf(yield* built({ OBSERVABILITY_ENABLED: "constructor" })), "expected true or false")
    }))
})

const wholeNumbers = [
  "OBSERVABILITY_MAX_CONNECTIONS",
  "OBSERVABILITY_QUEUE_BYTES",
  "OBSERVABILITY_BATCH_RECORDS",
  "OBSERVABILITY_BATCH_BYTES",
  "OBSERVABILITY_SPOOL_BYTES",
  "OBSERVABILITY_MAX_OPEN_SPANS",
  "OBSERVABILITY_CAPTURE_MAX_DEPTH",
  "OBSERVABILITY_CAPTURE_MAX_ENTRIES",
  "OBSERVABILITY_CAPTURE_MAX_STRING_LENGTH",
  "OBSERVABILITY_CAPTURE_MAX_BYTES"
]

const positiveDurations = [
  "OBSERVABILITY_CONNECT_TIMEOUT",
  "OBSERVABILITY_WRITE_TIMEOUT",
  "OBSERVABILITY_RETRY_DELAY",
  "OBSERVABILITY_MAX_RETRY_DELAY"
]

const durations = [
  "OBSERVABILITY_BATCH_WINDOW",
  "OBSERVABILITY_WARNING_INTERVAL",
  "OBSERVABILITY_CLOSE_DEADLINE",
  "OBSERVABILITY_FLUSH_TIMEOUT",
  "OBSERVABILITY_FLUSH_ON_TRACE_END"
]

const malformed: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ...wholeNumbers.map((name) => [name, ["many", "1.5", "0", "-1"]] as const),
  ...durations.map((name) => [name, ["soon", "5", "-5 seconds", "Infinity"]] as const),
  ...positiveDurations.map((name) => [name, ["soon", "5", "-5 seconds", "Infinity", "0 millis"]] as const),
  ["OBSERVABILITY_PARTITIONS_AHEAD", ["many", "1.5", "-1", "366"]],
  ["OBSERVABILITY_SCHEMA", ["Observability", "drop table", "a;b"]],
  ["LANGFUSE_ENABLED", ["maybe"]],
  ["LANGFUSE_BASE_URL", ["langfuse"]],
  ["LANGFUSE_HOST", ["langfuse"]]
]

/** What is stored with a record. */
const resourceOf = (environment: Readonly<Record<string, string>>, options?: EnvironmentOptions) => {
  const stored = memory("memory")
  return Effect.void.pipe(
    withSpan("step"),
    Effect.provide(layerEnvironment({ ...options, providers: [stored], closeDeadline: 0 })),
    withoutLogs,
    Effect.withConfigProvider(
      ConfigProvider.fromMap(new Map(Object.entries({ DATABASE_URL: unreachable, ...environment })))
    ),
    Effect.map(() => {
      const { environment, release, serviceName } = stored.records[0]!.resource
      return { environment, release, serviceName }
    })
  )
}

const langfuse = { LANGFUSE_PUBLIC_KEY: "pk-lf-test", LANGFUSE_SECRET_KEY: "sk-lf-test" }

describe("a malformed value", () => {
  for (const [name, values] of malformed) {
    it.live(`of ${name} is a ConfigError that names it`, () =>
      Effect.gen(function*() {
        const others = name.startsWith("LANGFUSE") ? langfuse : {}
        for (const value of values) {
          const result = yield* built({ ...others, DATABASE_URL: unreachable, [name]: value })
          assert.isTrue(Either.isLeft(result), `${name}=${value} was accepted`)
          assert.include(messageOf(result), name, `${name}=${value}`)
        }
      }))
  }

  it.live("of one Langfuse key without the other is a ConfigError that names the one that is missing", () =>
    Effect.gen(function*() {
      const { LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY } = langfuse
      assert.include(messageOf(yield* built({ DATABASE_URL: unreachable, LANGFUSE_PUBLIC_KEY })), "LANGFUSE_SECRET_KEY")
      assert.include(messageOf(yield* built({ DATABASE_URL: unreachable, LANGFUSE_SECRET_KEY })), "LANGFUSE_PUBLIC_KEY")
    }))
})

describe("a value in its form", () => {
  const forms = [
    [wholeNumbers, ["1", "1000"]],
    [durations, ["5 seconds", "250 millis", "0 millis"]],
    [positiveDurations, ["5 seconds", "1 nanos"]],
    [["OBSERVABILITY_PARTITIONS_AHEAD"], ["0", "365"]]
  ] as const
  for (const [names, values] of forms) {
    for (const name of names) {
      it.live(`of ${name} is taken`, () =>
        Effect.gen(function*() {
          for (const value of values) {
            assert.deepStrictEqual(
              yield* built({ DATABASE_URL: unreachable, [name]: value }),
              Either.right(true),
              value
            )
          }
        }))
    }
  }
})

describe("a variable that is set to nothing", () => {
  it.live("is not set", () =>
    Effect.gen(function*() {
      const names = [...wholeNumbers, ...durations, ...positiveDurations, "OBSERVABILITY_PARTITIONS_AHEAD"]
      const others = ["OBSERVABILITY_ENABLED", "OBSERVABILITY_SCHEMA", "LANGFUSE_ENABLED", "LANGFUSE_PUBLIC_KEY"]
      for (const value of ["", " "]) {
        const empty = Object.fromEntries([...names, ...others].map((name) => [name, value]))
        assert.deepStrictEqual(yield* built({ ...empty, DATABASE_URL: unreachable }), Either.right(true))
        assert.include(messageOf(yield* built({ DATABASE_URL: value })), "EmbeddedPostgres.layerDatabaseUrl()")
      }
    }))
})

describe("a value with white space around it", () => {
  it.live("is the value without it, as of a secret in a file that ends with a line break", () =>
    Effect.gen(function*() {
      const langfuse = { LANGFUSE_PUBLIC_KEY: "pk-lf-1\n", LANGFUSE_SECRET_KEY: " sk-lf-1\r\n" }
      assert.deepStrictEqual(yield* built({ DATABASE_URL: `${unreachable}\n`, ...langfuse }), Either.right(true))
      assert.include(yield* resourceOf({ OBSERVABILITY_SERVICE_NAME: "own\n" }), { serviceName: "own" })
    }))
})

describe("service name, environment and release", () => {
  it.live("are those of OpenTelemetry and Langfuse, where the library's own say nothing", () =>
    Effect.gen(function*() {
      const otel = {
        OTEL_RESOURCE_ATTRIBUTES: "service.name=named,deployment.environment.name=my%20stage, service.version = 1=2"
      }
      const theirs = { OTEL_SERVICE_NAME: "chat", LANGFUSE_TRACING_ENVIRONMENT: "prod", LANGFUSE_RELEASE: "v1" }
      const own = {
        OBSERVABILITY_SERVICE_NAME: "own",
        OBSERVABILITY_ENVIRONMENT: "test",
        OBSERVABILITY_RELEASE: "v2"
      }
      assert.deepStrictEqual(yield* resourceOf(otel), {
        serviceName: "named",
        environment: "my stage",
        release: "1=2"
      })
      assert.deepStrictEqual(yield* resourceOf(theirs), { serviceName: "chat", environment: "prod", release: "v1" })
      assert.deepStrictEqual(yield* resourceOf({ ...otel, ...theirs, ...own, OBSERVABILITY_RELEASE: "" }), {
        serviceName: "own",
        environment: "test",
        release: "1=2"
      })
      assert.include(yield* resourceOf({ OTEL_RESOURCE_ATTRIBUTES: "service.name=a=b" }), { serviceName: "a=b" })
      assert.deepStrictEqual(yield* resourceOf({ OTEL_RESOURCE_ATTRIBUTES: "service.name=%zz" }), {
        serviceName: "unknown_service",
        environment: undefined,
        release: undefined
      })
    }))
})

describe("what is stated in code beside the environment", () => {
  it.live("goes before it, and leaves all else as it is there", () =>
    Effect.gen(function*() {
      const environment = { OBSERVABILITY_SERVICE_NAME: "there", OBSERVABILITY_RELEASE: "v1" }
      assert.deepInclude(yield* resourceOf(environment, { serviceName: "here", release: undefined }), {
        serviceName: "here",
        release: "v1"
      })
    }))

  it.live("switches nothing on that is off there, and hides no mistake", () =>
    Effect.gen(function*() {
      const builtWith = (environment: Readonly<Record<string, string>>) =>
        ObservabilityService.pipe(
          Effect.map((service) => service.enabled),
          Effect.provide(layerEnvironment({ serviceName: "here", delivery: { batchRecords: 1 }, closeDeadline: 0 })),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment)))),
          Effect.either
        )
      assert.deepStrictEqual(yield* builtWith({ OBSERVABILITY_ENABLED: "false" }), Either.right(false))
      const half = yield* builtWith({ DATABASE_URL: unreachable, LANGFUSE_PUBLIC_KEY: "pk-lf-test" })
      assert.include(messageOf(half), "LANGFUSE_SECRET_KEY")
      const wrong = yield* builtWith({ DATABASE_URL: unreachable, OBSERVABILITY_BATCH_BYTES: "many" })
      assert.include(messageOf(wrong), "OBSERVABILITY_BATCH_BYTES")
    }))
})

describe("the layer", () => {
  it.live("is a constant, built once for all who use it", () =>
    Effect.gen(function*() {
      const services: Array<unknown> = []
      const user = () => Layer.effectDiscard(Effect.map(ObservabilityService, (service) => services.push(service)))
      yield* Layer.build(Layer.mergeAll(user(), user(), user()).pipe(Layer.provide(ObservabilityLive))).pipe(
        Effect.scoped,
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["DATABASE_URL", unreachable]])))
      )
      assert.strictEqual(services.length, 3)
      assert.strictEqual(new Set(services).size, 1)
    }))

  // each is copied with all others whenever a fiber of the application changes one of them
  it.scopedLive("leaves no fiber reference of its own in the application's fibers", () =>
    Effect.gen(function*() {
      const before = FiberRefs.fiberRefs(yield* Effect.getFiberRefs)
      yield* Layer.build(layer({ postgres: { url: Redacted.make(unreachable) }, closeDeadline: 0 }))
      const after = FiberRefs.fiberRefs(yield* Effect.getFiberRefs)
      assert.deepStrictEqual(Array.from(after).filter((each) => !Array.from(before).includes(each)), [])
    }))
})

describe("an option in code", () => {
  const postgres = { url: Redacted.make(unreachable) }
  const langfuse = { publicKey: Redacted.make("pk"), secretKey: Redacted.make("sk") }
  const impossible: ReadonlyArray<readonly [field: string, options: Omit<Options, "postgres">]> = [
    ["maxOpenSpans", { maxOpenSpans: 0 }],
    ["serviceName", { serviceName: " " }],
    ["closeDeadline", { closeDeadline: -1 }],
    ["flushTimeout", { flushTimeout: Number.NaN }],
    ["maxBytes", { capture: { maxBytes: -1 } }],
    ["queueBytes", { delivery: { queueBytes: Number.NaN } }],
    ["retryDelay", { delivery: { retryDelay: 0 } }],
    ["writeTimeout", { delivery: { writeTimeout: "0 seconds" } }],
    ["concurrency", { delivery: { concurrency: Number.POSITIVE_INFINITY } }],
    ["spoolDirectory", { delivery: { spoolDirectory: "" } }],
    ["requestTimeout", { langfuse: { ...langfuse, requestTimeout: 0 } }]
  ]
  for (const [field, options] of impossible) {
    it.live(`that cannot work is a ConfigError that names it: ${field}`, () =>
      Effect.gen(function*() {
        const result = yield* Effect.either(Effect.scoped(Layer.build(layer({ ...options, postgres }))))
        assert.match(messageOf(result), new RegExp(`${field}.*expected .*, got `))
      }))
  }

  it.live("of PostgreSQL, too", () =>
    Effect.gen(function*() {
      for (
        const wrong of [{ maxConnections: 0 }, { maxConnections: Number.POSITIVE_INFINITY }, { connectTimeout: 0 }, {
          writeTimeout: Number.NaN
        }]
      ) {
        const result = yield* Effect.either(
          Effect.scoped(Layer.build(layer({ postgres: { ...postgres, ...wrong } })))
        )
        assert.match(messageOf(result), new RegExp(`${Object.keys(wrong)[0]}.*expected .*, got `))
      }
    }))

  const misnamed: ReadonlyArray<readonly [what: string, names: ReadonlyArray<string>, message: RegExp]> = [
    ["two of one name", ["twin", "twin"], /"twin"/],
    ["two names that a disk may not tell apart", ["twin", "Twin"], /"Twin"/],
    ["the name of one that comes with the library", ["postgres"], /"postgres"/],
    ["no name", [""], /""/],
    ["a name that leads out of the spool's folder", ["../twin"], /"\.\.\/twin"/],
    ["a name that is the spool's folder", ["."], /"\."/]
  ]
  for (const [what, names, message] of misnamed) {
    it.live(`of providers with ${what} is a ConfigError that says it`, () =>
      Effect.gen(function*() {
        const providers = names.map((name) => memory(name))
        const result = yield* Effect.either(
          Effect.scoped(Layer.build(layer({ postgres, providers, closeDeadline: 0 })))
        )
        assert.match(messageOf(result), /providers.*name/)
        assert.match(messageOf(result), message)
      }))
  }

  it.live("may be as large as there are numbers, and is not looked at where nothing is recorded", () =>
    Effect.gen(function*() {
      const delivery = { queueBytes: Number.POSITIVE_INFINITY }
      yield* Effect.scoped(Layer.build(layer({ postgres, delivery, closeDeadline: 0 })))
      yield* Effect.scoped(Layer.build(layer({ postgres, enabled: false, maxOpenSpans: 0 })))
    }))
})
