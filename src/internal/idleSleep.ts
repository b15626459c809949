/**
 * Sleeps that do not keep the process alive.
 *
 * Node runs for as long as a timer is set. That is right while a record is still to be written, but a recurring timer
 * would keep an application running for ever that has nothing else to do and never closes its layer.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Sleeps in real time, whatever clock is in use: a test's clock does not decide when a process may end. */
export const idleSleep = (duration: Duration.DurationInput): Effect.Effect<void> =>
  Effect.async((resume) => {
    const timer = setTimeout(() => resume(Effect.void), Duration.toMillis(duration)).unref()
    return Effect.sync(() => clearTimeout(timer))
  })
