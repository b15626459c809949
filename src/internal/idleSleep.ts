/**
 * Waits that keep no process alive.
 *
 * Node runs for as long as a timer is set. For a record that is still to be written that is right; what comes again and
 * again would keep an application for ever that has nothing else to do and never closes its layer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** In real time, whatever the clock: when a process may end is no matter of a test's time. */
export const idleSleep = (duration: Duration.DurationInput): Effect.Effect<void> =>
  Effect.async((resume) => {
    const timer = setTimeout(() => resume(Effect.void), Duration.toMillis(duration)).unref()
    return Effect.sync(() => clearTimeout(timer))
  })
