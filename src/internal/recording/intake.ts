/**
 * Where records wait, for one batch window at most, before they are handed to the deliveries.
 *
 * What is open waits here as itself and not as a copy: it is made into an observation when it is handed over. So a
 * span that starts and ends within a window becomes one record, and is written once: on the hot path a span costs one
 * push, and the store is spared an update (0.48 of the ingest rate when every span is inserted and then updated).
 */
import type { Observation } from "../../Observation.ts"

/** A record that goes on changing until it is handed over. */
export abstract class OpenRecord {
  /** Whether it waits to be handed over. */
  waits = false
  /** The bytes for which it has been counted. What has been handed over once waits as what has come since. */
  counted = 0
  /** Whether it has not ended. */
  abstract get isOpen(): boolean
  abstract snapshot(): Observation
}

export class Intake {
  private items: Array<OpenRecord | Observation> = []
  private bytes = 0
  /** How many of the items have been shown to `remember`. */
  private shown = 0
  private readonly remember: (record: OpenRecord) => void
  private readonly handOver: (observations: ReadonlyArray<Observation>) => void
  private readonly wake: () => void

  constructor(options: {
    /** Shown what is open, when it is handed over at the latest, and then as often as it is. */
    readonly remember: (record: OpenRecord) => void
    readonly handOver: (observations: ReadonlyArray<Observation>) => void
    /** Called when there is something to collect where there was nothing. */
    readonly wake: () => void
  }) {
    this.remember = options.remember
    this.handOver = options.handOver
    this.wake = options.wake
  }

  pushOpen(record: OpenRecord, size: number): void {
    const growth = size - record.counted
    record.counted = size
    if (record.waits) return this.grow(growth)
    record.waits = true
    this.push(record, growth)
  }

  push(item: OpenRecord | Observation, size: number): void {
    this.items.push(item)
    if (this.items.length === 1) this.wake()
    this.grow(size)
  }

  /** Shows what has come since the last time, for whoever looks for what is open. */
  show(): void {
    for (; this.shown < this.items.length; this.shown++) {
      const item = this.items[this.shown]!
      if (item instanceof OpenRecord && item.isOpen) this.remember(item)
    }
  }

  drain(): void {
    if (this.items.length === 0) return
    const items = this.items
    this.items = []
    this.bytes = 0
    this.shown = 0
    this.handOver(items.map((item) => {
      if (!(item instanceof OpenRecord)) return item
      item.waits = false
      if (item.isOpen) this.remember(item)
      return item.snapshot()
    }))
  }

  private grow(bytes: number): void {
    this.bytes += bytes
    // Handed over here and now, and not by a timer: a fiber that is busy computing lets no timer through.
    if (this.items.length >= maxItems || this.bytes >= maxBytes) this.drain()
  }
}

/** Four times this is a batch, as far as nothing else is configured, with some room for the last record of each. */
const maxItems = 1_000
const maxBytes = 1_000_000
