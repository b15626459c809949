/**
 * One write of one batch, whatever the provider does: answer, fail, die, throw, hang or be interrupted.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { Observation } from "../../Observation.ts"
import type { Provider, Rejection } from "../../Provider.ts"
import { ProviderError } from "../../Provider.ts"
import { errorDetails } from "../outcome.ts"
import type { Health } from "./breaker.ts"

export type Verdict =
  | { readonly _tag: "Written" }
  /** The store refuses records for good: those named, or an unknown one of all. */
  | { readonly _tag: "Refused"; readonly message: string; readonly rejections: ReadonlyArray<Rejection> | undefined }
  /** Another attempt can help. */
  | { readonly _tag: "Failed"; readonly message: string; readonly retryAfter: Duration.Duration | undefined }
  /** The provider has a defect, which this very batch may have brought out. */
  | { readonly _tag: "Died"; readonly message: string }

export const attempt = (
  provider: Provider,
  batch: NonEmptyReadonlyArray<Observation>,
  timeout: Duration.Duration
): Effect.Effect<Verdict> =>
  // `suspend` turns a throw into a defect; `disconnect` lets the timeout pass even when the write cannot be interrupted
  Effect.suspend(() => provider.write(batch)).pipe(
    Effect.disconnect,
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () => ProviderError.transient(`no answer within ${Duration.format(timeout)}`)
    }),
    Effect.exit,
    Effect.map(verdictOf)
  )

/** A store that refuses a record is as healthy as one that takes it. */
export const healthOf = (verdict: Verdict): Health =>
  verdict._tag === "Written" || verdict._tag === "Refused"
    ? { healthy: true }
    : { healthy: false, retryAfter: verdict._tag === "Failed" ? verdict.retryAfter : undefined }

// internal

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
