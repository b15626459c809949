/**
 * Keeps the library from observing itself.
 *
 * `Effect.withTracerEnabled` leaves its fiber reference in the fiber, with the value that it had before. If that fiber
 * builds a layer, every fiber of the application has the reference from then on, and copies it whenever another of its
 * references changes. V8's table for five is twice as large as that for four. So the reference is deleted if it was not
 * there before.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Option from "effect/Option"

export const untraced = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.getFiberRefs, (before) => {
    const quiet = Effect.withTracerEnabled(self, false)
    return Option.isSome(FiberRefs.get(before, FiberRef.currentTracerEnabled))
      ? quiet
      : Effect.ensuring(quiet, FiberRef.delete(FiberRef.currentTracerEnabled))
  })
