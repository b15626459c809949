/**
 * Decides what goes when there is no room left, and leaves word of it in the store.
 *
 * A trace of which a record has to go goes as a whole, but for the trace record itself: many traces with a hole each are
 * worth less than some traces whole. For every trace and kind that is cut short a span of type `dropped` is made, to be
 * written when there is room again, so that a reader sees the gap where it is.
 */
import { cryptographic } from "../../IdGenerator.ts"
import type { Kind, Observation, Span } from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"

interface Victim {
  /** One of its records: names the trace, its user and its process. */
  readonly example: Observation
  readonly counts: Map<Kind, number>
}

export class Shedder {
  private victims = new Map<string, Victim>()

  /** Whether a record belongs to a trace that goes. */
  sheds(record: Observation): boolean {
    return this.victims.size > 0 && record._tag !== "Trace" && this.victims.has(record.traceId)
  }

  /** Gives up the record's trace. Beyond a number of traces that no reader looks through, only the counts know. */
  giveUp(record: Observation): void {
    if (record._tag !== "Trace" && this.victims.size < maxVictims) {
      this.victims.set(record.traceId, { example: record, counts: new Map() })
    }
  }

  /** Counts a record of a trace that goes. */
  count(record: Observation): void {
    const counts = this.victims.get(record.traceId)?.counts
    counts?.set(record._tag, (counts.get(record._tag) ?? 0) + 1)
  }

  /** What is to be written about the traces that were cut short; from here on they are taken again. */
  report(unixMillis: number): ReadonlyArray<Span> {
    if (this.victims.size === 0) return []
    const victims = this.victims
    this.victims = new Map()
    return Array.from(victims.values()).flatMap(({ counts, example }) =>
      Array.from(counts, ([kind, count]) => noteOf(example, kind, count, unixMillis))
    )
  }
}

const maxVictims = 10_000

const noteOf = (example: Observation, kind: Kind, count: number, unixMillis: number): Span => ({
  _tag: "Span",
  resource: example.resource,
  traceId: example.traceId,
  spanId: cryptographic.spanId(),
  parentSpanId: undefined,
  userId: example.userId,
  sessionId: example.sessionId,
  kbId: example.kbId,
  revision: closedRevision,
  size: noteSize,
  name: `${count} ${kind} records dropped`,
  type: "dropped",
  status: "lost",
  error: undefined,
  startTimeUnixMicros: unixMillis * 1_000,
  durationMicros: 0,
  metrics: undefined,
  modelCall: undefined,
  attributes: { kind, count, reason: "budget" },
  input: undefined,
  output: undefined
})

const noteSize = 800
