/**
 * When a batch is cut: a batch window after the first of its records has come, or at once when a batch is full or somebody
 * waits for the outcome.
 *
 * One timer serves all windows: it is not stopped when one is cut short, but sleeps on for what the next one has left.
 * While a program computes, each turn of another fiber costs some 40 µs, as nothing it needs is near at hand; a race of a
 * latch with a sleep took eleven for each batch, half a microsecond of every span.
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

  /** There is something to cut, here or at the source. */
  begin(): void {
    if (!this.isRunning) this.start()
  }

  /** A batch is full: to wait for more makes no sense. */
  fill(): void {
    this.isFull = true
    this.cutShort()
  }

  /** Somebody waits for the outcome. */
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
   * @param collect takes in what waits at the source. It is left there where a batch is full without it before the time is
   *   over: it would make a small one of its own.
   * @returns whether the batch is cut for being full alone: what it leaves has a window from now on
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

  /** A clock that was set back does not make it longer. */
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
