/**
 * Logs problems without flooding: one warning of each kind in an interval, with the number of times since the last.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

export class Warnings {
  private readonly intervalMillis: number
  private readonly annotations: Readonly<Record<string, unknown>>
  private readonly kinds = new Map<string, { last: number; count: number }>()

  constructor(interval: Duration.Duration, annotations: Readonly<Record<string, unknown>>) {
    this.intervalMillis = Duration.toMillis(interval)
    this.annotations = annotations
  }

  /** @param times how often it happened, if several occurrences are reported at once */
  warn(kind: string, message: string, times = 1): Effect.Effect<void> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const known = this.kinds.get(kind)
      const count = (known?.count ?? 0) + times
      // a clock that was set back must not silence warnings
      if (known !== undefined && now >= known.last && now - known.last < this.intervalMillis) {
        known.count = count
        return Effect.void
      }
      this.kinds.set(kind, { last: now, count: 0 })
      return log(message, { ...this.annotations, kind, count })
    })
  }
}

/** The logger is the application's: an error that it throws must not end the fiber that delivers. */
export const log = (message: string, annotations: Readonly<Record<string, unknown>>): Effect.Effect<void> =>
  Effect.logWarning(`effect-observability: ${message}`).pipe(
    Effect.annotateLogs(annotations),
    Effect.catchAllDefect(() => Effect.void)
  )
