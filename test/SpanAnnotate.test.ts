/** What is said of a span or a trace by its context, while it runs and afterwards. */
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Either, Option } from "effect"
import { logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { annotate, span, withSpan, withTrace, withTraceContext } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

const trace = Effect.map(
  Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace")),
  (all) => all.find(({ operationType }) => operationType === "seen")!
)

const seen = { operationType: "seen" }

describe("naming a span anew", () => {
  const names = Effect.map(
    Effect.flatMap(Testing.Recorded, (recorded) => recorded.tree),
    (tree) => tree.split("\n").map((line) => line.replace(/ \[.*/, ""))
  )

  it.effect("names the trace that was begun for it alone", () =>
    Effect.gen(function*() {
      yield* annotate({ name: "GET /users/:id" }).pipe(withSpan("GET"))
      assert.deepStrictEqual(yield* names, ["trace GET /users/:id", "└─ span GET /users/:id"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("names it also when both are over", () =>
    Effect.gen(function*() {
      const context = yield* Effect.map(TraceContext.current, Option.getOrThrow).pipe(withSpan("GET"))
      yield* (yield* ObservabilityService).updateSpan(context, { name: "GET /users/:id" })
      assert.deepStrictEqual(yield* names, ["trace GET /users/:id", "└─ span GET /users/:id"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves the trace its own name, and that which is further out", () =>
    Effect.gen(function*() {
      yield* annotate({ name: "other" }).pipe(withSpan("span"), withTrace("trace"))
      yield* annotate({ name: "other" }).pipe(withSpan("inner"), withSpan("outer"))
      assert.deepStrictEqual(yield* names, [
        "trace trace",
        "└─ span other",
        "trace outer",
        "└─ span outer",
        "   └─ span other"
      ])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("annotating a trace", () => {
  it.effect("states its totals, figure by figure, before the sums", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m", promptTokens: 1, completionTokens: 2, costUsd: "0.1" }).pipe(
        Effect.zipRight(annotate({ promptTokens: 10 })),
        Effect.zipRight(annotate({ costUsd: "0.7" })),
        withTrace("t", seen)
      )
      const { totals } = yield* trace
      assert.deepInclude(totals, { inputTokens: 10, outputTokens: 2, stated: true })
      assert.strictEqual(BigDecimal.format(totals!.costUsd!), "0.7")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("gives way to the totals that its end states", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "t", ...seen })
      yield* service.updateSpan(context, { promptTokens: 10, completionTokens: 5 })
      yield* service.endTrace(context, { inputTokens: 11 })
      assert.deepInclude((yield* trace).totals, { inputTokens: 11, outputTokens: 5 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps in the metadata what only spans have columns for, and changes the name", () =>
    Effect.gen(function*() {
      yield* annotate({
        name: "better",
        attributes: { tenant: "acme" },
        model: "gpt-4o",
        provider: "openai",
        temperature: 0.5,
        finishReason: "stop",
        timeToFirstToken: "20 millis",
        resultCount: 3,
        topScore: 0.25,
        pageCount: 4,
        chunkCount: 5
      }).pipe(withTrace("t", seen))
      const { metadata, name, totals } = yield* trace
      assert.strictEqual(name, "better")
      assert.isFalse(totals!.stated)
      assert.deepStrictEqual(metadata, {
        tenant: "acme",
        model: "gpt-4o",
        provider: "openai",
        temperature: 0.5,
        finishReason: "stop",
        timeToFirstTokenMs: 20,
        resultCount: 3,
        topScore: 0.25,
        pageCount: 4,
        chunkCount: 5
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps a sentence about a figure that cannot be true", () =>
    Effect.gen(function*() {
      yield* annotate({ promptTokens: -1 }).pipe(withTrace("t", seen))
      const { metadata, totals } = yield* trace
      assert.isUndefined(totals!.inputTokens)
      assert.match(String(metadata!["observability.problems"]), /^promptTokens is -1/)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("updating what has ended, by its context,", () => {
  it.effect("adds to the span, as its handle does", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const { context } = yield* Effect.scoped(span("s"))
      yield* service.updateSpan(context, { output: "late" })
      const [ended] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))
      assert.deepInclude(ended, { status: "success", output: "late" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("adds to the trace", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "t", ...seen })
      yield* service.endTrace(context)
      yield* service.updateSpan(context, { output: "late" })
      assert.deepInclude(yield* trace, { status: "success", output: "late" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("finds a running one also by a context that was away, and touches nothing of another service", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.scoped(Effect.gen(function*() {
        const { context } = yield* span("s")
        yield* service.updateSpan(TraceContext.unsafeMake({ ...context }), { output: "back" })
        yield* Effect.provide(
          Effect.flatMap(ObservabilityService, (other) => other.updateSpan(context, { output: "of another" })),
          ObservabilityService.layer({ providers: [] })
        )
      }))
      const [recorded] = yield* Effect.flatMap(Testing.Recorded, (all) => all.of("Span"))
      assert.deepInclude(recorded, { output: "back" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("touches no span of another trace that has the same span id", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const { spanId } = Option.getOrThrow(yield* TraceContext.current)
        const remote = Either.getOrThrow(
          TraceContext.fromTraceparent(`00-0af7651916cd43dd8448eb211c80319c-${spanId}-01`)
        )
        yield* logLlmCall({ model: "m", promptTokens: 5 }).pipe(withTraceContext(remote))
        yield* annotate({ output: "of the other trace" }).pipe(withTraceContext(remote))
        yield* annotate({ promptTokens: 7 })
      }).pipe(withSpan("own"), withTrace("t"))
      const spans = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))
      const own = spans.find(({ name }) => name === "own")!
      assert.strictEqual(own.output, undefined)
      assert.isFalse(own.modelCall!.isSubtotal)
    }).pipe(Effect.provide(Testing.layer())))
})
