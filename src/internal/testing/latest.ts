/** The newest snapshot of each record, as a store would hold it. */
import type { Observation } from "../../Observation.ts"

export const latest = (records: ReadonlyArray<Observation>): ReadonlyArray<Observation> => {
  const kept = new Map<string, Observation>()
  for (const record of records) {
    const key = keyOf(record)
    const known = kept.get(key)
    if (known === undefined || known.revision < record.revision) kept.set(key, record)
  }
  return Array.from(kept.values())
}

const keyOf = (record: Observation): string => {
  switch (record._tag) {
    case "Trace":
      return `Trace ${record.traceId}`
    case "Span":
      return `Span ${record.traceId} ${record.spanId}`
    case "ChatMessage":
      return `ChatMessage ${record.traceId} ${record.messageId}`
    case "DocumentEvent":
      return `DocumentEvent ${record.traceId} ${record.eventId}`
  }
}
