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
  readonly tags?: ReadonlyArray<string> | undefined
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
  readonly errorType?: string | undefined
  readonly errorMessage?: string | undefined
  /** Instead of `errorType` and `errorMessage`: the error itself. `null` takes back what `annotate` stated before. */
  readonly error?: unknown
  /** Default: the time since the start. */
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
  /** Default: `span`. */
  readonly type?: SpanType | undefined
  /** Default: `internal`. */
  readonly kind?: SpanKind | undefined
  /** Spans that it has to do with, beside its parent; the first 128 are kept. */
  readonly links?: ReadonlyArray<SpanLink> | undefined
  readonly attributes?: Attributes | undefined
  readonly input?: unknown
}

/**
 * A span to point to.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanLink {
  readonly context: Pick<TraceContext, "traceId" | "spanId">
  readonly attributes?: Attributes | undefined
}

/**
 * Something that happened at one moment of a span.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanEvent {
  readonly name: string
  /** Nanoseconds of the fiber's `Clock`. Default: now. */
  readonly timeNanos?: bigint | undefined
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
  readonly attributes?: Attributes | undefined
  readonly input?: unknown
  readonly output?: unknown
  /**
   * Given, this is a failure, and has the status `error`, also where the effect succeeds, or is interrupted: an answer that
   * says no, a fallback. `null` takes it back. An effect that fails by itself has its own error, and this one beside it in
   * the attributes, under `observability.stated_error`.
   */
  readonly error?: unknown
  readonly resultCount?: number | undefined
  readonly topScore?: number | undefined
  readonly pageCount?: number | undefined
  readonly chunkCount?: number | undefined
  /** The name of the model. */
  readonly model?: string | undefined
  /** Who runs the model, for example `openai`. */
  readonly provider?: string | undefined
  readonly temperature?: number | undefined
  readonly finishReason?: string | undefined
  /** From the start of the call. */
  readonly timeToFirstToken?: Duration.DurationInput | undefined
  /** Tokens of the whole prompt, none of them cached; for more, use `usage`, for which `Usage` has constructors. */
  readonly promptTokens?: number | undefined
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
  readonly model: string
  /** Default: the operation `chat` and the model, as the GenAI conventions name such spans. */
  readonly name?: string | undefined
  /** How long the call took, up to now. Left out, the duration is unknown. */
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
  readonly tokens?: number | undefined
  readonly model?: string | undefined
  /** How long the answer took. */
  readonly responseTime?: Duration.DurationInput | undefined
  readonly metadata?: Attributes | undefined
}

/**
 * One step of a document's way through the pipeline.
 *
 * @since 0.1.0
 * @category models
 */
export interface DocumentEvent {
  readonly documentId: string
  readonly documentName?: string | undefined
  readonly eventType: "upload" | "parse" | "chunk" | "embed" | "index" | "delete" | (string & {})
  readonly status: DocumentStatus
  /** How long the step took, up to now. */
  readonly duration?: Duration.DurationInput | undefined
  /** Figures of the step, for example `{ chunkCount: 12 }`. */
  readonly metrics?: Attributes | undefined
  /** Why the step failed. */
  readonly error?: unknown
  /** Whether trying the step again makes sense. */
  readonly retryable?: boolean | undefined
  /** How often it was tried again already. */
  readonly retryCount?: number | undefined
  readonly metadata?: Attributes | undefined
}
