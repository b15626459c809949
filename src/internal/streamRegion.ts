/** What a stream does while a span covers it. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Service } from "../ObservabilityService.ts"
import type { SpanHandle } from "../SpanHandle.ts"
import { Current } from "../TraceContext.ts"

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
    // Released before the span, which was acquired around this: what is added here is still in time.
    yield* Effect.addFinalizer((exit) =>
      service.updateSpan(span, {
        ...(span.type === "llm" && timeToFirst !== undefined ? { timeToFirstToken: timeToFirst } : {}),
        attributes: {
          "stream.elements": elements,
          ...(timeToFirst === undefined ? {} : { "stream.time_to_first_element_ms": timeToFirst }),
          // a consumer that takes only some of the elements is no error and no interruption, and is worth knowing
          ...(exit._tag === "Success" && !ended ? { "stream.abandoned": true } : {})
        }
      })
    )
    return self.pipe(
      Stream.mapChunks((chunk) => {
        if (timeToFirst === undefined && chunk.length > 0) {
          timeToFirst = Number(clock.unsafeCurrentTimeNanos() - start) / 1_000_000
        }
        elements += chunk.length
        return chunk
      }),
      Stream.concat(Stream.execute(Effect.sync(() => {
        ended = true
      }))),
      Stream.mapInputContext((context: Context.Context<R>) => Context.add(context, Current, span.context))
    )
  }))
