/**
 * The layer of the whole library, which a program provides once, at its top:
 *
 *     program fibers --> ObservabilityService --> delivery --> PgProvider ------> PostgreSQL
 *                                            \--> delivery --> LangfuseProvider -> Langfuse, when its keys are given
 *
 * A value in the environment that cannot be read is a `ConfigError` when the layer is built. A server that cannot be
 * reached is not: the program starts, and its records wait.
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
  /** How to connect to PostgreSQL. */
  readonly postgres: PgProvider.Options
  /** How to connect to Langfuse. Default: records are not sent to Langfuse. */
  readonly langfuse?: LangfuseProvider.Options | undefined
  /** The application's own providers, which get every record, too. Each needs a unique name. Default: none. */
  readonly providers?: ReadonlyArray<Provider> | undefined
}

/**
 * The service, configured in code. An invalid option is a `ConfigError`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<ObservabilityService, ConfigError.ConfigError> =>
  options.enabled === false ?
    ObservabilityService.layerNoop :
    composed(options, (processId) => PgProvider.layer({ pricing: options.pricing, ...options.postgres, processId }))

/**
 * The service over the application's `PgClient`, whose pool it shares.
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
 * The service, configured by the application's own `Config`s.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<Options>
): Layer.Layer<ObservabilityService, ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))

/**
 * Options that can be given in code in addition to the environment, and take precedence over it. `enabled` is not among
 * them, so that switching the library off in the environment always works.
 *
 * @since 0.1.0
 * @category models
 */
export interface EnvironmentOptions extends Omit<Options, "enabled" | "postgres"> {
  /** How records are stored. */
  readonly postgres?: PgProvider.StoreOptions | undefined
}

/**
 * The service, configured by the environment, and in code for options that the environment cannot express, such as
 * `redact`, `pricing` or `providers`:
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
 * Like `layerEnvironment`, but over the application's `PgClient`, whose pool it shares: `DATABASE_URL` is not read.
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

/** Reads no other variable if the library is switched off: a program without a database needs no `DATABASE_URL`. */
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

/** Merges options in code over the environment's; an option that is `undefined` counts as not given. */
function over<A extends object, B extends object>(environment: A, stated: B | undefined): A & B {
  const entries = Object.entries(stated ?? {}).filter(([, value]) => value !== undefined)
  return { ...environment, ...Object.fromEntries(entries) } as A & B
}

/** Makes one id for the process, which identifies its records and its heartbeat in PostgreSQL. */
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
