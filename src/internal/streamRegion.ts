/** Records what a stream does in the span that covers it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Service } from "../ObservabilityService.ts"
import type { SpanHandle } from "../SpanHandle.ts"
import { Current, type TraceContext } from "../TraceContext.ts"
import { elapsed } from "./recording/elapsed.ts"

export const observeStream = <A, E, R>(
  self: Stream.Stream<A, E, R>,
  service: Service,
  span: SpanHandle
): Stream.Stream<A, E, R> =>
  Stream.unwrapScoped(Effect.gen(function*() {
    const clock = yield* Effect.clock
    const start = clock.unsafeCurrentTimeNanos()
    let elements = 0
    let ended = false
    let timeToFirst: number | undefined
    const end = (exit: Exit.Exit<unknown, unknown>, isAbandoned: boolean): Effect.Effect<void> =>
      Effect.uninterruptible(Effect.withFiberRuntime((fiber) => {
        if (ended) return Effect.void
        ended = true
        return Effect.map(
          service.updateSpan(span, {
            ...(span.type === "llm" && timeToFirst !== undefined ? { timeToFirstToken: timeToFirst } : {}),
            attributes: {
              "stream.elements": elements,
              ...(timeToFirst === undefined ? {} : { "stream.time_to_first_element_ms": timeToFirst }),
              ...(isAbandoned ? { "stream.abandoned": true } : {})
            }
          }),
          () => service.unsafe.endSpan(fiber, span, exit)
        )
      }))
    // Ends the span if nothing else has: the stream was interrupted, or left by its consumer. A consumer that takes
    // only some of the elements, or fails, is no error of the stream and no interruption, but worth knowing.
    yield* Effect.addFinalizer((exit) =>
      Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? end(exit, false) : end(Exit.void, true)
    )
    return self.pipe(
      Stream.mapChunks((chunk) => {
        if (timeToFirst === undefined && chunk.length > 0) {
          timeToFirst = elapsed(0, Number(clock.unsafeCurrentTimeNanos() - start) / 1_000_000)
        }
        elements += chunk.length
        return chunk
      }),
      // Ended here and not in the finalizer: a stream that is merged, buffered or mapped concurrently is over long
      // before its scope is.
      Stream.tapErrorCause((cause) => end(Exit.failCause(cause), false)),
      Stream.concat(Stream.execute(end(Exit.void, false))),
      inside(span.context)
    )
  }))

// internal

/**
 * Runs a stream with the given context, provided to each pull: finalizers do not see what `Stream.mapInputContext`
 * provides, and programs say in them what an answer has cost.
 */
const inside = (current: TraceContext) => <A, E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> => {
  const withCurrent = <B, E2, R2>(effect: Effect.Effect<B, E2, R2>): Effect.Effect<B, E2, R2> =>
    Effect.provideService(effect, Current, current)
  return Stream.fromPull(Effect.map(withCurrent(Stream.toPull(self)), withCurrent))
}
