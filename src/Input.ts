/**
 * What a program hands over: everything here is captured at the call, so it may be changed or reused afterwards.
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
 * What `withTrace` takes beside the name.
 *
 * @since 0.1.0
 * @category models
 */
export interface TraceOptions extends RootOptions {
  /** What kind of operation this is, for example `chat` or `ingest`. */
  readonly operationType?: string | undefined
  /** Words to find the trace by. */
  readonly tags?: ReadonlyArray<string> | undefined
  /** What else is to be known of the trace. */
  readonly metadata?: Attributes | undefined
  /** What the operation was asked. */
  readonly input?: unknown
}

/**
 * What `startTrace` takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Trace extends TraceOptions {
  /** What is done, for example `chat`: the same for all traces of the kind. */
  readonly name: string
}

/**
 * What `endTrace` takes. What is left out is found: the duration from the start, the totals from what was recorded.
 *
 * @since 0.1.0
 * @category models
 */
export interface TraceEnd {
  /** Default: `error` when an error is given, here or before by `annotate`, otherwise `success`. */
  readonly status?: "success" | "error" | "interrupted" | undefined
  /** The kind of error, for example the `_tag` of one. */
  readonly errorType?: string | undefined
  /** What the error says. */
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
  /** What the operation answered. */
  readonly output?: unknown
}

/**
 * What `span` and `withSpan` take beside the name.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanOptions {
  /** The kind of work: one of the known words, or a lower-case word of your own. Default: `span`. */
  readonly type?: SpanType | undefined
  /** The role in a call between processes. Default: `internal`. */
  readonly kind?: SpanKind | undefined
  /** Spans that it has to do with, beside its parent; the first 128 are kept. */
  readonly links?: ReadonlyArray<SpanLink> | undefined
  /** What is to be known of it from the start. */
  readonly attributes?: Attributes | undefined
  /** What it works on. */
  readonly input?: unknown
}

/**
 * A span to point to.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanLink {
  /** Which span, for example the `context` of its handle. */
  readonly context: Pick<TraceContext, "traceId" | "spanId">
  /** What the two have to do with each other. */
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
  /** What is to be known of it. */
  readonly attributes?: Attributes | undefined
}

/**
 * What may be found out while a span runs. What is given replaces what was there; attributes are added.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanUpdate {
  /** A better name than the one that it was started with. */
  readonly name?: string | undefined
  /** Added to those that are there; of the same name, the new one stands. */
  readonly attributes?: Attributes | undefined
  /** What it works on. */
  readonly input?: unknown
  /** What came out. */
  readonly output?: unknown
  /**
   * Given, this is a failure, and has the status `error`, also where the effect succeeds, or is interrupted: an answer that
   * says no, a fallback. `null` takes it back. An effect that fails by itself has its own error, and this one beside it in
   * the attributes, under `observability.stated_error`.
   */
  readonly error?: unknown
  /** How many results a retrieval gave. */
  readonly resultCount?: number | undefined
  /** The best score among them, on whatever scale. */
  readonly topScore?: number | undefined
  /** How many pages a document has. */
  readonly pageCount?: number | undefined
  /** How many chunks it was cut into. */
  readonly chunkCount?: number | undefined
  /** The name of the model. */
  readonly model?: string | undefined
  /** Who runs the model, for example `openai`. */
  readonly provider?: string | undefined
  /** The one that the model was asked with. */
  readonly temperature?: number | undefined
  /** Why the model stopped, in the vendor's word, for example `stop`. */
  readonly finishReason?: string | undefined
  /** From the start of the call; a number is in milliseconds. */
  readonly timeToFirstToken?: Duration.DurationInput | undefined
  /** Tokens of the whole prompt, none of them cached; for more, use `usage`, for which `Usage` has constructors. */
  readonly promptTokens?: number | undefined
  /** Tokens of the whole answer, reasoning included. */
  readonly completionTokens?: number | undefined
  /** Takes precedence over `promptTokens` and `completionTokens`. A bucket that is left out is unknown, not 0. */
  readonly usage?: Partial<Usage> | undefined
  /** US dollars. Left out, it is computed from the usage and the price; where there is none, it is unknown, not 0. */
  readonly costUsd?: CostInput | undefined
}

/**
 * A call of a language model that is over. It is stored as a span of type `llm`.
 *
 * @since 0.1.0
 * @category models
 */
export interface LlmCall extends SpanUpdate {
  /** The name of the model, for example `gpt-4o-mini`. */
  readonly model: string
  /** Default: the operation `chat` and the model, as the GenAI conventions name such spans. */
  readonly name?: string | undefined
  /** How long the call took, up to now, 30 days at most; a number is in milliseconds. Left out, the duration is unknown. */
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
  /** What an answer was drawn from. */
  readonly sources?: ReadonlyArray<unknown> | undefined
  /** Where in the answer which source is cited. */
  readonly citations?: ReadonlyArray<unknown> | undefined
  /** Tokens of the message. */
  readonly tokens?: number | undefined
  /** The model that wrote it. */
  readonly model?: string | undefined
  /** How long the answer took; a number is in milliseconds. */
  readonly responseTime?: Duration.DurationInput | undefined
  /** What else is to be known of it. */
  readonly metadata?: Attributes | undefined
}

/**
 * One step of a document's way through the pipeline.
 *
 * @since 0.1.0
 * @category models
 */
export interface DocumentEvent {
  /** By which all steps of the document are found. */
  readonly documentId: string
  /** What people call it. */
  readonly documentName?: string | undefined
  /** Which step: one of the known words, or one of the pipeline's own. */
  readonly eventType: "upload" | "parse" | "chunk" | "embed" | "index" | "delete" | (string & {})
  /** How far the step is. */
  readonly status: DocumentStatus
  /** How long the step took, up to now, 30 days at most; a number is in milliseconds. */
  readonly duration?: Duration.DurationInput | undefined
  /** Figures of the step, for example `{ chunkCount: 12 }`. */
  readonly metrics?: Attributes | undefined
  /** Why the step failed. */
  readonly error?: unknown
  /** Whether trying the step again makes sense. */
  readonly retryable?: boolean | undefined
  /** How often it was tried again already. */
  readonly retryCount?: number | undefined
  /** What else is to be known of it. */
  readonly metadata?: Attributes | undefined
}
