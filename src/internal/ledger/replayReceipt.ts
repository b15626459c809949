/** Counts what became of the traces of a replay, each in exactly one way. */
import type { Receipt } from "../../Replay.ts"
import type { Head } from "../postgres/readHeads.ts"
import type { Entry } from "./tally.ts"

export class ReplayReceipt {
  private complete = 0
  private open = 0
  private sent = 0
  private refused = 0
  private failed = 0
  private records = 0
  private readonly reasons = new Map<string, number>()

  /** Counts a trace that is not sent: it is complete, refused, or still open. */
  left(head: Head): void {
    if (head.isSettled && head.refused > 0) {
      this.refused++
      this.count(head.reason, head.refused)
    } else if (head.isSettled) {
      this.complete++
    } else {
      this.open++
    }
  }

  /** Counts a trace that was sent. @param entry its outcome; `undefined` when there was nothing left of it to send */
  replayed(entry: Entry | undefined, failure: string | undefined): void {
    this.records += entry?.delivered ?? 0
    if (failure !== undefined || (entry?.dropped ?? 0) > 0) {
      this.failed++
      this.count(failure ?? entry?.reason, 1)
    } else if (entry === undefined) {
      this.complete++
    } else if (entry.refused > 0) {
      this.refused++
      this.count(entry.reason, entry.refused)
    } else {
      this.sent++
    }
  }

  get current(): Receipt {
    const { complete, failed, open, records, refused, sent } = this
    return {
      traces: complete + open + sent + refused + failed,
      complete,
      open,
      sent,
      refused,
      failed,
      records,
      reasons: Object.fromEntries(this.reasons)
    }
  }

  /** Reasons may contain names: beyond `maxReasons`, more than anybody reads, all others count as one. */
  private count(reason = "not known", times: number): void {
    const key = this.reasons.has(reason) || this.reasons.size < maxReasons ? reason : "others"
    this.reasons.set(key, (this.reasons.get(key) ?? 0) + times)
  }
}

const maxReasons = 100
