/**
 * What a finalizer waits for with an end in time.
 *
 * A timeout ends only what can be interrupted, and then so does whoever interrupts the program while it closes, as a second
 * signal does: what was to be written or kept would be neither. So it runs in a fiber of its own, of which nobody knows.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

export const toTheEnd = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(self)), Fiber.join))
