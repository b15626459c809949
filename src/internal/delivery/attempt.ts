/**
 * One write of one batch, whatever the provider does: answer, fail, die, throw, hang or be interrupted.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type { Observation } from "../../Observation.ts"
import type { Provider, Rejection } from "../../Provider.ts"
import { ProviderError } from "../../Provider.ts"
import { errorDetails } from "../outcome.ts"
import type { Health } from "./breaker.ts"

export type Verdict =
  | { readonly _tag: "Written" }
  /** The store refuses records for good: those in `rejections`, or unknown ones of the batch. */
  | { readonly _tag: "Refused"; readonly message: string; readonly rejections: ReadonlyArray<Rejection> | undefined }
  /** Another attempt can help. */
  | { readonly _tag: "Failed"; readonly message: string; readonly retryAfter: Duration.Duration | undefined }
  /** The provider has a defect, which this batch may have brought out. */
  | { readonly _tag: "Died"; readonly message: string }

export const attempt = (
  runtime: Runtime.Runtime<never>,
  provider: Provider,
  batch: NonEmptyReadonlyArray<Observation>,
  timeout: Duration.Duration
): Effect.Effect<Verdict> =>
  Effect.uninterruptibleMask((restore) => {
    // in fibers that nobody waits for, so that a write that cannot be interrupted is left behind
    const aside = <A, E>(self: Effect.Effect<A, E>) => Runtime.runFork(runtime, Effect.interruptible(self))
    // `suspend` turns a thrown error into a defect
    const writing = aside(Effect.suspend(() => provider.write(batch)))
    const exit = writing.unsafePoll()
    if (exit !== null) return Effect.succeed(verdictOf(exit))
    const timer = aside(Effect.sleep(timeout))
    return Effect.ensuring(restore(firstOf(writing, timer, timeout)), letGo(writing, timer))
  })

/** A store that refuses a record is as healthy as one that takes it. */
export const healthOf = (verdict: Verdict): Health =>
  verdict._tag === "Written" || verdict._tag === "Refused"
    ? { healthy: true }
    : { healthy: false, retryAfter: verdict._tag === "Failed" ? verdict.retryAfter : undefined }

// internal

/**
 * Resumes with whichever fiber ends first, by observers on both. `Effect.disconnect` and `timeoutFail` do the same with
 * four more fibers, which take some ten turns of the scheduler: while a program computed, one batch came through for
 * every 4,400 spans instead of every 1,000.
 */
const firstOf = (
  writing: Fiber.RuntimeFiber<void, unknown>,
  timer: Fiber.RuntimeFiber<void>,
  timeout: Duration.Duration
): Effect.Effect<Verdict> =>
  Effect.async((resume) => {
    writing.addObserver((exit) => resume(Effect.succeed(verdictOf(exit))))
    timer.addObserver(() => resume(Effect.succeed(failed(`no answer within ${Duration.format(timeout)}`))))
  })

const letGo = (...fibers: ReadonlyArray<Fiber.RuntimeFiber<void, unknown>>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const fiber of fibers) if (fiber.unsafePoll() === null) fiber.unsafeInterruptAsFork(FiberId.none)
  })

const verdictOf = (exit: Exit.Exit<void, unknown>): Verdict => {
  if (exit._tag === "Success") return { _tag: "Written" }
  const failure = Cause.failureOption(exit.cause)
  if (Option.isSome(failure)) {
    const error = failure.value
    // the type says ProviderError, but a provider may be anybody's JavaScript
    if (!(error instanceof ProviderError)) return failed(errorDetails(error).message)
    return error.reason === "transient"
      ? { _tag: "Failed", message: error.message, retryAfter: error.retryAfter }
      : { _tag: "Refused", message: error.message, rejections: error.rejections }
  }
  const defect = Cause.dieOption(exit.cause)
  return Option.isSome(defect)
    ? { _tag: "Died", message: `the provider died: ${errorDetails(defect.value).message}` }
    : failed("the provider interrupted its own write")
}

const failed = (message: string): Verdict => ({ _tag: "Failed", message, retryAfter: undefined })
