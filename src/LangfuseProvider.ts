/**
 * Sends observations to Langfuse: its cloud, or a self-hosted server, of version 3 or 4.
 *
 * **Loss policy.** A request fails as `transient`, for the delivery to keep and retry, if it gets no answer, an
 * unreadable one, or one that asks to try again later. So does a request with wrong keys or to a wrong address, which
 * is retried slowly, with a message that names the variables. A record that the server refuses is `rejected`, without
 * the others of its batch. A record that is too large is cut, with a mark, before it is given up. Characters that make
 * a server lose its own data become U+FFFD.
 *
 * The provider has no queue, no retries and no timers of its own; `docs/langfuse.md` says what becomes what.
 *
 * @example
 * ```ts
 * import { ObservabilityService, withTrace } from "effect-observability"
 * import * as LangfuseProvider from "effect-observability/LangfuseProvider"
 * import { Effect, Layer, Redacted } from "effect"
 *
 * // one's own composition: Langfuse alone, without PostgreSQL
 * const Observability = Layer.unwrapEffect(
 *   Effect.map(
 *     LangfuseProvider.make({
 *       publicKey: Redacted.make("pk-lf-..."),
 *       secretKey: Redacted.make("sk-lf-..."),
 *       host: "http://localhost:3000"
 *     }),
 *     (langfuse) => ObservabilityService.layer({ providers: [langfuse], closeDeadline: "1 second" })
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
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Environment from "./internal/environment.ts"
import * as Rules from "./internal/optionRules.ts"
import { providerName } from "./internal/providerNames.ts"
import type { Provider } from "./Provider.ts"

/**
 * The provider, as a service of its own; `None` if Langfuse is not configured.
 *
 * @since 0.1.0
 * @category tags
 */
export class LangfuseProvider extends Context.Tag("effect-observability/LangfuseProvider")<
  LangfuseProvider,
  Option.Option<Provider>
>() {}

/**
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The provider's name, which must differ from that of a provider for a second project. Default: `langfuse`. */
  readonly name?: string | undefined
  /** Starts with `pk-lf-`. */
  readonly publicKey: Redacted.Redacted
  /** Starts with `sk-lf-`. */
  readonly secretKey: Redacted.Redacted
  /** The server's address. Default: `https://cloud.langfuse.com`. */
  readonly host?: string | undefined
  /**
   * The protocol: `ingestion` for servers of version 3, `otlp` for version 4. Default: `auto`, which chooses by the
   * version that the server reports, and then by what it accepts.
   */
  readonly protocol?: "auto" | "ingestion" | "otlp" | undefined
  /** How long one request may take. Default: 15 seconds. */
  readonly requestTimeout?: Duration.DurationInput | undefined
  /**
   * Whether traces and spans are sent when they begin as well as when they have ended. Works only with `ingestion`, and
   * not for spans of a type that Langfuse does not know: such a span may yet turn out to be a model call, and would
   * then be stored twice. Default: `false`.
   */
  readonly liveStarts?: boolean | undefined
}

/**
 * A provider for one project on one server. Fails only for an option that could not work with any server.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<Provider, ConfigError.ConfigError> =>
  Effect.gen(function*() {
    yield* Rules.check({ ...options }, { name: providerName, requestTimeout: Rules.positiveDuration })
    yield* checkKey("publicKey", options.publicKey)
    yield* checkKey("secretKey", options.secretKey)
    const host = yield* checkHost("host", options.host ?? defaultHost)
    const { connect, Writer } = yield* loaded
    const transport = yield* connect({
      publicKey: options.publicKey,
      secretKey: options.secretKey,
      host,
      requestTimeout: Duration.decode(options.requestTimeout ?? "15 seconds")
    })
    const writer = new Writer(transport, {
      protocol: options.protocol ?? "auto",
      liveStarts: options.liveStarts ?? false
    })
    return {
      name: options.name ?? "langfuse",
      concurrency: 2,
      // a trace is two events, and a server works through 100 in an acceptable time
      maxBatchRecords: 50,
      maxBatchBytes: 1024 * 1024,
      write: (batch) => writer.write(batch)
    }
  })

/**
 * A layer with the provider of {@link make}. With `None`, nothing is sent anywhere.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options | Option.Option<Options>
): Layer.Layer<LangfuseProvider, ConfigError.ConfigError> =>
  Layer.effect(
    LangfuseProvider,
    Effect.transposeMapOption(Option.isOption(options) ? options : Option.some(options), make)
  )

/**
 * The options, read from the environment:
 *
 * | variable | form | default |
 * | --- | --- | --- |
 * | `LANGFUSE_ENABLED` | boolean | `true` |
 * | `LANGFUSE_PUBLIC_KEY`, `LANGFUSE_SECRET_KEY` | text, both or neither | none: no Langfuse |
 * | `LANGFUSE_BASE_URL` | `http(s)://` address | `https://cloud.langfuse.com` |
 *
 * The address may also be in `LANGFUSE_HOST` or `LANGFUSE_BASEURL`, as older clients of Langfuse call the variable; two
 * addresses that differ are an error.
 *
 * `None` if Langfuse is switched off or there are no keys; one key without the other is an error.
 *
 * @since 0.1.0
 * @category configuration
 */
export const config: Config.Config<Option.Option<Options>> = Config.all({
  enabled: Environment.flag("LANGFUSE_ENABLED", true),
  publicKey: keyNamed("LANGFUSE_PUBLIC_KEY"),
  secretKey: keyNamed("LANGFUSE_SECRET_KEY"),
  hosts: Config.all([hostNamed("LANGFUSE_BASE_URL"), hostNamed("LANGFUSE_HOST"), hostNamed("LANGFUSE_BASEURL")])
}).pipe(
  // Only here is it known whether the values are needed at all. A missing key is reported as invalid data: as missing
  // data, it would count as no configuration if a program makes this config optional.
  Config.mapOrFail(({ enabled, hosts, publicKey, secretKey }) =>
    Either.gen(function*() {
      if (!enabled || (publicKey === undefined && secretKey === undefined)) return Option.none()
      return Option.some<Options>({
        publicKey: yield* checkKey("LANGFUSE_PUBLIC_KEY", yield* required("LANGFUSE_PUBLIC_KEY", publicKey)),
        secretKey: yield* checkKey("LANGFUSE_SECRET_KEY", yield* required("LANGFUSE_SECRET_KEY", secretKey)),
        host: yield* onlyHost(hosts.filter(Predicate.isNotUndefined))
      })
    })
  )
)

/**
 * The provider that the environment describes, or none; see {@link config}.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<LangfuseProvider, ConfigError.ConfigError> = Layer.unwrapEffect(
  Effect.map(config, layer)
)

// internal

/** Loaded on demand: a program without keys does not need the code that sends. */
const loaded = Effect.promise(async () => {
  const [{ make: connect }, { Writer }] = await Promise.all([
    import("./internal/langfuse/transport.ts"),
    import("./internal/langfuse/writer.ts")
  ])
  return { connect, Writer }
})

const defaultHost = "https://cloud.langfuse.com"

function keyNamed(name: string): Config.Config<Redacted.Redacted | undefined> {
  return Environment.optional(name, "expected a key of Langfuse", (text) => Option.some(Redacted.make(text)))
}

const required = <A>(name: string, value: A | undefined): Either.Either<A, ConfigError.ConfigError> =>
  Either.fromNullable(
    value,
    () => ConfigError.InvalidData([name], "is not set, while the other of Langfuse's two keys is: set both, or neither")
  )

interface NamedHost {
  readonly name: string
  readonly host: string
}

function hostNamed(name: string): Config.Config<NamedHost | undefined> {
  return Environment.optional(name, "expected an address", (host) => Option.some({ name, host }))
}

/** Fails for different addresses: choosing one might send keys and prompts to a server that they are not meant for. */
const onlyHost = (hosts: ReadonlyArray<NamedHost>): Either.Either<string, ConfigError.ConfigError> =>
  Either.gen(function*() {
    for (const { host, name } of hosts) yield* checkHost(name, host)
    const [first, ...others] = hosts
    if (first === undefined) return defaultHost
    const other = others.find(({ host }) => withoutSlash(host) !== withoutSlash(first.host))
    return other === undefined ? first.host : yield* Either.left(
      ConfigError.InvalidData([first.name], `is another address than that of ${other.name}: set one of the two`)
    )
  })

const withoutSlash = (host: string): string => host.replace(/\/+$/, "")

/** The keys are sent in a header, which takes no other characters. */
const checkKey = (
  name: string,
  key: Redacted.Redacted
): Either.Either<Redacted.Redacted, ConfigError.ConfigError> =>
  /^[\x21-\x7e]+$/.test(Redacted.value(key)) ? Either.right(key) : Either.left(
    ConfigError.InvalidData([name], "expected a key of Langfuse, of plain characters without spaces")
  )

/** Refuses credentials in the address, because requests are authenticated by Langfuse's keys. */
const checkHost = (name: string, host: string): Either.Either<string, ConfigError.ConfigError> =>
  /^https?:\/\/[^\s@?#]+$/i.test(host) && URL.canParse(host) ? Either.right(host) : Either.left(
    ConfigError.InvalidData([name], "expected an address such as https://cloud.langfuse.com")
  )
