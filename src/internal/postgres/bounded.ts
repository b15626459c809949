/**
 * Bounds the time that a caller waits for a statement.
 */
import { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/**
 * Runs the effect in a fiber of its own, which is left behind on timeout and on interruption. Interrupting a statement
 * takes as long as the server takes to hear of it: @effect/sql-pg asks the server to cancel the statement, over another
 * connection, and waits 5 seconds for the answer. Here nobody waits for that: after one second without an answer,
 * `hangUp` breaks the connections. This ends the statement on this side, so that no later one queues up behind it.
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
