/**
 * Which records the ledger is about, and by what it knows a set of them.
 *
 * Only what is final counts. A snapshot of a running span is followed by one that says all that it said, so its loss is
 * none, and counting it would make figures of which nobody knows what they should be.
 */
import type { Observation } from "../../Observation.ts"

/** Whether a record is final. The note that a delivery leaves about what it dropped is about one store, not the trace. */
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
 * A number of which the sums over two sets of records are equal only when the sets are: the record's own id, drawn at
 * random, and what tells its later snapshots from earlier ones. `record_store` in PostgreSQL has the same (migration 4).
 *
 * A sum, because it can be had in any order and in parts. And a record that was counted twice makes it wrong: then the
 * trace is sent once more, which changes nothing, where a plain count might take it for complete.
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

/** 16 digits as PostgreSQL's `bigint`. */
const numberOf = (id: string): bigint => BigInt.asIntN(64, BigInt(`0x${id}`))
