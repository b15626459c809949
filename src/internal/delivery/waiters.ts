/** Callers that wait until all records up to a certain one are settled. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

interface Waiter {
  /** The sequence number of the last record that it waits for. */
  readonly upTo: number
  readonly settled: Deferred.Deferred<void>
}

export class Waiters {
  private waiting: ReadonlyArray<Waiter> = []

  /** @returns an effect that ends when all records up to that one are settled */
  add(upTo: number): Effect.Effect<void> {
    const settled = Deferred.unsafeMake<void>(FiberId.none)
    this.waiting = [...this.waiting, { upTo, settled }]
    return Deferred.await(settled)
  }

  /** @param oldest gives the sequence number of the oldest record that is not settled */
  release(oldest: () => number): void {
    // usually nobody waits, and then nothing has to be looked up
    if (this.waiting.length === 0) return
    const open = oldest()
    this.waiting = this.waiting.filter(({ settled, upTo }) => {
      if (open <= upTo) return true
      Deferred.unsafeDone(settled, Effect.void)
      return false
    })
  }
}
