/**
 * The library does not observe itself.
 *
 * `Effect.withTracerEnabled` leaves its reference in the fiber, with the value that it had. When that fiber builds a layer,
 * every fiber of the application has it from then on, and copies it whenever another of its references changes. V8's table
 * of five is twice that of four.
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
