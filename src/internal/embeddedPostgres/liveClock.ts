/**
 * Everything that waits for a real server waits in real time. Otherwise a test with a `TestClock` would wait for its
 * server until somebody moves that clock, which is for ever.
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"

export const onLiveClock: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.withClock(
  Clock.make()
)

/** Checks every 10 ms until the condition holds. */
export const pollUntil = <E, R>(condition: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  condition.pipe(
    Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced("10 millis") }),
    Effect.asVoid,
    onLiveClock
  )

/**
 * The same within a limit, which also works in finalizers (a timeout alone does not end the wait there). Returns
 * whether the condition came to hold.
 */
export const holdsWithin = <E, R>(
  limit: Duration.DurationInput,
  condition: Effect.Effect<boolean, E, R>
): Effect.Effect<boolean, E, R> =>
  pollUntil(condition).pipe(
    Effect.interruptible,
    Effect.timeoutOption(limit),
    Effect.map(Option.isSome),
    onLiveClock
  )
