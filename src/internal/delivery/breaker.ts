/**
 * A circuit breaker: protects a failing provider from more attempts than it can answer. It delays attempts and never
 * discards any.
 *
 * Closed, all attempts go through. After a failure it is open: attempts wait, for a time that grows with each failure
 * in a row. Then it is half open: one attempt goes through as the probe. A success closes it and lets all other
 * attempts go. Attempts take turns as the probe, so that one that fails for a reason of its own does not keep the
 * others from showing that the provider works.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { Turns } from "./turns.ts"

export type BreakerState = "closed" | "open" | "half-open"

export interface BreakerOptions {
  /** The wait after the first failure. */
  readonly baseDelay: Duration.Duration
  /** The longest wait that the breaker chooses by itself. */
  readonly maxDelay: Duration.Duration
}

/** What an attempt showed: the provider works, or it does not for now and may have said for how long. */
export type Health = { readonly healthy: true } | {
  readonly healthy: false
  readonly retryAfter: Duration.Duration | undefined
}

export class Breaker {
  state: BreakerState = "closed"
  /** Failures in a row. Attempts that were under way together count as one failure. */
  failures = 0
  /** Attempts that succeeded, ever. */
  successes = 0
  private readonly options: BreakerOptions
  private readonly probes = new Turns()
  private readonly impatience = Effect.unsafeMakeLatch(false)
  private waiting: Effect.Effect<unknown> = Effect.void

  constructor(options: BreakerOptions) {
    this.options = options
  }

  /** Runs an attempt as soon as the state allows it, and learns from its outcome. */
  guard<A>(attempt: Effect.Effect<A>, healthOf: (outcome: A) => Health): Effect.Effect<A> {
    const observed = Effect.suspend(() => {
      const { failures } = this
      return Effect.flatMap(attempt, (outcome) => {
        const health = healthOf(outcome)
        // an attempt that began before a failure which another reported first tells nothing new
        const isKnown = !health.healthy && failures < this.failures
        return isKnown ? Effect.succeed(outcome) : Effect.as(this.observe(health), outcome)
      })
    })
    const probe = Effect.suspend(() => {
      this.state = "half-open"
      return observed
    })
    return Effect.suspend(() => {
      if (this.state === "closed") return observed
      const turn = this.probes.take(Effect.suspend(() =>
        this.state === "closed"
          ? Effect.succeedNone
          : Effect.zipRight(Effect.raceFirst(this.waiting, this.impatience.await), Effect.asSome(probe))
      ))
      // once the probe has succeeded, the attempts that waited for it do not wait for each other
      return Effect.flatMap(turn, (probed) => probed._tag === "Some" ? Effect.succeed(probed.value) : observed)
    })
  }

  /** Lets the waiting probe go now, because somebody waits for the outcome. */
  readonly hurry: Effect.Effect<void> = Effect.suspend(() => this.impatience.release)

  private observe(health: Health): Effect.Effect<void> {
    if (health.healthy) {
      return Effect.sync(() => {
        this.state = "closed"
        this.failures = 0
        this.successes++
      })
    }
    return Effect.map(Random.next, (random) => {
      this.state = "open"
      this.failures++
      const base = Duration.toMillis(this.options.baseDelay)
      const max = Duration.toMillis(this.options.maxDelay)
      const grown = Math.min(base * 2 ** Math.min(this.failures - 1, 30), max)
      // between half and all of the delay, so that processes that failed together do not come back together
      const chosen = grown * (0.5 + random / 2)
      const asked = health.retryAfter === undefined ? 0 : Duration.toMillis(health.retryAfter)
      // whole milliseconds: at any other time, reading the nanoseconds of a test's clock is a defect
      this.waiting = Effect.sleep(Duration.millis(Math.ceil(Math.max(chosen, Math.min(asked, maxRetryAfterMillis)))))
    })
  }
}

/** The longest wait that a server can ask for; it is asked again after this time anyway. */
const maxRetryAfterMillis = 300_000
