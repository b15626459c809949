/**
 * The service that a program uses. It builds observations, and hands them to one delivery per provider.
 *
 * **Loss policy.** No method fails, has a defect, or waits for a provider. Records that the deliveries could not write
 * are counted, see `flush` and `stats`. When the layer's scope closes, open spans are ended as `interrupted`, children
 * first, and queued records are written within `closeDeadline`; the rest is dropped and counted.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Delivery from "./Delivery.ts"
import type { SpanId, TraceId } from "./Identifier.ts"
import type * as Input from "./Input.ts"
import { noopService } from "./internal/noopService.ts"
import { recordingService } from "./internal/recordingService.ts"
import type { Observation, SpanType } from "./Observation.ts"
import type * as Pricing from "./Pricing.ts"
import type { Provider } from "./Provider.ts"
import type { SpanHandle } from "./SpanHandle.ts"
import type { Subjects, TraceContext } from "./TraceContext.ts"

/**
 * Limits of one captured value; see `docs/capture.md`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CaptureOptions {
  /** Levels of nesting. Default: 16. */
  readonly maxDepth?: number | undefined
  /** Entries of one object or array. Default: 1,000. */
  readonly maxEntries?: number | undefined
  /** Characters of one text. Default: 1,048,576. */
  readonly maxStringLength?: number | undefined
  /** Estimated bytes of the whole value. Default: 4 MiB. */
  readonly maxBytes?: number | undefined
}

/**
 * How the service records and delivers. Every field but `providers` has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * The destinations of records. Each provider gets all records, and none can disturb another. Two providers of the
   * same name are a defect at the start.
   */
  readonly providers: ReadonlyArray<Provider>
  /** `service.name` of OpenTelemetry. Default: `unknown_service`. */
  readonly serviceName?: string | undefined
  /** A uuid that tells this process from every other one. Default: drawn when the service is made. */
  readonly processId?: string | undefined
  /** `deployment.environment.name` of OpenTelemetry, for example `production`. Default: none. */
  readonly environment?: string | undefined
  /** `service.version` of OpenTelemetry. Default: none. */
  readonly release?: string | undefined
  /** How records are delivered to each provider. */
  readonly delivery?: Delivery.Options | undefined
  /** Limits of one captured value. */
  readonly capture?: CaptureOptions | undefined
  /** The prices of model calls whose cost the program does not state. Default: `Pricing.shipped`. */
  readonly pricing?: Pricing.Table | undefined
  /**
   * Removes content that must not be stored from a record, before any provider sees it; see `Observation.mapTexts`.
   * Synchronous. If it throws, the record goes on without its content, and a warning says so. Default: nothing is
   * removed; values of type `Redacted` are never captured.
   */
  readonly redact?: ((observation: Observation) => Observation) | undefined
  /** The time that closing the layer may take to write queued records. Default: 5 seconds. */
  readonly closeDeadline?: Duration.DurationInput | undefined
  /**
   * The time for which ending a trace waits, at most, until all earlier records are written. For functions that are
   * frozen as soon as they have answered. Default: no waiting.
   */
  readonly flushOnTraceEnd?: Duration.DurationInput | undefined
  /** The time that `flush` may take if it is called without one. Default: 30 seconds. */
  readonly flushTimeout?: Duration.DurationInput | undefined
  /**
   * The maximum number of open spans, and of open traces, that are remembered to be ended when the layer closes; the
   * oldest are forgotten first. Default: 100,000.
   */
  readonly maxOpenSpans?: number | undefined
}

/**
 * The outcome of all records, by provider.
 *
 * @since 0.1.0
 * @category models
 */
export type FlushReceipt = Readonly<Record<string, Delivery.Receipt>>

/**
 * The live state of the service.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  /** Keyed by the provider's name. */
  readonly providers: Readonly<Record<string, Delivery.Stats>>
  readonly openSpans: number
  readonly openTraces: number
  /** Records that went on without their content because `redact` failed. */
  readonly failedRedactions: number
  /** Calls that could not be recorded because recording itself failed. */
  readonly failedRecordings: number
  /** The number of model calls without a price, by model. Models after the first 100 count as `(others)`. */
  readonly unpricedModels: Readonly<Record<string, number>>
}

/**
 * Known properties of a span that somebody else has made already, such as a tracer.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanOrigin {
  /** For a span without a parent: the trace that it begins. Default: drawn. */
  readonly traceId?: TraceId | undefined
  /** Default: drawn. */
  readonly spanId?: SpanId | undefined
  /** For a span without a parent: whether its trace is sampled. Default: as `subjects`, else `true`. */
  readonly sampled?: boolean | undefined
  /**
   * For a span without a parent: the context whose user, session and knowledge base its trace is for. Default: those of
   * `withSubjects`, if any.
   */
  readonly subjects?: TraceContext | undefined
  /** Nanoseconds of the fiber's clock. Default: now. */
  readonly startTimeNanos?: bigint | undefined
}

/**
 * The synchronous core, for combinators and bridges that run inside of an instruction of a fiber. Nothing here throws;
 * a start that could not be recorded returns `undefined`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Unsafe {
  readonly startTrace: (fiber: Fiber.RuntimeFiber<unknown, unknown>, trace: Input.Trace) => TraceContext | undefined
  /** Ends the trace unless it has ended. */
  readonly endTrace: (
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    context: TraceContext,
    exit: Exit.Exit<unknown, unknown>
  ) => void
  /** @param parent the parent; without one, the span begins a trace of its own, which ends with it */
  readonly startSpan: (
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    parent: TraceContext | SpanHandle | undefined,
    name: string,
    options: Input.SpanOptions | undefined,
    origin?: SpanOrigin | undefined
  ) => SpanHandle | undefined
  /**
   * Ends the span unless it has ended.
   *
   * @param endTimeNanos nanoseconds of the fiber's clock; now if absent
   */
  readonly endSpan: (
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    span: SpanHandle,
    exit: Exit.Exit<unknown, unknown>,
    endTimeNanos?: bigint | undefined
  ) => void
  readonly addEvent: (
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    span: SpanHandle,
    event: Input.SpanEvent
  ) => void
  readonly addLink: (span: SpanHandle, link: Input.SpanLink) => void
  /** Sets one attribute, which costs less than `updateSpan`. */
  readonly addAttribute: (span: SpanHandle, key: string, value: unknown) => void
  /** Updates a span, or the span or trace at a context, also one that has ended. */
  readonly updateSpan: (span: SpanHandle | TraceContext, update: Input.SpanUpdate) => void
}

/**
 * The methods of `ObservabilityService`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** `false` for the service that records nothing: combinators then leave programs as they are. */
  readonly enabled: boolean
  /** Starts a trace. It runs until `endTrace`; `withTrace` does both. */
  readonly startTrace: (trace: Input.Trace) => Effect.Effect<TraceContext>
  /** Ends a trace, of this process or another. The first end stands. */
  readonly endTrace: (context: TraceContext, end?: Input.TraceEnd) => Effect.Effect<void>
  /** Starts a span below `parent`; it ends with the scope, with the status of the scope's `Exit`. */
  readonly span: (
    parent: TraceContext,
    name: string,
    type?: SpanType,
    options?: Omit<Input.SpanOptions, "type">
  ) => Effect.Effect<SpanHandle, never, Scope.Scope>
  /**
   * Updates a span, or the span or trace at a context, also one that has ended: its record is then written once more.
   * For a trace, tokens and cost become the totals that the program states, and fields that only spans have go into the
   * metadata. A handle is updated in the layer that began its span; a context is looked up in this layer.
   */
  readonly updateSpan: (span: SpanHandle | TraceContext, update: Input.SpanUpdate) => Effect.Effect<void>
  /**
   * Sets the subjects of the trace at a context, or of the section of it that has subjects of its own; see
   * `annotateTrace`.
   */
  readonly updateTrace: (context: TraceContext, subjects: Subjects) => Effect.Effect<void>
  /** Records a model call that is over; without a parent, in a trace of its own. */
  readonly logLlmCall: (parent: TraceContext | undefined, call: Input.LlmCall) => Effect.Effect<void>
  /** Records a message of a conversation; without a parent, in a trace of its own. */
  readonly logChatMessage: (parent: TraceContext | undefined, message: Input.ChatMessage) => Effect.Effect<void>
  /** Records a step of a document; without a parent, in a trace of its own. */
  readonly logDocumentEvent: (parent: TraceContext | undefined, event: Input.DocumentEvent) => Effect.Effect<void>
  /** Writes everything recorded before the call, and returns what became of all records since the start. */
  readonly flush: (options?: { readonly timeout?: Duration.DurationInput | undefined }) => Effect.Effect<FlushReceipt>
  readonly stats: Effect.Effect<Stats>
  /** The effect to run after a trace has ended, see `Options.flushOnTraceEnd`; mostly nothing. */
  readonly afterTrace: Effect.Effect<void>
  readonly unsafe: Unsafe
}

/**
 * The service, and the layers that provide it.
 *
 * @since 0.1.0
 * @category tags
 */
export class ObservabilityService extends Context.Tag("effect-observability/ObservabilityService")<
  ObservabilityService,
  Service
>() {
  /** Records to the given providers until the scope closes. */
  static readonly make = (options: Options): Effect.Effect<Service, never, Scope.Scope> => recordingService(options)

  /** Records to the given providers. Build it once, at the top of the program. */
  static readonly layer = (options: Options): Layer.Layer<ObservabilityService> =>
    Layer.scoped(ObservabilityService, recordingService(options))

  /** Records nothing, and leaves programs as they are. */
  static readonly layerNoop: Layer.Layer<ObservabilityService> = Layer.sync(ObservabilityService, () => noopService)

  /** Keeps every record in the memory of the given provider, see `Provider.memory`. */
  static readonly layerMemory = (
    provider: Provider,
    options?: Omit<Options, "providers">
  ): Layer.Layer<ObservabilityService> => ObservabilityService.layer({ ...options, providers: [provider] })
}
