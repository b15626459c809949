/**
 * Decides when a batch is cut: one batch window after its first record came, or at once when a batch is full or a
 * caller waits for the outcome.
 *
 * One timer serves all windows: it is not stopped when a window is cut short, but sleeps on for the rest of the next
 * one. While a program computes, each turn of another fiber costs some 40 µs, because its data is not in the
 * processor's caches; racing a latch with a sleep took eleven turns for each batch, half a microsecond of every span.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export class BatchWindow {
  private readonly clock: Clock.Clock
  private readonly millis: number
  private readonly begun = Effect.unsafeMakeLatch(false)
  private readonly due = Effect.unsafeMakeLatch(false)
  private isRunning = false
  private since = 0
  private isFull = false
  private isHurried = false

  constructor(clock: Clock.Clock, length: Duration.Duration) {
    this.clock = clock
    this.millis = Math.ceil(Duration.toMillis(length))
  }

  /** Begins a window, unless one is running: there are records to cut, in the queue or at the source. */
  begin(): void {
    if (!this.isRunning) this.start()
  }

  /** Ends the window, because a batch is full and it makes no sense to wait for more. */
  fill(): void {
    this.isFull = true
    this.cutShort()
  }

  /** Ends the window, because somebody waits for the outcome. */
  hurry(): void {
    this.isHurried = true
    this.cutShort()
  }

  /** Returns when a batch is to be cut. */
  get over(): Effect.Effect<void> {
    return this.due.await
  }

  /**
   * To be called when a batch is cut.
   *
   * @param collect takes in the records that wait at the source; not called if a batch is full without them before the
   *   window is over, since they would make a small batch of their own
   * @returns whether the batch is cut only because it is full: the records it leaves have a new window from now on
   */
  end(collect: () => void): boolean {
    const isFullAlone = this.isFull && !this.isHurried && this.left() > 0
    if (!isFullAlone) collect()
    this.isRunning = this.isFull = this.isHurried = false
    this.begun.unsafeClose()
    this.due.unsafeClose()
    if (isFullAlone) this.start()
    return isFullAlone
  }

  /** Watches the time, for ever. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    Effect.forever(Effect.zipRight(this.begun.await, this.untilOver))
  )

  private readonly untilOver = Effect.suspend(() => {
    if (!this.isRunning) return Effect.void
    const left = this.left()
    if (left > 0) return Effect.sleep(left)
    this.begun.unsafeClose()
    this.due.unsafeOpen()
    return Effect.void
  })

  /** The milliseconds left of the window; a clock that was set back does not make it longer. */
  private left(): number {
    return Math.min(this.millis, this.since + this.millis - this.clock.unsafeCurrentTimeMillis())
  }

  private start(): void {
    this.isRunning = true
    this.since = this.clock.unsafeCurrentTimeMillis()
    this.begun.unsafeOpen()
  }

  private cutShort(): void {
    this.begin()
    this.due.unsafeOpen()
  }
}
