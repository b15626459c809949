/**
 * Spans: one row each. Only one process records a span, so a later snapshot simply replaces an earlier one.
 */
import { closedRevision, type Span } from "../../Observation.ts"
import { isEntry } from "../entrySpan.ts"
import { kindCodes, statusCodes } from "./codes.ts"
import * as Type from "./columnType.ts"
import * as Common from "./commonColumns.ts"
import { column, type Table } from "./table.ts"
import { replaceOlder } from "./upsert.ts"

const key = ["trace_id", "span_id", "started_at"]

const columns: Table<Span>["columns"] = [
  Common.traceId,
  column("span_id", Type.bytea, (span) => span.spanId),
  column("started_at", Type.timestamp, (span) => span.startTimeUnixMicros),
  Common.processId,
  Common.revision,
  column("parent_span_id", Type.bytea, (span) => span.parentSpanId),
  column("is_entry", Type.boolean, (span) => isEntry(span) ? true : undefined),
  column("name", Type.text, (span) => span.name),
  column("type", Type.indexedText, (span) => span.type),
  column(
    "kind",
    Type.code,
    ({ kind }) => kind === undefined || kind === "internal" ? undefined : kindCodes[kind]
  ),
  column("status", Type.code, (span) => statusCodes[span.status]),
  column("duration_us", Type.micros, (span) => span.durationMicros),
  ...Common.error,
  ...Common.subjects,
  column("provider", Type.text, (span) => span.modelCall?.provider),
  column("model", Type.indexedText, (span) => span.modelCall?.model),
  column("temperature", Type.float, (span) => span.modelCall?.temperature),
  column("finish_reason", Type.text, (span) => span.modelCall?.finishReason),
  column("time_to_first_token_us", Type.micros, (span) => span.modelCall?.timeToFirstTokenMicros),
  column("uncached_input_tokens", Type.count, (span) => span.modelCall?.usage?.uncachedInputTokens),
  column("cache_read_tokens", Type.count, (span) => span.modelCall?.usage?.cacheReadTokens),
  column("cache_write_tokens", Type.count, (span) => span.modelCall?.usage?.cacheWriteTokens),
  column("output_tokens", Type.count, (span) => span.modelCall?.usage?.outputTokens),
  column("audio_input_tokens", Type.count, (span) => span.modelCall?.usage?.audioInputTokens),
  column("image_input_tokens", Type.count, (span) => span.modelCall?.usage?.imageInputTokens),
  column("audio_cache_read_tokens", Type.count, (span) => span.modelCall?.usage?.audioCacheReadTokens),
  column("long_cache_write_tokens", Type.count, (span) => span.modelCall?.usage?.longCacheWriteTokens),
  column("reasoning_tokens", Type.count, (span) => span.modelCall?.usage?.reasoningTokens),
  column("audio_output_tokens", Type.count, (span) => span.modelCall?.usage?.audioOutputTokens),
  column("image_output_tokens", Type.count, (span) => span.modelCall?.usage?.imageOutputTokens),
  column("cost_usd", Type.money, (span) => span.modelCall?.costUsd),
  column("price_id", Type.text, (span) => span.modelCall?.priceId),
  column("is_subtotal", Type.boolean, (span) => span.modelCall?.isSubtotal),
  column("result_count", Type.count, (span) => span.metrics?.resultCount),
  column("top_score", Type.float, (span) => span.metrics?.topScore),
  column("page_count", Type.count, (span) => span.metrics?.pageCount),
  column("chunk_count", Type.count, (span) => span.metrics?.chunkCount),
  column("links", Type.jsonb, (span) => span.links),
  column("events", Type.jsonb, (span) => span.events),
  column("input", Type.jsonb, (span) => span.input),
  column("output", Type.jsonb, (span) => span.output),
  Common.withNotes("attributes", (span) => span.attributes)
]

export const spanTable: Table<Span> = {
  name: "span_store",
  key,
  columns,
  onConflict: replaceOlder(key, columns),
  isFirst: (span) => span.revision === closedRevision,
  partitionTime: (span) => span.startTimeUnixMicros
}
