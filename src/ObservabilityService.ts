/**
 * The service that a program talks to. It builds observations, and hands them to one delivery per provider.
 *
 * **Loss policy.** No method fails, has a defect, or waits for a provider. What the deliveries could not write is
 * counted, see `flush` and `stats`. When the layer's scope closes, open spans are ended as `interrupted`, children
 * first, and what is queued is written within `closeDeadline`; the rest is dropped and counted.
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
 * Bounds of what is captured of one value; see `docs/capture.md`.
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
  /** Where records go. Each gets all of them, and none can disturb another. Two of one name are a defect at the start. */
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
  /** Bounds of what is captured of one value. */
  readonly capture?: CaptureOptions | undefined
  /** What model calls cost whose cost the program does not state. Default: `Pricing.shipped`. */
  readonly pricing?: Pricing.Table | undefined
  /**
   * Takes out of a record what must not be stored, before any provider sees it; see `Observation.mapTexts`. Synchronous.
   * When it throws, the record goes on without its content, and a warning says so. Default: nothing is taken out; values of
   * type `Redacted` are never captured.
   */
  readonly redact?: ((observation: Observation) => Observation) | undefined
  /** The time that closing the layer may take to write what is queued. Default: 5 seconds. */
  readonly closeDeadline?: Duration.DurationInput | undefined
  /**
   * Ending a trace waits, for this time at most, until what was recorded before is written. For functions that are frozen
   * as soon as they have answered. Default: nothing waits.
   */
  readonly flushOnTraceEnd?: Duration.DurationInput | undefined
  /** The time that `flush` may take when it is not told. Default: 30 seconds. */
  readonly flushTimeout?: Duration.DurationInput | undefined
  /**
   * How many open spans, and traces, are remembered at most to be ended when the layer closes; the oldest are forgotten
   * first. Default: 100,000.
   */
  readonly maxOpenSpans?: number | undefined
}

/**
 * What became of every record, by provider.
 *
 * @since 0.1.0
 * @category models
 */
export type FlushReceipt = Readonly<Record<string, Delivery.Receipt>>

/**
 * The live state.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats {
  /** By the name of the provider. */
  readonly providers: Readonly<Record<string, Delivery.Stats>>
  readonly openSpans: number
  readonly openTraces: number
  /** Records that a failing `redact` let through only without their content. */
  readonly failedRedactions: number
  /** Calls that could not be recorded because recording itself failed. */
  readonly failedRecordings: number
  /** How many model calls had no price, by the model; the first 100 of them by name. */
  readonly unpricedModels: Readonly<Record<string, number>>
}

/**
 * What is known of a span that somebody else has made already, such as a tracer.
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
 * The synchronous core, for combinators and bridges that stand inside of an instruction of a fiber. Nothing here
 * throws; a start that could not be recorded is `undefined`.
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
  /** @param parent what it belongs to; without one, it begins a trace of its own, which ends with it */
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
  /** Sets one attribute, which costs less than an update of the whole. */
  readonly addAttribute: (span: SpanHandle, key: string, value: unknown) => void
  /** Adds to a span, or to the span or trace that a context stands in, also to one that has ended. */
  readonly updateSpan: (span: SpanHandle | TraceContext, update: Input.SpanUpdate) => void
}

/**
 * What `ObservabilityService` offers.
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
   * Adds to a span, or to the span or trace that a context stands in, also to one that has ended: it is then written once
   * more. Of a trace, tokens and cost become the totals that the program states, and what only spans have goes into the
   * metadata. A handle stays that of the layer that began its span; a context is looked for in this one.
   */
  readonly updateSpan: (span: SpanHandle | TraceContext, update: Input.SpanUpdate) => Effect.Effect<void>
  /**
   * Says for whom the trace is in which a context stands, or the part of it that is for somebody of its own; see
   * `annotateTrace`.
   */
  readonly updateTrace: (context: TraceContext, subjects: Subjects) => Effect.Effect<void>
  /** Records a model call that is over; without a parent in a trace of its own. */
  readonly logLlmCall: (parent: TraceContext | undefined, call: Input.LlmCall) => Effect.Effect<void>
  /** Records a message of a conversation; without a parent in a trace of its own. */
  readonly logChatMessage: (parent: TraceContext | undefined, message: Input.ChatMessage) => Effect.Effect<void>
  /** Records a step of a document; without a parent in a trace of its own. */
  readonly logDocumentEvent: (parent: TraceContext | undefined, event: Input.DocumentEvent) => Effect.Effect<void>
  /** Writes what was recorded before the call, and says what became of everything since the start. */
  readonly flush: (options?: { readonly timeout?: Duration.DurationInput | undefined }) => Effect.Effect<FlushReceipt>
  readonly stats: Effect.Effect<Stats>
  /** What is to be done when a trace has ended, see `Options.flushOnTraceEnd`; mostly nothing. */
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
