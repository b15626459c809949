/**
 * Times of one trace, or of the part of a foreign trace that runs here: the wall clock is read once, at the start, and
 * everything else is measured from there on the monotonic clock. So setting the clock while a trace runs distorts no
 * duration and reorders no spans.
 */
import type * as Clock from "effect/Clock"
import { microsBetween } from "./microsBetween.ts"

export class Timeline {
  /** Microseconds since the Unix epoch. */
  readonly startUnixMicros: number
  private readonly startNanos: bigint

  constructor(startUnixMicros: number, startNanos: bigint) {
    this.startUnixMicros = startUnixMicros
    this.startNanos = startNanos
  }

  /** Microseconds since the Unix epoch. */
  now(clock: Clock.Clock): number {
    return this.at(clock.unsafeCurrentTimeNanos())
  }

  /** @param nanos of the same clock @returns microseconds since the Unix epoch */
  at(nanos: bigint): number {
    return this.startUnixMicros + microsBetween(this.startNanos, nanos)
  }

  /** The same timeline from another start, which may also be later. @param nanos of the same clock */
  startingAt(nanos: bigint): Timeline {
    return new Timeline(this.at(nanos), nanos)
  }

  /** The same timeline from an earlier start. */
  from(earlierMicros: number): Timeline {
    return earlierMicros === 0
      ? this
      : new Timeline(this.startUnixMicros - earlierMicros, this.startNanos - BigInt(earlierMicros) * 1_000n)
  }
}

/**
 * Starts timelines. The wall clock counts in milliseconds, and two traces may start in the same one. So the start is
 * computed to the microsecond from the monotonic clock, for as long as the two clocks agree, and a trace that follows
 * another sorts after it.
 */
export class Timelines {
  private anchorUnixMicros = 0
  private anchorNanos = 0n

  start(clock: Clock.Clock): Timeline {
    const wallMicros = clock.unsafeCurrentTimeMillis() * 1_000
    const nanos = clock.unsafeCurrentTimeNanos()
    const reckoned = this.anchorUnixMicros + microsBetween(this.anchorNanos, nanos)
    // within the millisecond that the wall clock shows, or the next one, as the two are not read at the same time
    if (reckoned >= wallMicros && reckoned < wallMicros + 2_000) return new Timeline(reckoned, nanos)
    this.anchorUnixMicros = wallMicros
    this.anchorNanos = nanos
    return new Timeline(wallMicros, nanos)
  }
}
