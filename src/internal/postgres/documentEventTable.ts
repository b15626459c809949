/**
 * Steps of documents through the pipeline: one row each, which never changes.
 */
import type { DocumentEvent } from "../../Observation.ts"
import { documentStatusCodes } from "./codes.ts"
import * as Type from "./columnType.ts"
import * as Common from "./commonColumns.ts"
import { column, type Table } from "./table.ts"
import { keepHeld } from "./upsert.ts"

export const documentEventTable: Table<DocumentEvent> = {
  name: "document_event_store",
  key: ["trace_id", "event_id", "occurred_at"],
  columns: [
    Common.traceId,
    column("event_id", Type.bytea, (event) => event.eventId),
    column("occurred_at", Type.timestamp, (event) => event.timeUnixMicros),
    Common.processId,
    column("span_id", Type.bytea, (event) => event.spanId),
    column("sequence", Type.count, (event) => event.sequence),
    column("document_id", Type.indexedText, (event) => event.documentId),
    column("document_name", Type.text, (event) => event.documentName),
    column("event_type", Type.text, (event) => event.eventType),
    column("status", Type.code, (event) => documentStatusCodes[event.status]),
    column("duration_us", Type.micros, (event) => event.durationMicros),
    column("metrics", Type.jsonb, (event) => event.metrics),
    ...Common.error,
    column("error_retryable", Type.boolean, (event) => event.error?.retryable),
    column("error_retry_count", Type.count, (event) => event.error?.retryCount),
    ...Common.subjects,
    Common.withNotes("metadata", (event) => event.metadata)
  ],
  onConflict: keepHeld,
  isFirst: () => true,
  partitionTime: (event) => event.timeUnixMicros
}
