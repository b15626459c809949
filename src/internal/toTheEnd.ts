/**
 * Runs an effect that a finalizer waits for and that has a time limit.
 *
 * A timeout ends only an interruptible effect. But whoever interrupts the program while it closes, as a second signal
 * does, would end an interruptible effect, too, and records would be neither written nor kept. So the effect runs in a
 * fiber of its own, which nobody else knows of and can interrupt.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

export const toTheEnd = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptible(Effect.flatMap(Effect.forkDaemon(Effect.interruptible(self)), Fiber.join))
