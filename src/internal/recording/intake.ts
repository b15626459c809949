/**
 * Holds records, for one batch window at most, before they are handed to the deliveries.
 *
 * An open record waits here itself, not as a copy. So a span that starts and ends within a window becomes one record,
 * and is written once: on the hot path a span costs one push, and the store is spared an update (0.48 of the ingest
 * rate when every span is inserted and then updated).
 *
 * It is made into an observation when it ends, or otherwise when it is handed over.
 */
import type { Observation } from "../../Observation.ts"
import { Extent, isOpenSpan } from "../extent.ts"

/** A record that may change until it is handed over. */
export abstract class OpenRecord {
  /** The window in which the record was last pushed, and its place among the items of that window. */
  window = 0
  place = 0
  /** The bytes already counted for this record. After a hand-over, only the bytes added since then are counted. */
  counted = 0
  /** The revision of the last snapshot. */
  protected revision = 0
  abstract readonly size: number
  /** Whether the record has not ended. */
  abstract get isOpen(): boolean
  abstract snapshot(): Observation

  /** Undoes the last snapshot, which has not been handed over and will not be. */
  takeBack(): void {
    this.revision--
  }
}

export class Intake {
  private items: Array<OpenRecord | Observation> = []
  /** The bytes of each item, or `changing` for an open record that waits itself. */
  private readonly sizes = new Float64Array(maxItems)
  private bytes = 0
  /** The number of the current window: counts the hand-overs. */
  private window = 1
  /** How many of the items have been shown to `remember`. */
  private shown = 0
  private isHandingOver = false
  private readonly remember: (record: OpenRecord) => void
  private readonly handOver: (observations: ReadonlyArray<Observation>, extent: Extent) => void
  private readonly wake: () => void

  constructor(options: {
    /** Called with each open record, at the latest when it is handed over, and then at each further hand-over. */
    readonly remember: (record: OpenRecord) => void
    readonly handOver: (observations: ReadonlyArray<Observation>, extent: Extent) => void
    /** Called when an item enters the empty intake. */
    readonly wake: () => void
  }) {
    this.remember = options.remember
    this.handOver = options.handOver
    this.wake = options.wake
  }

  /**
   * To be called before a trace or a span begins; throws while records are being handed over. Spans that the
   * application's redaction itself begins, as in a service whose functions have spans, would be redacted again and
   * begin more spans, without end.
   */
  admit(): void {
    if (this.isHandingOver) throw new Error("records are being handed over")
  }

  push(item: Observation): void {
    this.add(item, item.size, item.size)
  }

  /** Adds a record that may change until it is handed over. */
  pushOpen(record: OpenRecord): void {
    if (record.window === this.window && this.sizes[record.place] !== changing) record.takeBack()
    this.put(record, record, changing)
  }

  /**
   * Adds a record that has ended and will hardly change any more. It is made into an observation while it is in the
   * processor's caches, and let go. By a profile that takes 0.4 % of a native span; at the hand-over, after a thousand
   * others, it took 2.0 %.
   */
  pushEnded(record: OpenRecord): void {
    this.put(record, record.snapshot(), record.size)
  }

  /** Calls `remember` with the open records pushed since the last time, for callers that look for open records. */
  show(): void {
    for (; this.shown < this.items.length; this.shown++) {
      if (this.sizes[this.shown] !== changing) continue
      const record = this.items[this.shown] as OpenRecord
      if (record.isOpen) this.remember(record)
    }
  }

  drain(): void {
    if (this.items.length === 0) return
    const items = this.items
    this.items = []
    this.bytes = 0
    this.shown = 0
    this.window++
    let bytes = 0
    let openSpans = 0
    for (let place = 0; place < items.length; place++) {
      // most items are observations already, and are not looked at again
      if (this.sizes[place] !== changing) {
        bytes += this.sizes[place]!
        continue
      }
      const record = items[place] as OpenRecord
      if (record.isOpen) this.remember(record)
      const observation = items[place] = record.snapshot()
      bytes += observation.size
      if (isOpenSpan(observation)) openSpans++
    }
    this.isHandingOver = true
    try {
      this.handOver(items as Array<Observation>, new Extent(bytes, openSpans))
    } finally {
      this.isHandingOver = false
    }
  }

  private put(record: OpenRecord, item: OpenRecord | Observation, size: number): void {
    const growth = record.size - record.counted
    record.counted = record.size
    if (record.window === this.window) {
      this.items[record.place] = item
      this.sizes[record.place] = size
      this.grow(growth)
    } else {
      record.window = this.window
      record.place = this.items.length
      this.add(item, size, growth)
    }
  }

  private add(item: OpenRecord | Observation, size: number, growth: number): void {
    this.sizes[this.items.length] = size
    this.items.push(item)
    if (this.items.length === 1) this.wake()
    this.grow(growth)
  }

  private grow(bytes: number): void {
    this.bytes += bytes
    // Drains here and now instead of by a timer: a fiber that is busy computing lets no timer through.
    if (this.items.length >= maxItems || this.bytes >= maxBytes) this.drain()
  }
}

/** Four full intakes are one batch of the default size, with some room for the last record of each. */
const maxItems = 1_000
const maxBytes = 1_000_000

const changing = -1
