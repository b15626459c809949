/**
 * The numbers under which states are stored. A stored number never changes its meaning.
 */
import type { DocumentStatus, SpanKind, Status } from "../../Observation.ts"

export const statusCodes: Readonly<Record<Status, number>> = {
  in_progress: 0,
  success: 1,
  error: 2,
  interrupted: 3,
  lost: 4
}

/** `internal`, the kind of nearly all spans, is stored as null. */
export const kindCodes: Readonly<Record<Exclude<SpanKind, "internal">, number>> = {
  server: 1,
  client: 2,
  producer: 3,
  consumer: 4
}

export const documentStatusCodes: Readonly<Record<DocumentStatus, number>> = {
  started: 0,
  completed: 1,
  failed: 2,
  skipped: 3
}
