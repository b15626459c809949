/**
 * The books of one delivery: every record that comes in leaves in exactly one way.
 */
import type { DropReason, Receipt } from "../../Delivery.ts"
import type { Observation } from "../../Observation.ts"
import { Meters } from "./meters.ts"

export class Accounts {
  accepted = 0
  pending = 0
  pendingBytes = 0
  batches = 0
  retries = 0
  readonly meters: Meters
  readonly droppedByReason: Record<string, number> = {}
  private written = 0
  private dropped = 0
  private rejected = 0

  constructor(provider: string) {
    this.meters = new Meters(provider)
  }

  /** @returns the record's sequence number */
  accept(record: Observation): number {
    this.pending++
    this.pendingBytes += record.size
    return ++this.accepted
  }

  /** A record that was never taken in. */
  refuse(record: Observation, reason: DropReason): void {
    this.accepted++
    this.countDrop(record, reason)
  }

  write(records: ReadonlyArray<Observation>): void {
    this.leave(records)
    this.batches++
    this.written += records.length
    this.meters.records("written", records.length)
  }

  reject(records: ReadonlyArray<Observation>): void {
    this.leave(records)
    this.rejected += records.length
    this.meters.records("rejected", records.length)
  }

  drop(records: ReadonlyArray<Observation>, reason: DropReason): void {
    this.leave(records)
    for (const record of records) this.countDrop(record, reason)
  }

  retry(): void {
    this.retries++
    this.meters.retry()
  }

  receipt(): Receipt {
    return {
      accepted: this.accepted,
      written: this.written,
      dropped: this.dropped,
      rejected: this.rejected,
      pending: this.pending
    }
  }

  private leave(records: ReadonlyArray<Observation>): void {
    this.pending -= records.length
    for (const record of records) this.pendingBytes -= record.size
    this.meters.queue(this.pending, this.pendingBytes)
  }

  private countDrop(record: Observation, reason: DropReason): void {
    this.dropped++
    this.meters.records(reason, 1)
    const key = `${record._tag}/${reason}`
    this.droppedByReason[key] = (this.droppedByReason[key] ?? 0) + 1
  }
}
