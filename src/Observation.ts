/**
 * The records of this library, as pure data.
 *
 * Every observation is a complete snapshot: it names its trace, carries everything known at that time, and has a
 * `revision` that grows with each later snapshot of the same trace or span. A provider keeps, per key, the snapshot
 * with the highest revision, so batches may arrive twice or out of order with the same result.
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import { dual } from "effect/Function"
import type { SpanId, TraceId } from "./Identifier.ts"
import * as Texts from "./internal/texts.ts"
import type { Usage } from "./Usage.ts"

/**
 * Plain data, as captured from the values of a caller; see `docs/capture.md` for the form that each value takes.
 *
 * @since 0.1.0
 * @category models
 */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | JsonObject

/**
 * @since 0.1.0
 * @category models
 */
export interface JsonObject {
  readonly [key: string]: Json
}

/**
 * The state of a trace or a span. `lost` is never written by the process that made the record: it marks traces and
 * spans that a process left open when it died.
 *
 * @since 0.1.0
 * @category models
 */
export type Status = "in_progress" | "success" | "error" | "interrupted" | "lost"

/**
 * Why something ended with `error`. A record that is still running, or was lost, has an error if the program had stated
 * one by then.
 *
 * @since 0.1.0
 * @category models
 */
export interface ErrorDetails {
  /** A low-cardinality name, `error.type` of the OpenTelemetry conventions: the error's `_tag`, or its class name. */
  readonly type: string
  /** The error's message. */
  readonly message: string
  /** The whole cause, printed, with stacks where there are any. */
  readonly cause: string | undefined
}

/**
 * The kind of work a span covers. The names are those of the field (OpenTelemetry GenAI, Langfuse, RAG pipelines);
 * any other lower-case word may be used.
 *
 * @since 0.1.0
 * @category models
 */
export type SpanType =
  | "span"
  | "llm"
  | "embedding"
  | "retrieval"
  | "rerank"
  | "tool"
  | "agent"
  | "chain"
  | "workflow"
  | "guardrail"
  | "evaluation"
  | "parse"
  | "chunk"
  | "index"
  // keeps the literals in an editor's completion while any string is accepted
  | (string & {})

/**
 * The role of a span in a call, as OpenTelemetry defines it: `client` and `server` are the two ends of a call that is
 * waited for, `producer` and `consumer` those of a call that is not, and all other spans are `internal`.
 *
 * @see https://opentelemetry.io/docs/specs/otel/trace/api/#spankind
 * @since 0.1.0
 * @category models
 */
export type SpanKind = "internal" | "server" | "client" | "producer" | "consumer"

/**
 * A link to a span that is related without being the parent.
 *
 * @since 0.1.0
 * @category models
 */
// a type and not an interface, so that it is `Json`, too, and stores take it as it is
export type SpanLink = {
  readonly traceId: TraceId
  readonly spanId: SpanId
  readonly attributes: JsonObject
}

/**
 * Something that happened at one moment of a span.
 *
 * @since 0.1.0
 * @category models
 */
export type SpanEvent = {
  readonly name: string
  /** Microseconds since the Unix epoch. */
  readonly timeUnixMicros: number
  readonly attributes: JsonObject
}

/**
 * The process that made a record: the OpenTelemetry resource, plus an id that is drawn anew at every start.
 *
 * @since 0.1.0
 * @category models
 */
export interface Resource {
  /** A uuid, drawn when the layer is built. */
  readonly processId: string
  /** `service.name` */
  readonly serviceName: string
  /** `deployment.environment.name` */
  readonly environment: string | undefined
  /** `service.version` */
  readonly release: string | undefined
}

/**
 * The fields of every observation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Common {
  readonly resource: Resource
  readonly traceId: TraceId
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  readonly kbId: string | undefined
  /** Grows with each later snapshot of the same trace or span; `closedRevision` and above are final. */
  readonly revision: number
  /** Estimated size in memory, in bytes: what the record costs of a delivery's budget. */
  readonly size: number
}

/**
 * The first revision of a closed trace or span. It is above every revision of an open one, so that a closed record
 * stays closed, even if another process than the one that began it ends it. A span has exactly this revision if no
 * snapshot of it was handed over while it was open. A trace that is `interrupted` because its process closed has the
 * revision below: another process may still end it, and its record counts.
 *
 * @since 0.1.0
 * @category constants
 */
export const closedRevision = 2 ** 30

/**
 * Totals of a trace.
 *
 * @since 0.1.0
 * @category models
 */
export interface Totals {
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  /** US dollars */
  readonly costUsd: BigDecimal.BigDecimal | undefined
  /** `true` when the caller stated them; otherwise they are the sum of what this process recorded in the trace. */
  readonly stated: boolean
}

/**
 * A trace as a whole. Its root span is the trace itself: `spanId` is the parent of the spans at the top.
 *
 * A field that the writer does not know is `undefined`: a process that ends a trace of another process knows neither
 * its name nor its input, and both are kept.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trace extends Common {
  readonly _tag: "Trace"
  readonly spanId: SpanId
  /** The caller's span in another process, when the trace was continued. */
  readonly parentSpanId: SpanId | undefined
  readonly name: string | undefined
  /** What kind of operation this is, for example `chat` or `ingest`. */
  readonly operationType: string | undefined
  readonly status: Status
  readonly error: ErrorDetails | undefined
  /** Microseconds since the Unix epoch. */
  readonly startTimeUnixMicros: number
  /** Microseconds; `undefined` while in progress. */
  readonly durationMicros: number | undefined
  readonly totals: Totals | undefined
  readonly tags: ReadonlyArray<string> | undefined
  readonly metadata: JsonObject | undefined
  readonly input: Json | undefined
  readonly output: Json | undefined
}

/**
 * Figures that may be found out while a span runs, besides its attributes.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanMetrics {
  /** The number of results of a retrieval. */
  readonly resultCount: number | undefined
  /** The best score among the results. */
  readonly topScore: number | undefined
  /** The number of pages of a document. */
  readonly pageCount: number | undefined
  /** The number of chunks that a document was cut into. */
  readonly chunkCount: number | undefined
}

/**
 * The fields of a model call, which other spans do not have.
 *
 * @since 0.1.0
 * @category models
 */
export interface ModelCall {
  /** `gen_ai.provider.name`, for example `openai`. */
  readonly provider: string | undefined
  /** `gen_ai.request.model` */
  readonly model: string | undefined
  /** `gen_ai.request.temperature` */
  readonly temperature: number | undefined
  /** `gen_ai.response.finish_reasons`, the first of them. */
  readonly finishReason: string | undefined
  /** Microseconds from the start of the call to the first token. */
  readonly timeToFirstTokenMicros: number | undefined
  readonly usage: Usage | undefined
  /** US dollars; `undefined` when the price is not known. */
  readonly costUsd: BigDecimal.BigDecimal | undefined
  /** The price that the cost was computed with; `undefined` if the program stated the cost, or if there is none. */
  readonly priceId: string | undefined
  /**
   * `true` if spans below this one hold all of its figures, too: then its own figures only repeat them, and a total
   * leaves them out. If spans below hold only its tokens, or only its cost, the other figure counts here, and the
   * repeated one is kept in the attributes, under `observability.repeated`.
   */
  readonly isSubtotal: boolean
}

/**
 * A timed piece of work within a trace.
 *
 * @since 0.1.0
 * @category models
 */
export interface Span extends Common {
  readonly _tag: "Span"
  readonly spanId: SpanId
  readonly parentSpanId: SpanId | undefined
  /** Whether the parent is a span of another process, which may or may not be recorded. */
  readonly parentIsRemote: boolean
  readonly name: string
  readonly type: SpanType
  /** `undefined` stands for `internal`. */
  readonly kind: SpanKind | undefined
  readonly status: Status
  readonly error: ErrorDetails | undefined
  /** Microseconds since the Unix epoch. */
  readonly startTimeUnixMicros: number
  /** Microseconds; `undefined` while in progress, and for a call whose latency is not known. */
  readonly durationMicros: number | undefined
  readonly metrics: SpanMetrics | undefined
  readonly modelCall: ModelCall | undefined
  /** At most 128, the first. */
  readonly links: ReadonlyArray<SpanLink> | undefined
  /** At most 128, the first. */
  readonly events: ReadonlyArray<SpanEvent> | undefined
  readonly attributes: JsonObject | undefined
  readonly input: Json | undefined
  readonly output: Json | undefined
}

/**
 * A message of a conversation.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChatMessage extends Common {
  readonly _tag: "ChatMessage"
  /** The message's own id. */
  readonly messageId: SpanId
  /** The span in which it was logged. */
  readonly spanId: SpanId
  /** Microseconds since the Unix epoch. */
  readonly timeUnixMicros: number
  /** A counter of the messages that the process logged, so that two of the same microsecond keep their order. */
  readonly sequence: number
  /** `system`, `user`, `assistant`, `tool`, or a vendor's own. */
  readonly role: string
  readonly content: Json
  /** Which turn of the conversation it belongs to. */
  readonly turnNumber: number | undefined
  /** The sources that an answer was drawn from. */
  readonly sources: Json | undefined
  /** Where in the answer which source is cited. */
  readonly citations: Json | undefined
  readonly tokens: number | undefined
  readonly model: string | undefined
  /** Microseconds that the answer took. */
  readonly responseTimeMicros: number | undefined
  readonly metadata: JsonObject | undefined
}

/**
 * The state of a document's step through the pipeline.
 *
 * @since 0.1.0
 * @category models
 */
export type DocumentStatus = "started" | "completed" | "failed" | "skipped"

/**
 * Why a step failed, and whether a retry makes sense.
 *
 * @since 0.1.0
 * @category models
 */
export interface DocumentError extends ErrorDetails {
  readonly retryable: boolean | undefined
  readonly retryCount: number | undefined
}

/**
 * One step of a document's way through the pipeline.
 *
 * @since 0.1.0
 * @category models
 */
export interface DocumentEvent extends Common {
  readonly _tag: "DocumentEvent"
  /** The event's own id. */
  readonly eventId: SpanId
  /** The span in which it was logged. */
  readonly spanId: SpanId
  /** Microseconds since the Unix epoch. */
  readonly timeUnixMicros: number
  /** A counter of the events that the process logged, so that two of the same microsecond keep their order. */
  readonly sequence: number
  readonly documentId: string
  readonly documentName: string | undefined
  /** `upload`, `parse`, `chunk`, `embed`, `index`, `delete`, or a pipeline's own. */
  readonly eventType: string
  readonly status: DocumentStatus
  /** Microseconds that the step took. */
  readonly durationMicros: number | undefined
  /** Figures of the step, for example `{ chunkCount: 12 }`. */
  readonly metrics: JsonObject | undefined
  readonly error: DocumentError | undefined
  readonly metadata: JsonObject | undefined
}

/**
 * Everything that can be recorded.
 *
 * @since 0.1.0
 * @category models
 */
export type Observation = Trace | Span | ChatMessage | DocumentEvent

/**
 * The kinds of observation: the values of `_tag`.
 *
 * @since 0.1.0
 * @category models
 */
export type Kind = Observation["_tag"]

/**
 * Applies a function to every text that is content: names of traces, spans, events and documents, tags, inputs,
 * outputs, attributes, metadata, metrics, messages with their sources and citations, and the message and cause of an
 * error. Made for the option `redact`.
 *
 * Ids (also those of users, sessions and knowledge bases), times, figures, costs and the keys of objects stay as they
 * are, and so do the words that classify records: types, roles, models, and the type of an error.
 *
 * @example
 * ```ts
 * import { Observation, ObservabilityService, Provider } from "effect-observability"
 *
 * const Observability = ObservabilityService.layer({
 *   providers: [Provider.memory()],
 *   redact: Observation.mapTexts((text) => text.replaceAll(/[\w.+-]+@[\w-]+\.[\w.-]+/g, "<e-mail>"))
 * })
 * ```
 *
 * @since 0.1.0
 * @category mapping
 */
export const mapTexts: {
  (f: (text: string) => string): <A extends Observation>(observation: A) => A
  <A extends Observation>(observation: A, f: (text: string) => string): A
} = dual(2, (observation: Observation, f: (text: string) => string): Observation => Texts.mapTexts(observation, f))
