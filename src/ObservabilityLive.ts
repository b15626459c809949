/**
 * The composition that a program provides once, at its top:
 *
 *     program fibers --> ObservabilityService --> delivery --> PgProvider ------> PostgreSQL
 *                                            \--> delivery --> LangfuseProvider -> Langfuse, when its keys are given
 *
 * A value in the environment that cannot be read is a `ConfigError` when the layer is built. A server that cannot be
 * reached is not: the program starts, and what it records waits.
 *
 * @since 0.1.0
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { randomUUID } from "node:crypto"
import * as Rules from "./internal/optionRules.ts"
import { namesProblem } from "./internal/providerNames.ts"
import * as LangfuseProvider from "./LangfuseProvider.ts"
import * as ObservabilityConfig from "./ObservabilityConfig.ts"
import type * as Service from "./ObservabilityService.ts"
import { ObservabilityService } from "./ObservabilityService.ts"
import * as PgProvider from "./PgProvider.ts"
import type { Provider } from "./Provider.ts"

/**
 * Everything that can be configured.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Omit<Service.Options, "providers"> {
  /** `false` records nothing and connects to nothing. Default: `true`. */
  readonly enabled?: boolean | undefined
  /** Where PostgreSQL is. */
  readonly postgres: PgProvider.Options
  /** Where Langfuse is. Default: nowhere. */
  readonly langfuse?: LangfuseProvider.Options | undefined
  /** Providers of the application's own, which get every record too, each under a name of its own. Default: none. */
  readonly providers?: ReadonlyArray<Provider> | undefined
}

/**
 * The service, configured in code. An impossible option is a `ConfigError`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<ObservabilityService, ConfigError.ConfigError> =>
  options.enabled === false ?
    ObservabilityService.layerNoop :
    composed(options, (processId) => PgProvider.layer({ pricing: options.pricing, ...options.postgres, processId }))

/**
 * The service over the `PgClient` of the application, whose pool it shares.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromClient = (
  options: Omit<Options, "postgres"> & {
    /** How records are stored. */
    readonly postgres?: PgProvider.StoreOptions | undefined
  } = {}
): Layer.Layer<ObservabilityService, ConfigError.ConfigError, PgClient> =>
  options.enabled === false ?
    ObservabilityService.layerNoop :
    composed(options, (processId) =>
      PgProvider.layerFromClient({ pricing: options.pricing, ...options.postgres, processId }))

/**
 * The service, configured by `Config`s of the application's own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<ObservabilityService, ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))

/**
 * What may be stated in code beside the environment, and then goes before it. `enabled` is not among it: whoever switches
 * the library off in the environment has the last word.
 *
 * @since 0.1.0
 * @category models
 */
export interface EnvironmentOptions extends Omit<Options, "enabled" | "postgres"> {
  /** How records are stored. */
  readonly postgres?: PgProvider.StoreOptions | undefined
}

/**
 * The service, configured by the environment, and in code for what has no place there, such as `redact`, `pricing` or
 * `providers`:
 *
 * ```ts
 * import * as Live from "effect-observability/ObservabilityLive"
 *
 * export const Observability = Live.layerEnvironment({ providers: [] })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnvironment = (
  options: EnvironmentOptions = {}
): Layer.Layer<ObservabilityService, ConfigError.ConfigError> =>
  ifEnabled(Effect.gen(function*() {
    const stated = yield* withEnvironment(options)
    return layer({ ...stated, postgres: over(yield* ObservabilityConfig.postgres, options.postgres) })
  }))

/**
 * The same over the `PgClient` of the application, whose pool it shares: `DATABASE_URL` is not read.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnvironmentFromClient = (
  options: EnvironmentOptions = {}
): Layer.Layer<ObservabilityService, ConfigError.ConfigError, PgClient> =>
  ifEnabled(Effect.gen(function*() {
    const stated = yield* withEnvironment(options)
    return layerFromClient({ ...stated, postgres: over(yield* ObservabilityConfig.store, options.postgres) })
  }))

/**
 * The service, configured by the environment; `ObservabilityConfig` lists the variables. `DATABASE_URL` is the only one
 * that is required.
 *
 * @since 0.1.0
 * @category layers
 */
export const ObservabilityLive: Layer.Layer<ObservabilityService, ConfigError.ConfigError> = layerEnvironment()

// internal

/** Switched off, nothing else is read: a service without a database needs no address of one. */
function ifEnabled<R>(
  whole: Effect.Effect<Layer.Layer<ObservabilityService, ConfigError.ConfigError, R>, ConfigError.ConfigError>
): Layer.Layer<ObservabilityService, ConfigError.ConfigError, R> {
  return Layer.unwrapEffect(
    Effect.flatMap(
      ObservabilityConfig.enabled,
      (enabled) => enabled ? whole : Effect.succeed(ObservabilityService.layerNoop)
    )
  )
}

function withEnvironment(
  { postgres: _, ...options }: EnvironmentOptions
): Effect.Effect<Omit<Options, "postgres">, ConfigError.ConfigError> {
  return Effect.gen(function*() {
    const service = yield* ObservabilityConfig.service
    return {
      ...over(service, options),
      delivery: over(service.delivery, options.delivery),
      capture: over(service.capture, options.capture),
      langfuse: options.langfuse ?? Option.getOrUndefined(yield* LangfuseProvider.config)
    }
  })
}

/** What is stated as `undefined` is not stated. */
function over<A extends object, B extends object>(environment: A, stated: B | undefined): A & B {
  const entries = Object.entries(stated ?? {}).filter(([, value]) => value !== undefined)
  return { ...environment, ...Object.fromEntries(entries) } as A & B
}

/** One id for the process, by which its records and its sign of life in PostgreSQL are known. */
const composed = <R>(
  options: Omit<Options, "postgres">,
  postgres: (processId: string) => Layer.Layer<PgProvider.PgProvider, PgProvider.PgOptionsError, R>
): Layer.Layer<ObservabilityService, ConfigError.ConfigError, R> =>
  Layer.unwrapEffect(Effect.sync(() => {
    const processId = randomUUID()
    const service = Layer.scoped(
      ObservabilityService,
      Effect.gen(function*() {
        yield* Rules.check({ ...options }, rules)
        const provider = yield* PgProvider.PgProvider
        const langfuse = yield* LangfuseProvider.LangfuseProvider
        const providers = [provider, ...Option.toArray(langfuse), ...(options.providers ?? [])]
        const problem = namesProblem(providers)
        if (problem !== undefined) return yield* Effect.fail(ConfigError.InvalidData(["providers"], problem))
        return yield* ObservabilityService.make({ ...options, processId, providers })
      })
    )
    return service.pipe(
      Layer.provide(Layer.merge(
        Layer.mapError(postgres(processId), ({ message }) => ConfigError.InvalidData(["postgres"], message)),
        LangfuseProvider.layer(Option.fromNullable(options.langfuse))
      ))
    )
  }))

const rules: Rules.Rules = {
  serviceName: Rules.text,
  environment: Rules.text,
  release: Rules.text,
  closeDeadline: Rules.duration,
  flushTimeout: Rules.duration,
  flushOnTraceEnd: Rules.duration,
  maxOpenSpans: Rules.oneOrMore,
  capture: {
    maxDepth: Rules.oneOrMore,
    maxEntries: Rules.oneOrMore,
    maxStringLength: Rules.oneOrMore,
    maxBytes: Rules.oneOrMore
  },
  delivery: {
    queueBytes: Rules.oneOrMore,
    batchWindow: Rules.duration,
    batchRecords: Rules.oneOrMore,
    batchBytes: Rules.oneOrMore,
    concurrency: Rules.finiteOneOrMore,
    writeTimeout: Rules.positiveDuration,
    retryDelay: Rules.positiveDuration,
    maxRetryDelay: Rules.positiveDuration,
    spoolDirectory: Rules.text,
    spoolBytes: Rules.oneOrMore,
    warningInterval: Rules.duration
  }
}
