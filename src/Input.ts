/**
 * The values that a program hands over. All of them are captured at the call, so they may be changed or reused
 * afterwards.
 *
 * A figure that cannot be true (a negative token count, a latency that is no number) is left out of the record, and a
 * sentence about it is kept with the record under `observability.problems`: nothing fails, and nothing is made up.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { DocumentStatus, SpanKind, SpanType } from "./Observation.ts"
import type { RootOptions, TraceContext } from "./TraceContext.ts"
import type { CostInput, Usage } from "./Usage.ts"

/**
 * Named values of any kind.
 *
 * @since 0.1.0
 * @category models
 */
export type Attributes = Readonly<Record<string, unknown>>

/**
 * The options of `withTrace`, besides the name.
 *
 * @since 0.1.0
 * @category models
 */
export interface TraceOptions extends RootOptions {
  /** What kind of operation this is, for example `chat` or `ingest`. */
  readonly operationType?: string | undefined
  /** Words to find the trace by. */
  readonly tags?: ReadonlyArray<string> | undefined
  /** Further information about the trace. */
  readonly metadata?: Attributes | undefined
  /** The input of the operation. */
  readonly input?: unknown
}

/**
 * The input of `startTrace`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trace extends TraceOptions {
  /** The operation, for example `chat`: the same for all traces of the kind. */
  readonly name: string
}

/**
 * The input of `endTrace`. Omitted fields are computed: the duration from the start, the totals from the recorded model
 * calls.
 *
 * @since 0.1.0
 * @category models
 */
export interface TraceEnd {
  /** Default: `error` when an error is given, here or before by `annotate`, otherwise `success`. */
  readonly status?: "success" | "error" | "interrupted" | undefined
  /** The kind of error, for example its `_tag`. */
  readonly errorType?: string | undefined
  /** The message of the error. */
  readonly errorMessage?: string | undefined
  /** Instead of `errorType` and `errorMessage`: the error itself. `null` takes back what `annotate` stated before. */
  readonly error?: unknown
  /** A number is in milliseconds. Default: the time since the start. */
  readonly duration?: Duration.DurationInput | undefined
  /** Default: the sum over the trace's model calls. */
  readonly inputTokens?: number | undefined
  /** Default: the sum over the trace's model calls. */
  readonly outputTokens?: number | undefined
  /** US dollars. Default: the sum over the trace's model calls. */
  readonly costUsd?: CostInput | undefined
  /** Added to the metadata of the start. */
  readonly metadata?: Attributes | undefined
  /** The output of the operation. */
  readonly output?: unknown
}

/**
 * The options of `span` and `withSpan`, besides the name.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanOptions {
  /** The kind of work: one of the known words, or a lower-case word of your own. Default: `span`. */
  readonly type?: SpanType | undefined
  /** The role in a call between processes. Default: `internal`. */
  readonly kind?: SpanKind | undefined
  /** Related spans, besides the parent; the first 128 are kept. */
  readonly links?: ReadonlyArray<SpanLink> | undefined
  /** Attributes that are known from the start. */
  readonly attributes?: Attributes | undefined
  /** What it works on. */
  readonly input?: unknown
}

/**
 * A link to a span.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanLink {
  /** The linked span, for example the `context` of its handle. */
  readonly context: Pick<TraceContext, "traceId" | "spanId">
  /** Describes how the two spans are related. */
  readonly attributes?: Attributes | undefined
}

/**
 * Something that happened at one moment of a span.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanEvent {
  /** What happened. */
  readonly name: string
  /** Nanoseconds of the fiber's `Clock`. Default: now. */
  readonly timeNanos?: bigint | undefined
  /** Further information about the event. */
  readonly attributes?: Attributes | undefined
}

/**
 * The information that may be found out while a span runs. A given field replaces the earlier value; attributes are
 * added.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanUpdate {
  /** A better name than the one that the span was started with. */
  readonly name?: string | undefined
  /** Added to the existing attributes; a new value replaces one of the same name. */
  readonly attributes?: Attributes | undefined
  /** What it works on. */
  readonly input?: unknown
  /** The result of the work. */
  readonly output?: unknown
  /**
   * States a failure: the span has the status `error`, even if the effect succeeds or is interrupted, as for a response
   * that says no, or a fallback. `null` takes it back. If the effect fails by itself, the span has the effect's error,
   * and this one is kept in the attributes, under `observability.stated_error`.
   */
  readonly error?: unknown
  /** The number of results of a retrieval. */
  readonly resultCount?: number | undefined
  /** The best score among the results, on whatever scale. */
  readonly topScore?: number | undefined
  /** The number of pages of a document. */
  readonly pageCount?: number | undefined
  /** The number of chunks that a document was cut into. */
  readonly chunkCount?: number | undefined
  /** The name of the model. */
  readonly model?: string | undefined
  /** Who runs the model, for example `openai`. */
  readonly provider?: string | undefined
  /** The sampling temperature that the model was asked with. */
  readonly temperature?: number | undefined
  /** Why the model stopped, in the vendor's word, for example `stop`. */
  readonly finishReason?: string | undefined
  /** From the start of the call; a number is in milliseconds. */
  readonly timeToFirstToken?: Duration.DurationInput | undefined
  /** Tokens of the whole prompt, none of them cached. For more detail use `usage`; `Usage` has constructors for it. */
  readonly promptTokens?: number | undefined
  /** Tokens of the whole answer, reasoning included. */
  readonly completionTokens?: number | undefined
  /** Takes precedence over `promptTokens` and `completionTokens`. A bucket that is left out is unknown, not 0. */
  readonly usage?: Partial<Usage> | undefined
  /**
   * US dollars. If omitted, it is computed from the usage and the price; if there is no price, it is unknown, not 0.
   */
  readonly costUsd?: CostInput | undefined
}

/**
 * A language model call that is over. It is stored as a span of type `llm`.
 *
 * @since 0.1.0
 * @category models
 */
export interface LlmCall extends SpanUpdate {
  /** The name of the model, for example `gpt-4o-mini`. */
  readonly model: string
  /** Default: the operation `chat` and the model, as the GenAI conventions name such spans. */
  readonly name?: string | undefined
  /**
   * The duration of the call, which ends now: 30 days at most; a number is in milliseconds. If omitted, it is unknown.
   */
  readonly latency?: Duration.DurationInput | undefined
}

/**
 * A message of a conversation.
 *
 * @since 0.1.0
 * @category models
 */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, `tool`, or a vendor's own. */
  readonly role: "system" | "user" | "assistant" | "tool" | (string & {})
  /** Text, or the parts of a message. */
  readonly content: unknown
  /** Which turn of the conversation it belongs to. */
  readonly turnNumber?: number | undefined
  /** The sources that an answer was drawn from. */
  readonly sources?: ReadonlyArray<unknown> | undefined
  /** Where in the answer which source is cited. */
  readonly citations?: ReadonlyArray<unknown> | undefined
  /** Tokens of the message. */
  readonly tokens?: number | undefined
  /** The model that wrote it. */
  readonly model?: string | undefined
  /** How long the answer took; a number is in milliseconds. */
  readonly responseTime?: Duration.DurationInput | undefined
  /** Further information about the message. */
  readonly metadata?: Attributes | undefined
}

/**
 * One step of a document's way through the pipeline.
 *
 * @since 0.1.0
 * @category models
 */
export interface DocumentEvent {
  /** The id by which all steps of the document are found. */
  readonly documentId: string
  /** The document's name for people. */
  readonly documentName?: string | undefined
  /** Which step: one of the known words, or one of the pipeline's own. */
  readonly eventType: "upload" | "parse" | "chunk" | "embed" | "index" | "delete" | (string & {})
  /** The state of the step. */
  readonly status: DocumentStatus
  /** The duration of the step, which ends now: 30 days at most; a number is in milliseconds. */
  readonly duration?: Duration.DurationInput | undefined
  /** Figures of the step, for example `{ chunkCount: 12 }`. */
  readonly metrics?: Attributes | undefined
  /** Why the step failed. */
  readonly error?: unknown
  /** Whether a retry of the step makes sense. */
  readonly retryable?: boolean | undefined
  /** The number of retries so far. */
  readonly retryCount?: number | undefined
  /** Further information about the step. */
  readonly metadata?: Attributes | undefined
}
