/** What a stream does while a span covers it. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Service } from "../ObservabilityService.ts"
import type { SpanHandle } from "../SpanHandle.ts"
import { Current, type TraceContext } from "../TraceContext.ts"

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
    // Where nothing else has ended it: interrupted, or left by its consumer. That one takes only some of the elements, or
    // fails, is no error of the stream and no interruption, and is worth knowing.
    yield* Effect.addFinalizer((exit) =>
      Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? end(exit, false) : end(Exit.void, true)
    )
    return self.pipe(
      Stream.mapChunks((chunk) => {
        if (timeToFirst === undefined && chunk.length > 0) {
          timeToFirst = Number(clock.unsafeCurrentTimeNanos() - start) / 1_000_000
        }
        elements += chunk.length
        return chunk
      }),
      // Here and not in the finalizer: merged, buffered or mapped concurrently, a stream is over long before its scope is.
      Stream.tapErrorCause((cause) => end(Exit.failCause(cause), false)),
      Stream.concat(Stream.execute(end(Exit.void, false))),
      inside(span.context)
    )
  }))

// internal

/**
 * Runs a stream with the given context. By its pulls: what `Stream.mapInputContext` gives to a stream, its finalizers do not
 * see, and there programs say what an answer has cost.
 */
const inside = (current: TraceContext) => <A, E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> => {
  const withCurrent = <B, E2, R2>(effect: Effect.Effect<B, E2, R2>): Effect.Effect<B, E2, R2> =>
    Effect.provideService(effect, Current, current)
  return Stream.fromPull(Effect.map(withCurrent(Stream.toPull(self)), withCurrent))
}
