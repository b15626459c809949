/**
 * Bounds the time that whoever runs a statement waits for it.
 */
import { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/**
 * Runs in a fiber of its own, which is left behind on timeout and on interruption. To interrupt a statement takes as long
 * as the server takes to hear of it: @effect/sql-pg asks it to cancel, over another connection, and waits for the answer
 * for 5 seconds. Here nobody waits for that, and after a second without an answer we hang up, which ends the statement
 * on this side, so that no later one queues up behind it.
 */
export const bounded =
  (limit: Duration.DurationInput, hangUp: Effect.Effect<void>) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.forkDaemon(Effect.interruptible(self)), (fiber) => {
        const letGo = Fiber.interrupt(fiber).pipe(
          Effect.interruptible,
          Effect.timeoutOption("1 second"),
          Effect.flatMap((ended) => Option.isNone(ended) ? hangUp : Effect.void)
        )
        return restore(Fiber.join(fiber)).pipe(
          Effect.timeoutFail({
            duration: limit,
            onTimeout: () => new SqlError({ cause: new Error("no answer in time"), message: "Statement timed out" })
          }),
          Effect.onError(() => Effect.forkDaemon(letGo))
        )
      })
    )
