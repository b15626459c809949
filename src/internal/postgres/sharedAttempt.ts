/**
 * An effect that has to succeed once before other work can go on, and may be retried as often as it fails.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

export interface SharedAttempt<A, E> {
  /**
   * The result, at once if an attempt has succeeded. Otherwise the caller waits for the running attempt, starts one if
   * there is none, and gets its failure if it fails.
   */
  readonly get: Effect.Effect<A, E>
  /** Whether an attempt has succeeded. */
  readonly succeeded: Effect.Effect<boolean>
  /** Forgets a success: the next caller tries again. */
  readonly forget: Effect.Effect<void>
}

/** Runs an attempt in a fiber of the scope, not of the first caller: interrupting callers does not end it. */
export const make = <A, E>(
  attempt: Effect.Effect<A, E>,
  scope: Scope.Scope
): SharedAttempt<A, E> => {
  let current: { readonly outcome: Deferred.Deferred<A, E>; succeeded: boolean } | undefined
  const start = Effect.gen(function*() {
    const mine = { outcome: yield* Deferred.make<A, E>(), succeeded: false }
    current = mine
    yield* Effect.forkIn(
      // on interruption too, when the scope closes: nobody may be left waiting
      Effect.onExit(Effect.interruptible(attempt), (exit) => {
        if (Exit.isSuccess(exit)) mine.succeeded = true
        else if (current === mine) current = undefined
        return Deferred.done(mine.outcome, exit)
      }),
      scope
    )
    return mine
  })
  return {
    get: Effect.suspend(() =>
      current === undefined
        ? Effect.flatMap(Effect.uninterruptible(start), ({ outcome }) => Deferred.await(outcome))
        : Deferred.await(current.outcome)
    ),
    succeeded: Effect.sync(() => current?.succeeded === true),
    forget: Effect.sync(() => {
      if (current?.succeeded === true) current = undefined
    })
  }
}
