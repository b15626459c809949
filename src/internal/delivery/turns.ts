/**
 * Runs effects one at a time, in the order in which they came. Effect's semaphore does not keep that order: after a
 * release, whoever asks first goes first, and that is the fiber that has just released.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberId from "effect/FiberId"

export class Turns {
  private isTaken = false
  private readonly waiting: Array<Deferred.Deferred<void>> = []

  /** Runs the effect when its turn has come. */
  take<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) =>
      Effect.zipRight(restore(this.come), Effect.ensuring(restore(self), Effect.sync(() => this.pass())))
    )
  }

  /** Returns when the turn is the caller's. */
  private readonly come = Effect.suspend(() => {
    if (!this.isTaken) {
      this.isTaken = true
      return Effect.void
    }
    const turn = Deferred.unsafeMake<void>(FiberId.none)
    this.waiting.push(turn)
    return Effect.onInterrupt(Deferred.await(turn), () => Effect.sync(() => this.leave(turn)))
  })

  /** A caller that is interrupted just when it gets the turn passes it to the next one. */
  private leave(turn: Deferred.Deferred<void>): void {
    const at = this.waiting.indexOf(turn)
    if (at < 0) this.pass()
    else this.waiting.splice(at, 1)
  }

  private pass(): void {
    const next = this.waiting.shift()
    if (next === undefined) this.isTaken = false
    else Deferred.unsafeDone(next, Effect.void)
  }
}
