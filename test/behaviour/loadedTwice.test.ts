/** A program may hold the library twice: a bundler may make a copy for each entry, a package manager one for each version. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Option } from "effect"
import { vi } from "vitest"
import { memory } from "../../src/Provider.ts"
import { withSpan, withTrace } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"

vi.resetModules()
const Other = {
  ...await import("../../src/ObservabilityService.ts"),
  ...await import("../../src/Span.ts"),
  ...await import("../../src/TraceContext.ts")
}

describe("a copy of the library", () => {
  it.effect("records to the layer of another one, in the same tree", () =>
    Effect.gen(function*() {
      assert.notStrictEqual(Other.withSpan, withSpan)
      yield* Other.annotate({ attributes: { key: "value" } }).pipe(
        withSpan("inner"),
        Other.withSpan("middle"),
        withSpan("outer"),
        Other.withTrace("trace")
      )
      const { of, tree } = yield* Testing.Recorded
      assert.strictEqual(
        yield* tree,
        [
          "trace trace [success 0ms]",
          "└─ span outer [success 0ms]",
          "   └─ span middle [success 0ms]",
          "      └─ span inner [success 0ms]"
        ].join("\n")
      )
      const inner = (yield* of("Span")).find(({ name }) => name === "inner")
      assert.deepStrictEqual(inner?.attributes, { key: "value" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("continues there what it has been told of another process", () =>
    Effect.gen(function*() {
      const remote = Either.getOrThrow(
        Other.TraceContext.fromTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
      )
      yield* Other.withTraceContext(withSpan(Effect.void, "local"), remote)
      const { of } = yield* Testing.Recorded
      const [local] = yield* of("Span")
      assert.deepInclude(local, { traceId: remote.traceId, parentSpanId: remote.spanId, parentIsRemote: true })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("adds there to what a context stands in that has been away", () =>
    Effect.gen(function*() {
      const { updateSpan } = yield* Other.ObservabilityService
      yield* Effect.gen(function*() {
        const { spanId, traceId } = Option.getOrThrow(yield* Other.TraceContext.current)
        const away = Either.getOrThrow(Other.TraceContext.make({ spanId, traceId }))
        yield* updateSpan(away, { attributes: { key: "value" } })
      }).pipe(withSpan("span"), withTrace("trace"))
      const { of } = yield* Testing.Recorded
      assert.deepStrictEqual((yield* of("Span"))[0]?.attributes, { key: "value" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("waits at the end of a trace where the layer says so", () => {
    const stored = memory()
    return Effect.gen(function*() {
      yield* Other.withSpan(Effect.void, "alone")
      assert.strictEqual(stored.records.length, 2)
    }).pipe(Effect.provide(Testing.layer({ providers: [stored], flushOnTraceEnd: "1 second" })))
  })
})
