/**
 * Observations as JSON, without their resource: it is nearly always the same for the whole batch, and stored once for
 * all of its records.
 */
import { isSpanId, isTraceId } from "../../Identifier.ts"
import type {
  ChatMessage,
  Common,
  DocumentError,
  DocumentEvent,
  ErrorDetails,
  Json,
  JsonObject,
  Kind,
  ModelCall,
  Observation,
  Resource,
  Span,
  SpanEvent,
  SpanLink,
  SpanMetrics,
  Status,
  Totals,
  Trace
} from "../../Observation.ts"
import type { Usage } from "../../Usage.ts"
import type { Codec } from "./codec.ts"
import {
  boolean,
  decimal,
  json,
  jsonObject,
  list,
  literal,
  Malformed,
  number,
  optional,
  refined,
  string,
  strings,
  struct
} from "./codec.ts"

export const resource = struct<Resource>({
  processId: string,
  serviceName: string,
  environment: optional(string),
  release: optional(string)
})

export const encode = (record: Observation): JsonObject => {
  switch (record._tag) {
    case "Trace":
      return trace.encode(record)
    case "Span":
      return span.encode(record)
    case "ChatMessage":
      return chatMessage.encode(record)
    case "DocumentEvent":
      return documentEvent.encode(record)
  }
}

/** Throws `Malformed`. */
export const decode = (value: Json, resource: Resource): Observation => {
  switch (jsonObject.decode(value)["_tag"]) {
    case "Trace":
      return { ...trace.decode(value), resource }
    case "Span":
      return { ...span.decode(value), resource }
    case "ChatMessage":
      return { ...chatMessage.decode(value), resource }
    case "DocumentEvent":
      return { ...documentEvent.decode(value), resource }
    default:
      throw new Malformed("no observation has this _tag")
  }
}

// internal

type Stored<A extends Observation> = Omit<A, "resource">

const traceId = refined("a trace id", isTraceId)
const spanId = refined("a span id", isSpanId)
const status = literal<Status>("in_progress", "success", "error", "interrupted", "lost")
const kind = <A extends Kind>(tag: A): Codec<A> => literal(tag)

const common: { readonly [Name in keyof Omit<Common, "resource">]: Codec<Common[Name]> } = {
  traceId,
  userId: optional(string),
  sessionId: optional(string),
  kbId: optional(string),
  revision: number,
  size: number
}

const errorDetails = { type: string, message: string, cause: optional(string) }

const trace = struct<Stored<Trace>>({
  ...common,
  _tag: kind("Trace"),
  spanId,
  parentSpanId: optional(spanId),
  name: optional(string),
  operationType: optional(string),
  status,
  error: optional(struct<ErrorDetails>(errorDetails)),
  startTimeUnixMicros: number,
  durationMicros: optional(number),
  totals: optional(struct<Totals>({
    inputTokens: optional(number),
    outputTokens: optional(number),
    costUsd: optional(decimal),
    stated: boolean
  })),
  tags: optional(strings),
  metadata: optional(jsonObject),
  input: optional(json),
  output: optional(json)
})

const usage = struct<Usage>({
  uncachedInputTokens: optional(number),
  cacheReadTokens: optional(number),
  cacheWriteTokens: optional(number),
  outputTokens: optional(number),
  audioInputTokens: optional(number),
  imageInputTokens: optional(number),
  audioCacheReadTokens: optional(number),
  longCacheWriteTokens: optional(number),
  reasoningTokens: optional(number),
  audioOutputTokens: optional(number),
  imageOutputTokens: optional(number)
})

const modelCall = struct<ModelCall>({
  provider: optional(string),
  model: optional(string),
  temperature: optional(number),
  finishReason: optional(string),
  timeToFirstTokenMicros: optional(number),
  usage: optional(usage),
  costUsd: optional(decimal),
  priceId: optional(string),
  isSubtotal: boolean
})

const span = struct<Stored<Span>>({
  ...common,
  _tag: kind("Span"),
  spanId,
  parentSpanId: optional(spanId),
  parentIsRemote: boolean,
  name: string,
  type: string,
  kind: optional(literal("internal", "server", "client", "producer", "consumer")),
  status,
  error: optional(struct<ErrorDetails>(errorDetails)),
  startTimeUnixMicros: number,
  durationMicros: optional(number),
  metrics: optional(struct<SpanMetrics>({
    resultCount: optional(number),
    topScore: optional(number),
    pageCount: optional(number),
    chunkCount: optional(number)
  })),
  modelCall: optional(modelCall),
  links: optional(list(struct<SpanLink>({ traceId, spanId, attributes: jsonObject }))),
  events: optional(list(struct<SpanEvent>({ name: string, timeUnixMicros: number, attributes: jsonObject }))),
  attributes: optional(jsonObject),
  input: optional(json),
  output: optional(json)
})

const chatMessage = struct<Stored<ChatMessage>>({
  ...common,
  _tag: kind("ChatMessage"),
  messageId: spanId,
  spanId,
  timeUnixMicros: number,
  sequence: number,
  role: string,
  content: json,
  turnNumber: optional(number),
  sources: optional(json),
  citations: optional(json),
  tokens: optional(number),
  model: optional(string),
  responseTimeMicros: optional(number),
  metadata: optional(jsonObject)
})

const documentEvent = struct<Stored<DocumentEvent>>({
  ...common,
  _tag: kind("DocumentEvent"),
  eventId: spanId,
  spanId,
  timeUnixMicros: number,
  sequence: number,
  documentId: string,
  documentName: optional(string),
  eventType: string,
  status: literal("started", "completed", "failed", "skipped"),
  durationMicros: optional(number),
  metrics: optional(jsonObject),
  error: optional(
    struct<DocumentError>({ ...errorDetails, retryable: optional(boolean), retryCount: optional(number) })
  ),
  metadata: optional(jsonObject)
})
