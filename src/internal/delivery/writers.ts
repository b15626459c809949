/** The fibers that write, each of which has a slot. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"

export class Writers {
  /** As many as may be at work at the same time. */
  readonly slots: Effect.Semaphore
  private readonly runtime: Runtime.Runtime<never>
  /** Those that are at it. */
  private readonly fibers: Array<Fiber.RuntimeFiber<void>> = []
  /** Whether there is something to write that waits for a slot. */
  isAwaited = false

  constructor(runtime: Runtime.Runtime<never>, concurrency: number) {
    this.runtime = runtime
    this.slots = Effect.unsafeMakeSemaphore(concurrency)
  }

  /** Returns when there is a slot, which is the caller's then. */
  readonly slot: Effect.Effect<void> = Effect.suspend(() => {
    this.isAwaited = true
    return Effect.map(this.slots.take(1), () => {
      this.isAwaited = false
    })
  })

  /** Gives a slot back in which nothing was started. */
  get release(): Effect.Effect<void> {
    return Effect.asVoid(this.slots.release(1))
  }

  /**
   * Starts to write in the caller's slot, here and now, and not in a later turn of the scheduler: while a program computes,
   * turns are rare, and a batch that took five of them came through for every 1,200 spans, not 1,000. Not in a scope: that
   * is another scope for each batch, to be forked, told of the fiber, and closed.
   */
  start(write: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.sync(() => {
      const writer = Runtime.runFork(this.runtime, Effect.ensuring(write, this.slots.release(1)))
      if (writer.unsafePoll() !== null) return
      this.fibers.push(writer)
      writer.addObserver(() => this.fibers.splice(this.fibers.indexOf(writer), 1))
    })
  }

  readonly interruptAll: Effect.Effect<void> = Effect.suspend(() => Fiber.interruptAll([...this.fibers]))
}
