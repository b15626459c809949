import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { annotate, span, withSpan, withTrace } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"

const sizes = Effect.gen(function*() {
  const recorded = yield* Testing.Recorded
  return {
    spans: (yield* recorded.of("Span")).map(({ size }) => size),
    traces: (yield* recorded.of("Trace")).map(({ size }) => size)
  }
})

describe("the size of a record, which is what it costs of a delivery's budget,", () => {
  it.effect("does not grow with what is replaced", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const update = (text: string) => ({
        attributes: { progress: text, more: [text] },
        input: { text },
        output: text
      })
      for (const times of [1, 50]) {
        yield* Effect.scoped(Effect.flatMap(span(`${times}`), (handle) =>
          Effect.repeatN(service.updateSpan(handle, update("x".repeat(1_000))), times - 1)))
        yield* withTrace(Effect.repeatN(annotate(update("x".repeat(1_000))), times - 1), "t")
      }
      const { spans, traces } = yield* sizes
      assert.isAbove(spans[0]!, 8_000)
      assert.strictEqual(spans[1], spans[0])
      // the traces of the two spans, and those that were annotated
      assert.strictEqual(
        Math.max(...traces),
        Math.min(...traces.filter((size) =>
          size > 8_000
        ))
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("grows with what is added", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.scoped(Effect.flatMap(span("s"), (handle) =>
        Effect.forEach([1, 2, 3], (n) =>
          service.updateSpan(handle, { attributes: { [n]: "x".repeat(1_000) } }))))
      assert.isAbove((yield* sizes).spans[0]!, 6_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("counts the error, with its cause", () =>
    Effect.gen(function*() {
      yield* Effect.exit(withSpan(Effect.fail(new Error("x".repeat(10_000))), "s"))
      const { spans, traces } = yield* sizes
      for (const size of [...spans, ...traces]) assert.isAbove(size, 40_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("stays within what capture allows, also for a single text", () =>
    Effect.gen(function*() {
      yield* withSpan(Effect.void, "s", { input: "x".repeat(100_000) })
      assert.isBelow((yield* sizes).spans[0]!, 3_000)
    }).pipe(Effect.provide(Testing.layer({ capture: { maxBytes: 1_000 } }))))
})
