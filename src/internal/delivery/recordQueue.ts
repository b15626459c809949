/**
 * A first-in, first-out queue of records that knows its size in bytes.
 *
 * Every record gets a sequence number when it enters, so that a flush can tell what was there before it from what came
 * after.
 */
import type { Observation } from "../../Observation.ts"

/** Records that left the queue together. */
export interface Cut {
  readonly records: Array<Observation>
  readonly bytes: number
  /** The sequence number of the oldest record among them. */
  readonly firstSequence: number
}

export class RecordQueue {
  bytes = 0
  private records: Array<Observation> = []
  private sequences: Array<number> = []
  /** What lies before it has left: a `shift` per record would move all the others. */
  private head = 0

  get length(): number {
    return this.records.length - this.head
  }

  /** The sequence number of the oldest record, `Infinity` when there is none. */
  get oldest(): number {
    return this.sequences[this.head] ?? Number.POSITIVE_INFINITY
  }

  push(record: Observation, sequence: number): void {
    this.records.push(record)
    this.sequences.push(sequence)
    this.bytes += record.size
  }

  /** Takes from the front, up to both limits, and one record at least. */
  cut(maxRecords: number, maxBytes: number): Cut {
    const from = this.head
    const limit = Math.min(from + maxRecords, this.records.length)
    let to = from
    let bytes = 0
    while (to < limit) {
      const size = this.records[to]!.size
      if (to > from && bytes + size > maxBytes) break
      bytes += size
      to++
    }
    const cut = { records: this.records.slice(from, to), bytes, firstSequence: this.oldest }
    this.bytes -= bytes
    this.discardUpTo(to)
    return cut
  }

  /** Empties the queue and returns what was in it. */
  clear(): ReadonlyArray<Observation> {
    return this.cut(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY).records
  }

  private discardUpTo(to: number): void {
    if (to === this.records.length) {
      this.records = []
      this.sequences = []
      this.head = 0
    } else if (to > 1024 && to * 2 > this.records.length) {
      // moving the rest is paid for by the at least as many records that have left
      this.records = this.records.slice(to)
      this.sequences = this.sequences.slice(to)
      this.head = 0
    } else {
      // lets go of the records now, not when the array is next compacted
      this.records.fill(released, this.head, to)
      this.head = to
    }
  }
}

const released = undefined as unknown as Observation
