import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, TestClock } from "effect"
import { flush, logChatMessage, logDocumentEvent, logLlmCall } from "../src/Log.ts"
import { withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { modelCall, usage } from "./observations.ts"

const only = <A>(all: ReadonlyArray<A>): A => {
  assert.strictEqual(all.length, 1)
  return all[0]!
}

describe("logLlmCall", () => {
  it.effect("is a span of type llm that ended now and took its latency", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(10_000)
      yield* logLlmCall({
        model: "gpt-4o",
        provider: "openai",
        latency: "1500 millis",
        timeToFirstToken: "200 millis",
        temperature: 0,
        finishReason: "stop",
        promptTokens: 7,
        completionTokens: 3,
        costUsd: "0.0001",
        input: "why?",
        output: "because",
        attributes: { attempt: 1 }
      }).pipe(withTrace("t"))
      const recorded = yield* Testing.Recorded
      const call = only(yield* recorded.of("Span"))
      const trace = only(yield* recorded.of("Trace"))
      const { attributes, durationMicros, input, name, output, parentSpanId, startTimeUnixMicros, status, type } = call
      assert.deepStrictEqual(
        { attributes, durationMicros, input, name, output, parentSpanId, startTimeUnixMicros, status, type },
        {
          attributes: { attempt: 1 },
          durationMicros: 1_500_000,
          input: "why?",
          name: "chat gpt-4o",
          output: "because",
          parentSpanId: trace.spanId,
          startTimeUnixMicros: 8_500_000,
          status: "success",
          type: "llm"
        }
      )
      assert.strictEqual(BigDecimal.format(call.modelCall!.costUsd!), "0.0001")
      assert.deepStrictEqual(
        { ...call.modelCall!, costUsd: undefined },
        modelCall({
          temperature: 0,
          finishReason: "stop",
          timeToFirstTokenMicros: 200_000,
          usage: usage({ uncachedInputTokens: 7, outputTokens: 3 })
        })
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("with an error is an error", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m", error: new TypeError("broken") })
      const call = only(yield* (yield* Testing.Recorded).of("Span"))
      assert.strictEqual(call.status, "error")
      assert.deepInclude(call.error, { type: "TypeError", message: "broken" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("takes a usage of null, as every chunk of a stream but the last has it, for none", () =>
    Effect.gen(function*() {
      const chunk = JSON.parse(`{ "model": "m", "usage": null }`)
      yield* logLlmCall({ model: chunk.model, usage: chunk.usage, completionTokens: 3 })
      const call = only(yield* (yield* Testing.Recorded).of("Span"))
      assert.deepStrictEqual(call.modelCall!.usage, usage({ outputTokens: 3 }))
      assert.isUndefined(call.attributes)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("without a latency claims none", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m" })
      assert.isUndefined(only(yield* (yield* Testing.Recorded).of("Span")).durationMicros)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps a sentence about every figure that cannot be true, and leaves the figure out", () =>
    Effect.gen(function*() {
      for (const latency of ["-5 seconds", -5, NaN, Infinity, -5n, [-1, 0]] as const) {
        yield* logLlmCall({ model: "m", latency, promptTokens: -1, completionTokens: 2, costUsd: -3 })
      }
      const calls = yield* (yield* Testing.Recorded).of("Span")
      assert.strictEqual(calls.length, 6)
      for (const { attributes, durationMicros, modelCall } of calls) {
        const problems = attributes!["observability.problems"] as ReadonlyArray<string>
        assert.strictEqual(problems.length, 3, JSON.stringify(problems))
        assert.match(problems.join("\n"), /^latency is .*\npromptTokens is -1; .*\na cost of -3 US dollars; /)
        assert.isUndefined(durationMicros)
        assert.deepStrictEqual([modelCall!.usage, modelCall!.costUsd], [usage({ outputTokens: 2 }), undefined])
      }
    }).pipe(Effect.provide(Testing.layer())))
})

describe("messages and document events", () => {
  it.effect("stand in the span in which they are logged, in their order", () =>
    Effect.gen(function*() {
      yield* logChatMessage({ role: "user", content: "why?", turnNumber: 1 }).pipe(
        Effect.zipRight(
          logChatMessage({ role: "assistant", content: [{ text: "because" }], responseTime: "2 seconds" })
        ),
        Effect.zipRight(logDocumentEvent({
          documentId: "d",
          eventType: "parse",
          status: "failed",
          duration: "3 seconds",
          error: new RangeError("page 7"),
          retryable: true,
          retryCount: 2
        })),
        withSpan("turn"),
        withTrace("t", { userId: "ada" })
      )
      const recorded = yield* Testing.Recorded
      const turn = only(yield* recorded.of("Span"))
      const [question, answer] = yield* recorded.of("ChatMessage")
      assert.deepStrictEqual(
        [question!.spanId, question!.userId, question!.content, question!.turnNumber],
        [turn.spanId, "ada", "why?", 1]
      )
      assert.deepStrictEqual([answer!.content, answer!.responseTimeMicros], [[{ text: "because" }], 2_000_000])
      assert.isAbove(answer!.sequence, question!.sequence)
      const event = only(yield* recorded.of("DocumentEvent"))
      assert.deepStrictEqual([event.spanId, event.durationMicros], [turn.spanId, 3_000_000])
      assert.deepInclude(event.error, { type: "RangeError", message: "page 7", retryable: true, retryCount: 2 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("outside of a trace have one of their own, which is over with them", () =>
    Effect.gen(function*() {
      yield* logChatMessage({ role: "user", content: "hello" })
      yield* logDocumentEvent({ documentId: "d", eventType: "index", status: "completed" })
      const recorded = yield* Testing.Recorded
      const traces = yield* recorded.of("Trace")
      assert.deepStrictEqual(traces.map(({ name, status }) => [name, status]), [
        ["chat message user", "success"],
        ["document index", "success"]
      ])
      assert.strictEqual(only(yield* recorded.of("ChatMessage")).spanId, traces[0]!.spanId)
      assert.strictEqual(only(yield* recorded.of("DocumentEvent")).spanId, traces[1]!.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of a step that failed outside of a trace have one that has failed, and took as long", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(10_000)
      const step = { documentId: "d", eventType: "parse", status: "failed", duration: "3 seconds" } as const
      yield* logDocumentEvent({ ...step, error: new RangeError("page 7") })
      const recorded = yield* Testing.Recorded
      const trace = only(yield* recorded.of("Trace"))
      const { durationMicros, startTimeUnixMicros, status } = trace
      assert.deepStrictEqual({ durationMicros, startTimeUnixMicros, status }, {
        durationMicros: 3_000_000,
        startTimeUnixMicros: 7_000_000,
        status: "error"
      })
      assert.deepInclude(trace.error, { type: "RangeError", message: "page 7" })
      assert.strictEqual(only(yield* recorded.of("DocumentEvent")).timeUnixMicros, 10_000_000)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("flush", () => {
  it.effect("says for every provider what became of everything", () =>
    Effect.gen(function*() {
      yield* withSpan(Effect.void, "s")
      const receipts = yield* flush()
      assert.deepStrictEqual(Object.keys(receipts), ["recorded", "lying"])
      for (const receipt of Object.values(receipts)) {
        assert.deepStrictEqual(receipt, { accepted: 2, written: 2, spooled: 0, dropped: 0, rejected: 0, pending: 0 })
      }
    }).pipe(Effect.provide(Testing.layer({ providers: [Testing.lying()] }))))
})
