/**
 * A first-in, first-out queue of records that knows its size in bytes.
 *
 * Every record gets a sequence number when it enters, so that a flush can tell the records that came before it from
 * those that came after. Records that enter together stay one run, in the array they came in, which the queues of all
 * providers share: kept one by one, they cost each provider 0.3 µs more.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import type { Observation } from "../../Observation.ts"
import { type Extent, extentOf, isOpenSpan } from "../extent.ts"

/** Records that left the queue together. Made by a constructor and not as a literal: docs/decisions/0010. */
export class Cut {
  readonly records: ReadonlyArray<Observation>
  readonly bytes: number
  /** The sequence number of the oldest record among them. */
  readonly firstSequence: number

  constructor(records: ReadonlyArray<Observation>, bytes: number, firstSequence: number) {
    this.records = records
    this.bytes = bytes
    this.firstSequence = firstSequence
  }
}

export class RecordQueue {
  bytes = 0
  length = 0
  /** How many of the records are of spans that have not ended. */
  open = 0
  /** How many records have entered, those that have left included. */
  entered = 0
  private runs: Array<Run> = []

  /** The sequence number of the oldest record, `Infinity` when there is none. */
  get oldest(): number {
    return this.runs[0]?.firstSequence ?? Number.POSITIVE_INFINITY
  }

  push(record: Observation, sequence: number): void {
    const last = this.runs[this.runs.length - 1]
    if (last !== undefined && last.canGrow && last.nextSequence === sequence) {
      last.push(record)
      this.entered++
      this.count(record.size, 1, isOpenSpan(record) ? 1 : 0)
    } else {
      this.pushAll([record], extentOf([record]), sequence, true)
    }
  }

  /** @param isOwn whether this queue alone has the array, so that it may grow */
  pushAll(records: ReadonlyArray<Observation>, extent: Extent, firstSequence: number, isOwn = false): void {
    this.entered += records.length
    this.add(new Run(records, extent, firstSequence, isOwn))
  }

  /** Takes records from the front: at least one, and no more than both limits allow, possibly somewhat less. */
  cut(maxRecords: number, maxBytes: number): Cut {
    const firstSequence = this.oldest
    const taken: Array<ReadonlyArray<Observation>> = []
    let records = 0
    let bytes = 0
    let run: Run | undefined
    while ((run = this.runs[0]) !== undefined) {
      if (records + run.length <= maxRecords && bytes + run.bytes <= maxBytes) {
        this.runs.shift()
        this.count(-run.bytes, -run.length, -run.open)
        records += run.length
        bytes += run.bytes
        taken.push(run.remaining())
      } else {
        // a run is not split to fill up a batch that is half full: splitting costs more than an additional batch
        if (records > 0 && (records * 2 >= maxRecords || bytes * 2 >= maxBytes)) break
        const before = { bytes: run.bytes, length: run.length, open: run.open }
        const part = run.take(maxRecords - records, maxBytes - bytes, records === 0)
        if (run.length === 0) this.runs.shift()
        this.count(run.bytes - before.bytes, run.length - before.length, run.open - before.open)
        bytes += before.bytes - run.bytes
        if (part.length > 0) taken.push(part)
        break
      }
    }
    return new Cut(taken.length === 1 ? taken[0]! : joined(taken), bytes, firstSequence)
  }

  /** Takes everything, in parts that each stay within both limits or hold one record. */
  cutAll(maxRecords: number, maxBytes: number): ReadonlyArray<NonEmptyReadonlyArray<Observation>> {
    const parts: Array<NonEmptyReadonlyArray<Observation>> = []
    while (this.length > 0) {
      const { records } = this.cut(maxRecords, maxBytes)
      if (Arr.isNonEmptyReadonlyArray(records)) parts.push(records)
    }
    return parts
  }

  /** Puts cut records back in their place, which usually is the front. */
  putBack(cut: Cut): void {
    const at = this.runs.findIndex(({ firstSequence }) => firstSequence > cut.firstSequence)
    this.add(new Run(cut.records, extentOf(cut.records), cut.firstSequence, false), at < 0 ? this.runs.length : at)
  }

  /** Removes the records of spans that have not ended: when a span ends, its next record says all that these say. */
  removeOpen(): ReadonlyArray<Observation> {
    const removed: Array<Observation> = []
    const { runs } = this
    this.runs = []
    this.bytes = this.length = this.open = 0
    for (const run of runs) {
      if (run.open === 0) {
        this.add(run)
        continue
      }
      const stays: Array<Observation> = []
      for (const record of run.remaining()) (isOpenSpan(record) ? removed : stays).push(record)
      // numbered from where the run began: a flush then waits a little too long for the records that stay, and never
      // too short
      this.add(new Run(stays, extentOf(stays), run.firstSequence, false))
    }
    return removed
  }

  /** Calls `look` with some of the records, or with all of a short run. */
  sample(look: (record: Observation) => void): void {
    for (const run of this.runs) run.sample(look)
  }

  private add(run: Run, at = this.runs.length): void {
    if (run.length === 0) return
    if (at === this.runs.length) this.runs.push(run)
    else this.runs.splice(at, 0, run)
    this.count(run.bytes, run.length, run.open)
  }

  private count(bytes: number, records: number, open: number): void {
    this.bytes += bytes
    this.length += records
    this.open += open
  }
}

/** Records with consecutive sequence numbers; some at the front may have been taken already. */
class Run {
  bytes: number
  open: number
  private readonly isOwn: boolean
  private records: ReadonlyArray<Observation>
  private head = 0
  private readonly base: number

  constructor(
    records: ReadonlyArray<Observation>,
    { bytes, openSpans }: Extent,
    firstSequence: number,
    isOwn: boolean
  ) {
    this.records = records
    this.bytes = bytes
    this.open = openSpans
    this.base = firstSequence
    this.isOwn = isOwn
  }

  get length(): number {
    return this.records.length - this.head
  }

  get firstSequence(): number {
    return this.base + this.head
  }

  get canGrow(): boolean {
    return this.isOwn && this.records.length < maxOwnLength
  }

  get nextSequence(): number {
    return this.base + this.records.length
  }

  push(record: Observation): void {
    ;(this.records as Array<Observation>).push(record)
    this.bytes += record.size
    if (isOpenSpan(record)) this.open++
  }

  remaining(): ReadonlyArray<Observation> {
    return this.head === 0 ? this.records : this.records.slice(this.head)
  }

  /** Every record of a short run, every 64th of a long one. */
  sample(look: (record: Observation) => void): void {
    const step = Math.min(64, Math.ceil(this.length / 16))
    for (let index = this.head; index < this.records.length; index += step) look(this.records[index]!)
  }

  /** Takes records from the front, up to both limits; at least one if `atLeastOne` is set. */
  take(maxRecords: number, maxBytes: number, atLeastOne: boolean): ReadonlyArray<Observation> {
    const from = this.head
    const limit = Math.min(from + Math.max(maxRecords, atLeastOne ? 1 : 0), this.records.length)
    let bytes = 0
    let to = from
    for (; to < limit; to++) {
      const record = this.records[to]!
      if (bytes + record.size > maxBytes && !(atLeastOne && to === from)) break
      bytes += record.size
      if (isOpenSpan(record)) this.open--
    }
    const taken = this.records.slice(from, to)
    this.head = to
    this.bytes -= bytes
    // an array that the queue owns releases its records now, not when the last of them leaves
    if (this.isOwn) (this.records as Array<Observation>).fill(released, from, to)
    return taken
  }
}

/**
 * Limits the arrays that the queue owns: one that grows at its end while it is emptied from the front would never be
 * released. The limit is several batches long, because a batch that one run fills by half is not filled up from a
 * second.
 */
const maxOwnLength = 32_768

/** With `concat`: `flat` takes ten times as long. */
const joined = ([first, ...rest]: ReadonlyArray<ReadonlyArray<Observation>>): ReadonlyArray<Observation> =>
  (first ?? []).concat(...rest)

const released = undefined as unknown as Observation
