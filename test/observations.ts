/** Observations for tests: complete, small, and different from each other only where a test says so. */
import { BigDecimal } from "effect"
import type { SpanId, TraceId } from "../src/Identifier.ts"
import type { ChatMessage, DocumentEvent, ModelCall, Resource, Span, Trace } from "../src/Observation.ts"
import type { Usage } from "../src/Usage.ts"

/** 2026-03-01T10:00:00Z, in microseconds. */
export const startTimeUnixMicros = 1_772_359_200_000_000

export const resource: Resource = {
  processId: "0195512f-6c00-7000-8000-000000000001",
  serviceName: "test-service",
  environment: "test",
  release: "1.0.0"
}

/** A trace id like those the library draws: UUIDv7, carrying the time of {@link startTimeUnixMicros}. */
export const traceId = (index: number): TraceId => `${v7Prefix}${index.toString(16).padStart(15, "0")}` as TraceId

const v7Prefix = `${(startTimeUnixMicros / 1000).toString(16).padStart(12, "0")}70008`

export const spanId = (index: number): SpanId => index.toString(16).padStart(16, "0") as SpanId

const common = {
  resource,
  traceId: traceId(1),
  userId: undefined,
  sessionId: undefined,
  kbId: undefined,
  revision: 1,
  size: 100
}

export const trace = (fields: Partial<Trace> = {}): Trace => ({
  ...common,
  _tag: "Trace",
  spanId: spanId(1),
  parentSpanId: undefined,
  name: "answer",
  operationType: undefined,
  status: "in_progress",
  error: undefined,
  startTimeUnixMicros,
  durationMicros: undefined,
  totals: undefined,
  tags: undefined,
  metadata: undefined,
  input: undefined,
  output: undefined,
  ...fields
})

export const span = (fields: Partial<Span> = {}): Span => ({
  ...common,
  _tag: "Span",
  spanId: spanId(2),
  parentSpanId: spanId(1),
  parentIsRemote: false,
  name: "step",
  type: "span",
  kind: undefined,
  status: "in_progress",
  error: undefined,
  startTimeUnixMicros,
  durationMicros: undefined,
  metrics: undefined,
  modelCall: undefined,
  links: undefined,
  events: undefined,
  attributes: undefined,
  input: undefined,
  output: undefined,
  ...fields
})

export const usage = (fields: Partial<Usage> = {}): Usage => ({
  uncachedInputTokens: undefined,
  cacheReadTokens: undefined,
  cacheWriteTokens: undefined,
  outputTokens: undefined,
  audioInputTokens: undefined,
  imageInputTokens: undefined,
  audioCacheReadTokens: undefined,
  longCacheWriteTokens: undefined,
  reasoningTokens: undefined,
  audioOutputTokens: undefined,
  imageOutputTokens: undefined,
  ...fields
})

export const modelCall = (fields: Partial<ModelCall> = {}): ModelCall => ({
  provider: "openai",
  model: "gpt-4o",
  temperature: undefined,
  finishReason: undefined,
  timeToFirstTokenMicros: undefined,
  usage: undefined,
  costUsd: undefined,
  priceId: undefined,
  isSubtotal: false,
  ...fields
})

export const usd = (amount: string) => BigDecimal.unsafeFromString(amount)

export const chatMessage = (fields: Partial<ChatMessage> = {}): ChatMessage => ({
  ...common,
  _tag: "ChatMessage",
  messageId: spanId(3),
  spanId: spanId(2),
  timeUnixMicros: startTimeUnixMicros,
  sequence: 1,
  role: "user",
  content: "What is a partition?",
  turnNumber: undefined,
  sources: undefined,
  citations: undefined,
  tokens: undefined,
  model: undefined,
  responseTimeMicros: undefined,
  metadata: undefined,
  ...fields
})

export const documentEvent = (fields: Partial<DocumentEvent> = {}): DocumentEvent => ({
  ...common,
  _tag: "DocumentEvent",
  eventId: spanId(4),
  spanId: spanId(2),
  timeUnixMicros: startTimeUnixMicros,
  sequence: 1,
  documentId: "document-1",
  documentName: undefined,
  eventType: "parse",
  status: "completed",
  durationMicros: undefined,
  metrics: undefined,
  error: undefined,
  metadata: undefined,
  ...fields
})
