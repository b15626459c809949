/**
 * Times of one trace: the wall clock is read once, at its start, and everything else is measured from there on the
 * monotonic clock. So a clock that is set while a trace runs bends no duration and reorders no spans.
 */
import type * as Clock from "effect/Clock"

export class Timeline {
  /** Microseconds since the Unix epoch. */
  readonly startUnixMicros: number
  private readonly startNanos: bigint

  constructor(clock: Clock.Clock, unixMillis = clock.unsafeCurrentTimeMillis()) {
    this.startUnixMicros = Math.floor(unixMillis) * 1_000
    this.startNanos = clock.unsafeCurrentTimeNanos()
  }

  /** Microseconds since the Unix epoch. */
  now(clock: Clock.Clock): number {
    // the difference is small enough for a double, the nanoseconds since the epoch are not
    return this.startUnixMicros + Math.floor(Number(clock.unsafeCurrentTimeNanos() - this.startNanos) / 1_000)
  }
}
