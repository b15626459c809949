/**
 * Reads records from their rows: the inverse of the tables' descriptions, to be read side by side with them. A column
 * that is added there is one line here.
 *
 * What the tables do not hold is restored by its meaning: totals that nobody stated, a group of figures of which none
 * is known, and the revision of records that never change.
 */
import type { ChatMessage, Common, DocumentEvent, ErrorDetails, Span, Trace } from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"
import { documentStatusCodes, kindCodes, statusCodes } from "./codes.ts"
import type { Cells } from "./readCells.ts"

export const readTrace = (cells: Cells): Trace => ({
  _tag: "Trace",
  ...common(cells),
  revision: cells.required("revision", cells.count("revision")),
  spanId: cells.spanId("span_id"),
  parentSpanId: cells.optionalSpanId("parent_span_id"),
  name: cells.text("name"),
  operationType: cells.text("operation_type"),
  status: cells.word("status", statusCodes),
  error: error(cells),
  startTimeUnixMicros: cells.count("stated_start_at") ?? cells.required("started_at", cells.count("started_at")),
  durationMicros: cells.count("duration_us"),
  totals: stated({
    inputTokens: cells.count("input_tokens"),
    outputTokens: cells.count("output_tokens"),
    costUsd: cells.decimal("cost_usd")
  }),
  tags: cells.texts("tags"),
  metadata: cells.jsonObject("metadata"),
  input: cells.json("input"),
  output: cells.json("output")
})

export const readSpan = (cells: Cells): Span => ({
  _tag: "Span",
  ...common(cells),
  revision: cells.required("revision", cells.count("revision")),
  spanId: cells.spanId("span_id"),
  parentSpanId: cells.optionalSpanId("parent_span_id"),
  parentIsRemote: cells.boolean("is_entry") ?? false,
  name: cells.required("name", cells.text("name")),
  type: cells.required("type", cells.text("type")),
  kind: cells.optionalWord("kind", kindCodes),
  status: cells.word("status", statusCodes),
  error: error(cells),
  startTimeUnixMicros: cells.required("started_at", cells.count("started_at")),
  durationMicros: cells.count("duration_us"),
  metrics: anyOf({
    resultCount: cells.count("result_count"),
    topScore: cells.float("top_score"),
    pageCount: cells.count("page_count"),
    chunkCount: cells.count("chunk_count")
  }),
  modelCall: modelCall(cells),
  links: cells.json("links") as Span["links"],
  events: cells.json("events") as Span["events"],
  attributes: cells.jsonObject("attributes"),
  input: cells.json("input"),
  output: cells.json("output")
})

export const readChatMessage = (cells: Cells): ChatMessage => ({
  _tag: "ChatMessage",
  ...common(cells),
  revision: closedRevision,
  messageId: cells.spanId("message_id"),
  spanId: cells.spanId("span_id"),
  timeUnixMicros: cells.required("occurred_at", cells.count("occurred_at")),
  sequence: cells.required("sequence", cells.count("sequence")),
  role: cells.required("role", cells.text("role")),
  content: cells.required("content", cells.json("content")),
  turnNumber: cells.count("turn_number"),
  sources: cells.json("sources"),
  citations: cells.json("citations"),
  tokens: cells.count("tokens"),
  model: cells.text("model"),
  responseTimeMicros: cells.count("response_time_us"),
  metadata: cells.jsonObject("metadata")
})

export const readDocumentEvent = (cells: Cells): DocumentEvent => {
  const details = error(cells)
  return {
    _tag: "DocumentEvent",
    ...common(cells),
    revision: closedRevision,
    eventId: cells.spanId("event_id"),
    spanId: cells.spanId("span_id"),
    timeUnixMicros: cells.required("occurred_at", cells.count("occurred_at")),
    sequence: cells.required("sequence", cells.count("sequence")),
    documentId: cells.required("document_id", cells.text("document_id")),
    documentName: cells.text("document_name"),
    eventType: cells.required("event_type", cells.text("event_type")),
    status: cells.word("status", documentStatusCodes),
    durationMicros: cells.count("duration_us"),
    metrics: cells.jsonObject("metrics"),
    error: details === undefined ? undefined : {
      ...details,
      retryable: cells.boolean("error_retryable"),
      retryCount: cells.count("error_retry_count")
    },
    metadata: cells.jsonObject("metadata")
  }
}

// internal

const common = (cells: Cells): Omit<Common, "revision"> => ({
  resource: {
    processId: cells.required("process_id", cells.text("process_id")),
    serviceName: cells.text("service_name") ?? "unknown_service",
    environment: cells.text("environment"),
    release: cells.text("release")
  },
  traceId: cells.traceId("trace_id"),
  userId: cells.text("user_id"),
  sessionId: cells.text("session_id"),
  kbId: cells.text("kb_id"),
  size: cells.size
})

const error = (cells: Cells): ErrorDetails | undefined => {
  const type = cells.text("error_type")
  return type === undefined ? undefined : {
    type,
    message: cells.text("error_message") ?? "",
    cause: cells.text("error_cause")
  }
}

const modelCall = (cells: Cells): Span["modelCall"] => {
  const isSubtotal = cells.boolean("is_subtotal")
  return isSubtotal === undefined ? undefined : {
    provider: cells.text("provider"),
    model: cells.text("model"),
    temperature: cells.float("temperature"),
    finishReason: cells.text("finish_reason"),
    timeToFirstTokenMicros: cells.count("time_to_first_token_us"),
    usage: anyOf({
      uncachedInputTokens: cells.count("uncached_input_tokens"),
      cacheReadTokens: cells.count("cache_read_tokens"),
      cacheWriteTokens: cells.count("cache_write_tokens"),
      outputTokens: cells.count("output_tokens"),
      audioInputTokens: cells.count("audio_input_tokens"),
      imageInputTokens: cells.count("image_input_tokens"),
      audioCacheReadTokens: cells.count("audio_cache_read_tokens"),
      longCacheWriteTokens: cells.count("long_cache_write_tokens"),
      reasoningTokens: cells.count("reasoning_tokens"),
      audioOutputTokens: cells.count("audio_output_tokens"),
      imageOutputTokens: cells.count("image_output_tokens")
    }),
    costUsd: cells.decimal("cost_usd"),
    priceId: cells.text("price_id"),
    isSubtotal
  }
}

/** A group of figures, if any of them is known. */
const anyOf = <Group extends object>(group: Group): Group | undefined =>
  Object.values(group).some((figure) => figure !== undefined) ? group : undefined

/** Only totals that the program stated are stored. */
const stated = (totals: Omit<NonNullable<Trace["totals"]>, "stated">): Trace["totals"] =>
  anyOf(totals) === undefined ? undefined : { ...totals, stated: true }
