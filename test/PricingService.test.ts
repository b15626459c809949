/** Calls are priced as they are recorded: once, by the price of the time at which they began, and never over the program's head. */
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Either, TestClock } from "effect"
import { logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import * as Pricing from "../src/Pricing.ts"
import { annotate, withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"

const pricing = Either.getOrThrow(Pricing.make([
  {
    vendor: "acme",
    model: "m",
    validFrom: "2026-01-01",
    source: "a test",
    usdPerMillion: { input: "1", output: "2" }
  },
  {
    vendor: "acme",
    model: "m",
    validFrom: "2026-02-01",
    source: "a test",
    usdPerMillion: { input: "10", output: "20" }
  }
]))

const [january, february] = pricing.prices.map(({ id }) => id)

const at = (time: string) => TestClock.setTime(Date.parse(time))

const calls = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span")).pipe(
  Effect.map((spans) =>
    spans.map(({ modelCall, name }) => [
      name,
      modelCall?.costUsd && BigDecimal.format(modelCall.costUsd),
      modelCall?.priceId
    ])
  )
)

const unpriced = Effect.flatMap(ObservabilityService, ({ stats }) => Effect.map(stats, (each) => each.unpricedModels))

const recorded = Effect.provide(Testing.layer({ pricing }))

const tokens = { promptTokens: 100, completionTokens: 10 }

describe("a call", () => {
  it.effect("gets the cost that follows from its usage, and the trace their sum", () =>
    Effect.gen(function*() {
      yield* at("2026-01-15T00:00:00Z")
      yield* Effect.zipRight(
        logLlmCall({ model: "m", name: "first", ...tokens }),
        logLlmCall({ model: "m", name: "second", promptTokens: 1, completionTokens: 1 })
      ).pipe(withTrace("trace"))
      assert.deepStrictEqual(yield* calls, [["first", "0.00012", january], ["second", "0.000003", january]])
      const [trace] = yield* Effect.flatMap(Testing.Recorded, ({ of }) => of("Trace"))
      assert.strictEqual(BigDecimal.format(trace!.totals!.costUsd!), "0.000123")
    }).pipe(recorded))

  it.effect("keeps the cost that the program states, also 0, and says so by having no price", () =>
    Effect.gen(function*() {
      yield* at("2026-01-15T00:00:00Z")
      yield* logLlmCall({ model: "m", name: "stated", costUsd: "7", ...tokens })
      yield* logLlmCall({ model: "m", name: "free", costUsd: 0, ...tokens })
      yield* annotate(tokens).pipe(
        Effect.zipRight(annotate({ model: "m" })),
        Effect.zipRight(annotate({ costUsd: "5" })),
        withSpan("before its end")
      )
      assert.deepStrictEqual(yield* calls, [
        ["stated", "7", undefined],
        ["free", "0", undefined],
        ["before its end", "5", undefined]
      ])
      assert.deepStrictEqual(yield* unpriced, {})
    }).pipe(recorded))

  it.effect("costs what it did when it began", () =>
    Effect.gen(function*() {
      yield* at("2026-01-31T23:59:59Z")
      yield* annotate({ model: "m", ...tokens }).pipe(
        Effect.zipRight(TestClock.adjust("2 seconds")),
        withSpan("over midnight")
      )
      yield* logLlmCall({ model: "m", name: "over", latency: "2 seconds", ...tokens })
      yield* logLlmCall({ model: "m", name: "after", ...tokens })
      assert.deepStrictEqual(yield* calls, [
        ["over midnight", "0.00012", january],
        ["over", "0.00012", january],
        ["after", "0.0012", february]
      ])
    }).pipe(recorded))

  it.effect("is priced when its usage is found after its end, and again when that was corrected", () =>
    Effect.gen(function*() {
      yield* at("2026-01-15T00:00:00Z")
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "trace" })
      const span = yield* Effect.scoped(service.span(context, "late", "llm"))
      yield* service.updateSpan(span, { model: "m", ...tokens })
      assert.deepStrictEqual(yield* calls, [["late", "0.00012", january]])
      yield* service.updateSpan(span, { completionTokens: 20 })
      assert.deepStrictEqual(yield* calls, [["late", "0.00014", january]])
      yield* service.updateSpan(span, { model: "another" })
      assert.deepStrictEqual(yield* calls, [["late", undefined, undefined]])
      yield* service.updateSpan(span, { finishReason: "stop" })
      assert.deepStrictEqual(yield* unpriced, { another: 1 })
      yield* service.updateSpan(span, { costUsd: "3" })
      assert.deepStrictEqual(yield* calls, [["late", "3", undefined]])
    }).pipe(recorded))

  it.effect("is billed, and not the span around it that repeats its usage", () =>
    Effect.gen(function*() {
      yield* at("2026-01-15T00:00:00Z")
      yield* logLlmCall({ model: "m", name: "call", ...tokens }).pipe(
        Effect.zipRight(annotate({ model: "m", ...tokens })),
        withSpan("agent", { type: "agent" }),
        withTrace("trace")
      )
      assert.deepStrictEqual(yield* calls, [["agent", undefined, undefined], ["call", "0.00012", january]])
      const [trace] = yield* Effect.flatMap(Testing.Recorded, ({ of }) => of("Trace"))
      assert.strictEqual(BigDecimal.format(trace!.totals!.costUsd!), "0.00012")
    }).pipe(recorded))
})

describe("a call without a price", () => {
  it.effect("has no cost, and its model is named with how often that was", () =>
    Effect.gen(function*() {
      yield* at("2026-01-15T00:00:00Z")
      yield* logLlmCall({ model: "unknown", ...tokens })
      yield* logLlmCall({ model: "unknown", ...tokens })
      yield* logLlmCall({ model: "__proto__", ...tokens })
      // a bucket without a price
      yield* logLlmCall({ model: "m", usage: { uncachedInputTokens: 1, cacheReadTokens: 1, outputTokens: 1 } })
      // there is nothing to be priced
      yield* logLlmCall({ model: "no usage" })
      yield* logLlmCall({ model: "m", usage: { uncachedInputTokens: 1 } })
      assert.deepStrictEqual((yield* calls).map(([, cost]) => cost), Array(6).fill(undefined))
      assert.deepStrictEqual(Object.entries(yield* unpriced), [["unknown", 2], ["__proto__", 1], ["m", 1]])
    }).pipe(recorded))

  it.effect("is counted without its name when there are too many names", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(Array.from({ length: 150 }, (_, index) => `model ${index}`), (model) =>
        logLlmCall({ model, ...tokens }))
      yield* logLlmCall({ model: "model 0", ...tokens })
      const counts = yield* unpriced
      assert.strictEqual(Object.keys(counts).length, 101)
      assert.deepInclude(counts, { "model 0": 2, "model 99": 1, "(others)": 50 })
    }).pipe(recorded))
})

it.effect("without prices nothing is priced, and without a table of its own a program has the shipped ones", () =>
  Effect.gen(function*() {
    yield* at("2026-01-15T00:00:00Z")
    const shown = Effect.zipRight(logLlmCall({ model: "gpt-4o", provider: "openai", ...tokens }), calls)
    const [none] = yield* Effect.provide(shown, Testing.layer({ pricing: Pricing.empty }))
    assert.deepStrictEqual(none, ["chat gpt-4o", undefined, undefined])
    // 100 * 2.50 + 10 * 10 millionths
    const [shipped] = yield* Effect.provide(shown, Testing.layer())
    assert.strictEqual(shipped?.[1], "0.00035")
  }))
