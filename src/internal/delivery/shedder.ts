/**
 * Decides which records to drop when there is no room left, and reports the drops in the store.
 *
 * If one record of a trace has to be dropped, the whole trace is dropped, except for the trace record itself: a few
 * whole traces are worth more than many traces with a hole each. A trace that takes a large share of the queue, such as
 * that of a long job, is an exception: dropping all of it would drop records that there is room for, so it only loses
 * those that find none. For each incomplete trace and kind of record, a span of type `dropped` is written when there is
 * room again, so that a reader sees where the gap is.
 */
import { cryptographic } from "../../IdGenerator.ts"
import type { Kind, Observation, Span } from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"

/** The dropped records of a trace that were not reported yet. */
interface Gap {
  readonly place: Place
  readonly counts: Map<Kind, number>
  /** Whether the trace had a large share of the queue. */
  readonly isLarge: boolean
}

/** Identifies the trace, its user and its process. A record would do so, too, but would keep its texts in memory. */
type Place = Pick<Observation, "resource" | "traceId" | "userId" | "sessionId" | "kbId">

export class Shedder {
  /** Traces that are being dropped. */
  private readonly victims = new Set<string>()
  private readonly gaps = new Map<string, Gap>()

  get isIdle(): boolean {
    return this.victims.size === 0
  }

  /** Whether there are drops to report in the store. */
  get hasGaps(): boolean {
    return this.gaps.size > 0
  }

  /** Whether a record is to be dropped because its trace is. */
  sheds(record: Observation): boolean {
    return !this.isIdle && record._tag !== "Trace" && this.victims.has(record.traceId)
  }

  /**
   * Gives up the record's trace, or only the record if its trace takes a large share of the queue. Beyond `maxGaps`
   * traces, more than any reader looks through, drops are only counted.
   *
   * @param share returns a trace's share of the queue, from 0 to 1
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

  /** Counts a dropped record of an incomplete trace. */
  count(record: Observation): void {
    const counts = this.gaps.get(record.traceId)?.counts
    counts?.set(record._tag, (counts.get(record._tag) ?? 0) + 1)
  }

  /**
   * Makes the spans that report drops, as many as there is room for; the rest follow the next time. From here on
   * records of all traces are accepted again.
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
