/**
 * Finds the traces that take a large share of a queue.
 *
 * The share is asked for each trace that finds no room, so it is not counted anew each time: while a store was away,
 * counting for each of 1,000 traces a second took a whole processor and left 2 GB of garbage a second. The queue is
 * sampled again when an eighth of it is new: at most eight looks at a record for each record that comes in, however
 * many traces are given up.
 */
import type { RecordQueue } from "./recordQueue.ts"

export class Census {
  private readonly queue: RecordQueue
  /** The share of each trace, from 0 to 1. */
  private shares: ReadonlyMap<string, number> = new Map()
  private validUntil = 0

  constructor(queue: RecordQueue) {
    this.queue = queue
  }

  /** A trace's share of the queued bytes, from 0 to 1; estimated from some of the records, as there may be 100,000. */
  shareOf(traceId: string): number {
    if (this.queue.entered >= this.validUntil) this.take()
    return this.shares.get(traceId) ?? 0
  }

  private take(): void {
    const { queue } = this
    const bytes = new Map<string, number>()
    let all = 0
    queue.sample(({ size, traceId }) => {
      all += size
      bytes.set(traceId, (bytes.get(traceId) ?? 0) + size)
    })
    const shares = new Map<string, number>()
    for (const [traceId, its] of bytes) if (its >= all * smallestShare) shares.set(traceId, its / all)
    this.shares = shares
    this.validUntil = queue.entered + Math.max(1, queue.length >> 3)
  }
}

// internal

/** Smaller shares are not worth the memory: at most a hundred traces can have this share. */
const smallestShare = 0.01
