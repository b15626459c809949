/**
 * The newest revisions of traces and spans that were added to after their end, and so are written more than once. A
 * server of version 4 keeps the revision that arrives last, not the newest, so a revision that was overtaken while it
 * waited for a retry is not sent any more.
 */
import type { Observation } from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"

export class Amendments {
  private readonly newest = new Map<string, number>()

  learn(record: Observation): void {
    if (record.revision <= closedRevision) return
    const newest = Math.max(record.revision, this.newest.get(record.spanId) ?? 0)
    this.newest.delete(record.spanId)
    this.newest.set(record.spanId, newest)
    if (this.newest.size > maxAmendments) {
      for (const oldest of this.newest.keys()) {
        this.newest.delete(oldest)
        break
      }
    }
  }

  overtakes(record: Observation): boolean {
    return isAmendable(record) && (this.newest.get(record.spanId) ?? 0) > record.revision
  }
}

const maxAmendments = 2_000

/** Messages and events never change, and their `spanId` is that of the span they belong to. */
const isAmendable = (record: Observation): boolean => record._tag === "Trace" || record._tag === "Span"
