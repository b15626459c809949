/**
 * The gate of a delivery: a record joins the queue if the byte budget has room for it, and is counted as dropped
 * otherwise. Synchronous: it runs on the application's fiber.
 */
import type { Observation } from "../../Observation.ts"
import type { Extent } from "../extent.ts"
import type { Accounts } from "./accounts.ts"
import { Census } from "./census.ts"
import type { RecordQueue } from "./recordQueue.ts"
import type { Shedder } from "./shedder.ts"

export class Admission {
  private readonly queue: RecordQueue
  private readonly accounts: Accounts
  private readonly shedder: Shedder
  private readonly census: Census
  private readonly queueBytes: number
  private readonly onEntered: () => void
  private readonly onLeft: () => void
  private isClosed = false
  private drops = 0

  constructor(options: {
    readonly queue: RecordQueue
    readonly accounts: Accounts
    readonly shedder: Shedder
    readonly queueBytes: number
    /** Called when records have entered the queue. */
    readonly onEntered: () => void
    /** Called when records have left the queue to make room. */
    readonly onLeft: () => void
  }) {
    this.queue = options.queue
    this.accounts = options.accounts
    this.shedder = options.shedder
    this.census = new Census(options.queue)
    this.queueBytes = options.queueBytes
    this.onEntered = options.onEntered
    this.onLeft = options.onLeft
  }

  offer(record: Observation): void {
    if (this.isClosed) return this.accounts.refuse(record, "closed")
    if (this.shedder.sheds(record)) return this.shed(record)
    if (!this.hasRoomFor(record)) {
      this.dropOpenSpans()
      if (!this.hasRoomFor(record)) {
        this.shedder.giveUp(record, this.shareOf)
        return this.shed(record)
      }
    }
    this.queue.push(record, this.accounts.accept(1, record.size))
    this.onEntered()
  }

  offerAll(records: ReadonlyArray<Observation>, extent: Extent): void {
    const fits = this.accounts.pendingBytes + extent.bytes <= this.queueBytes
    if (this.isClosed || !this.shedder.isIdle || !fits) {
      for (const record of records) this.offer(record)
    } else {
      this.queue.pushAll(records, extent, this.accounts.accept(records.length, extent.bytes))
      this.onEntered()
    }
  }

  /** From here on all records are refused. */
  close(): void {
    this.isClosed = true
  }

  /** How many records found no room since the last call. */
  takeDrops(): number {
    const { drops } = this
    this.drops = 0
    return drops
  }

  private readonly shareOf = (traceId: string): number => this.census.shareOf(traceId)

  /** Trace records, and the notes about drops, have a reserve: without them nobody sees that something is missing. */
  private hasRoomFor(record: Observation): boolean {
    const isMark = record._tag === "Trace" || record._tag === "Span" && record.type === "dropped"
    const limit = this.queueBytes * (isMark ? 1.1 : 1)
    return this.accounts.pendingBytes + record.size <= limit
  }

  /**
   * Drops the records of spans that have not ended, which cost least: when such a span ends, its next record says
   * everything. A few of them are not worth walking the queue.
   */
  private dropOpenSpans(): void {
    if (this.queue.open * 8 < this.queue.length || this.queue.open === 0) return
    const open = this.queue.removeOpen()
    this.accounts.drop(open, "budget")
    this.drops += open.length
    this.onLeft()
  }

  private shed(record: Observation): void {
    this.shedder.count(record)
    this.accounts.refuse(record, "budget")
    this.drops++
  }
}
