/**
 * Chat messages: one row each, which never changes.
 */
import type { ChatMessage } from "../../Observation.ts"
import * as Type from "./columnType.ts"
import * as Common from "./commonColumns.ts"
import { column, type Table } from "./table.ts"
import { keepHeld } from "./upsert.ts"

export const chatMessageTable: Table<ChatMessage> = {
  name: "chat_message_store",
  key: ["trace_id", "message_id", "occurred_at"],
  columns: [
    Common.traceId,
    column("message_id", Type.bytea, (message) => message.messageId),
    column("occurred_at", Type.timestamp, (message) => message.timeUnixMicros),
    Common.processId,
    column("span_id", Type.bytea, (message) => message.spanId),
    column("sequence", Type.count, (message) => message.sequence),
    column("role", Type.text, (message) => message.role),
    column("content", Type.jsonb, (message) => message.content),
    column("turn_number", Type.count, (message) => message.turnNumber),
    column("sources", Type.jsonb, (message) => message.sources),
    column("citations", Type.jsonb, (message) => message.citations),
    column("tokens", Type.count, (message) => message.tokens),
    column("model", Type.indexedText, (message) => message.model),
    column("response_time_us", Type.micros, (message) => message.responseTimeMicros),
    ...Common.subjects,
    Common.withNotes("metadata", (message) => message.metadata)
  ],
  onConflict: keepHeld,
  isFirst: () => true,
  partitionTime: (message) => message.timeUnixMicros
}
