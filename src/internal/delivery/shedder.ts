/**
 * Decides what goes when there is no room left, and leaves word of it in the store.
 *
 * A trace of which a record has to go goes as a whole, but for the trace record itself: many traces with a hole each are
 * worth less than some traces whole. Not so a trace that is much of what waits, as that of a long job: with it would go
 * what there is room for, so it only loses what finds none. For every trace and kind that is cut short a span of type
 * `dropped` is made, to be written when there is room again, so that a reader sees the gap where it is.
 */
import { cryptographic } from "../../IdGenerator.ts"
import type { Kind, Observation, Span } from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"

/** What is missing of a trace, and was not reported yet. */
interface Gap {
  readonly place: Place
  readonly counts: Map<Kind, number>
  /** Whether the trace was much of what waited. */
  readonly isLarge: boolean
}

/** Names the trace, its user and its process. Not one of the records: that would keep its texts in memory. */
type Place = Pick<Observation, "resource" | "traceId" | "userId" | "sessionId" | "kbId">

export class Shedder {
  /** Traces that go. */
  private readonly victims = new Set<string>()
  private readonly gaps = new Map<string, Gap>()

  get isIdle(): boolean {
    return this.victims.size === 0
  }

  /** Whether there is something to be written about what was dropped. */
  get hasGaps(): boolean {
    return this.gaps.size > 0
  }

  /** Whether a record belongs to a trace that goes. */
  sheds(record: Observation): boolean {
    return !this.isIdle && record._tag !== "Trace" && this.victims.has(record.traceId)
  }

  /**
   * Gives up the record's trace, or the record alone if its trace is much of what waits. Beyond a number of traces that no
   * reader looks through, only the counts know.
   *
   * @param share what the trace has of what waits, from 0 to 1
   */
  giveUp(record: Observation, share: (traceId: string) => number): void {
    const { _tag, kbId, resource, sessionId, traceId, userId } = record
    if (_tag === "Trace") return
    let gap = this.gaps.get(traceId)
    if (gap === undefined) {
      if (this.gaps.size >= maxGaps) return
      const place = { resource, traceId, userId, sessionId, kbId }
      gap = { place, counts: new Map(), isLarge: share(traceId) >= largeShare }
      this.gaps.set(traceId, gap)
    }
    if (!gap.isLarge) this.victims.add(traceId)
  }

  /** Counts a record of a trace that goes. */
  count(record: Observation): void {
    const counts = this.gaps.get(record.traceId)?.counts
    counts?.set(record._tag, (counts.get(record._tag) ?? 0) + 1)
  }

  /**
   * What is to be written about traces that were cut short, as far as there is room for it; the rest the next time. From
   * here on all of them are taken again.
   */
  report(unixMillis: number, bytes: number): ReadonlyArray<Span> {
    this.victims.clear()
    const notes: Array<Span> = []
    for (const [traceId, { counts, place }] of this.gaps) {
      for (const [kind, count] of counts) {
        if ((notes.length + 1) * noteSize > bytes) return notes
        notes.push(noteOf(place, kind, count, unixMillis))
        counts.delete(kind)
      }
      this.gaps.delete(traceId)
    }
    return notes
  }
}

const maxGaps = 10_000

const largeShare = 0.25

const noteOf = (place: Place, kind: Kind, count: number, unixMillis: number): Span => ({
  _tag: "Span",
  ...place,
  spanId: cryptographic.spanId(),
  parentSpanId: undefined,
  parentIsRemote: false,
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
  kind: undefined,
  links: undefined,
  events: undefined,
  attributes: { kind, count, reason: "budget" },
  input: undefined,
  output: undefined
})

const noteSize = 800
