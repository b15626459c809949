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
  /** How many of the records are of spans that have not ended. */
  open = 0
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
    if (isOpenSpan(record)) this.open++
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
      if (isOpenSpan(this.records[to]!)) this.open--
      to++
    }
    const cut = { records: this.records.slice(from, to), bytes, firstSequence: this.oldest }
    this.bytes -= bytes
    this.discardUpTo(to)
    return cut
  }

  /** Puts what was cut to the front again. */
  putBack(cut: Cut): void {
    this.records = cut.records.concat(this.records.slice(this.head))
    this.sequences = cut.records.map(() => cut.firstSequence).concat(this.sequences.slice(this.head))
    this.head = 0
    this.bytes += cut.bytes
    for (const record of cut.records) if (isOpenSpan(record)) this.open++
  }

  /** Takes out the records of spans that have not ended: when they do, the next record says all that these say. */
  removeOpen(): ReadonlyArray<Observation> {
    const removed: Array<Observation> = []
    const records: Array<Observation> = []
    const sequences: Array<number> = []
    for (let index = this.head; index < this.records.length; index++) {
      const record = this.records[index]!
      if (isOpenSpan(record)) {
        removed.push(record)
        this.bytes -= record.size
      } else {
        records.push(record)
        sequences.push(this.sequences[index]!)
      }
    }
    this.records = records
    this.sequences = sequences
    this.head = 0
    this.open = 0
    return removed
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

const isOpenSpan = (record: Observation): boolean => record._tag === "Span" && record.status === "in_progress"

const released = undefined as unknown as Observation
