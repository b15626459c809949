/**
 * Which records the ledger counts, and the fingerprint by which it knows a set of them.
 *
 * Only final records count. A snapshot of a running span is followed by one that says all that it said, so losing it
 * loses nothing, and counting it would give figures of which nobody knows what they should be.
 */
import type { Observation } from "../../Observation.ts"

/** Whether a record is final. A delivery's note about its drops is not: it concerns one store, not the trace. */
export const isFinal = (record: Observation): boolean => {
  switch (record._tag) {
    case "Trace":
      return record.status !== "in_progress"
    case "Span":
      return record.status !== "in_progress" && !(record.type === "dropped" && record.status === "lost")
    case "ChatMessage":
    case "DocumentEvent":
      return true
  }
}

/**
 * A number whose sums over two sets of records are equal only when the sets are: the record's own id, drawn at random,
 * plus the revision, which tells later snapshots from earlier ones. `record_store` in PostgreSQL has the same
 * (migration 4).
 *
 * A sum can be computed in any order and in parts. And a record that was counted twice makes it wrong: the trace is
 * then sent once more, which changes nothing, whereas a plain count might take the trace for complete.
 */
export const fingerprintOf = (record: Observation): bigint => {
  switch (record._tag) {
    case "Trace":
    case "Span":
      return numberOf(record.spanId) + BigInt(record.revision)
    case "ChatMessage":
      return numberOf(record.messageId)
    case "DocumentEvent":
      return numberOf(record.eventId)
  }
}

// internal

/** 16 hexadecimal digits as PostgreSQL's `bigint`. */
const numberOf = (id: string): bigint => BigInt.asIntN(64, BigInt(`0x${id}`))
