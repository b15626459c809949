/** What becomes of the things a program logs. */
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Data, Effect, TestClock } from "effect"
import { flush, logChatMessage, logDocumentEvent, logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { closedRevision } from "../src/Observation.ts"
import { withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"

class RateLimited extends Data.TaggedError("RateLimited")<{ readonly message: string }> {}

describe("logLlmCall", () => {
  it.effect("records a call that is over as a span that ends now and began its latency ago", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 minute")
      yield* logLlmCall({
        model: "m-1",
        provider: "vendor",
        promptTokens: 10,
        completionTokens: 5,
        costUsd: "0.000123",
        latency: "1500 millis",
        timeToFirstToken: "200 millis",
        temperature: 0.7,
        finishReason: "stop",
        input: [{ role: "user", content: "why?" }],
        output: "because",
        attributes: { attempt: 1 }
      }).pipe(withSpan("parent"), withTrace("trace", { userId: "ada" }))
      const { of } = yield* Testing.Recorded
      const [parent, call] = yield* of("Span")
      assert.deepInclude(call, {
        name: "chat m-1",
        type: "llm",
        status: "success",
        parentSpanId: parent!.spanId,
        userId: "ada",
        startTimeUnixMicros: 58_500_000,
        durationMicros: 1_500_000,
        input: [{ role: "user", content: "why?" }],
        output: "because",
        attributes: { attempt: 1 },
        revision: closedRevision
      })
      const { costUsd, ...modelCall } = call!.modelCall!
      assert.strictEqual(BigDecimal.format(costUsd!), "0.000123")
      assert.deepStrictEqual(modelCall, {
        provider: "vendor",
        model: "m-1",
        temperature: 0.7,
        finishReason: "stop",
        timeToFirstTokenMicros: 200_000,
        usage: {
          uncachedInputTokens: 10,
          cacheReadTokens: undefined,
          cacheWriteTokens: undefined,
          outputTokens: 5,
          reasoningTokens: undefined
        },
        isSubtotal: false
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("without a latency claims none", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m", name: "summarise" }).pipe(withTrace("trace"))
      const { of } = yield* Testing.Recorded
      assert.deepInclude((yield* of("Span"))[0], { name: "summarise", durationMicros: undefined, status: "success" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("with an error is a call that failed", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m", error: new RateLimited({ message: "slow down" }) }).pipe(withTrace("trace"))
      const { of } = yield* Testing.Recorded
      const [call] = yield* of("Span")
      assert.strictEqual(call?.status, "error")
      assert.deepInclude(call?.error, { type: "RateLimited", message: "slow down" })
      // the program went on, and so the trace is none
      assert.strictEqual((yield* of("Trace"))[0]?.status, "success")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("outside of a trace has one of its own, which ends as the call did, and as long", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 minute")
      yield* logLlmCall({ model: "m", promptTokens: 7, latency: "2 seconds", error: "refused" })
      const { of } = yield* Testing.Recorded
      const [trace] = yield* of("Trace")
      const [call] = yield* of("Span")
      assert.strictEqual(call?.traceId, trace?.traceId)
      assert.strictEqual(call?.parentSpanId, trace?.spanId)
      assert.deepInclude(trace, { name: "chat m", status: "error" })
      assert.strictEqual(trace?.totals?.inputTokens, 7)
      assert.deepStrictEqual([trace, call].map((each) => [each!.startTimeUnixMicros, each!.durationMicros]), [
        [58_000_000, 2_000_000],
        [58_000_000, 2_000_000]
      ])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("logChatMessage", () => {
  it.effect("keeps the message with the span in which it was logged", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 second")
      yield* logChatMessage({
        role: "assistant",
        content: [{ type: "text", text: "because" }],
        turnNumber: 2,
        sources: [{ id: 1 }],
        citations: [{ at: 3 }],
        tokens: 12,
        model: "m",
        responseTime: "1 second",
        metadata: { kept: true }
      }).pipe(withSpan("answer"), withTrace("trace", { userId: "ada", sessionId: "s", kbId: "kb" }))
      const { of } = yield* Testing.Recorded
      const [span] = yield* of("Span")
      const [message] = yield* of("ChatMessage")
      assert.deepInclude(message, {
        traceId: span!.traceId,
        spanId: span!.spanId,
        userId: "ada",
        sessionId: "s",
        kbId: "kb",
        role: "assistant",
        content: [{ type: "text", text: "because" }],
        turnNumber: 2,
        sources: [{ id: 1 }],
        citations: [{ at: 3 }],
        tokens: 12,
        model: "m",
        responseTimeMicros: 1_000_000,
        metadata: { kept: true },
        timeUnixMicros: 1_000_000,
        revision: closedRevision
      })
      assert.notStrictEqual(message?.messageId, span?.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("messages of one microsecond keep their order", () =>
    Effect.gen(function*() {
      yield* Effect.forEach([1, 2, 3, 4], (content) => logChatMessage({ role: "user", content })).pipe(
        withTrace("trace")
      )
      const { of } = yield* Testing.Recorded
      const messages = [...(yield* of("ChatMessage"))].sort((left, right) => left.sequence - right.sequence)
      assert.deepStrictEqual(messages.map((each) => each.content), [1, 2, 3, 4])
      assert.strictEqual(new Set(messages.map((each) => each.messageId)).size, 4)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("outside of a trace has one of its own", () =>
    Effect.gen(function*() {
      yield* logChatMessage({ role: "user", content: "hi" })
      const { tree } = yield* Testing.Recorded
      assert.strictEqual(yield* tree, "trace chat message user [success 0ms]\n└─ message user hi")
      assert.strictEqual((yield* (yield* ObservabilityService).stats).openTraces, 0)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("logDocumentEvent", () => {
  it.effect("keeps the step, and why it failed", () =>
    Effect.gen(function*() {
      yield* logDocumentEvent({
        documentId: "d-1",
        documentName: "report.pdf",
        eventType: "parse",
        status: "failed",
        duration: "3 seconds",
        metrics: { pages: 4 },
        error: new RateLimited({ message: "slow down" }),
        retryable: true,
        retryCount: 2,
        metadata: { tenant: 7 }
      }).pipe(withSpan("ingest"), withTrace("trace"))
      const { of } = yield* Testing.Recorded
      const [span] = yield* of("Span")
      const [event] = yield* of("DocumentEvent")
      assert.deepInclude(event, {
        spanId: span!.spanId,
        documentId: "d-1",
        documentName: "report.pdf",
        eventType: "parse",
        status: "failed",
        durationMicros: 3_000_000,
        metrics: { pages: 4 },
        metadata: { tenant: 7 }
      })
      assert.deepInclude(event?.error, { type: "RateLimited", message: "slow down", retryable: true, retryCount: 2 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a step that did not fail has no error, and outside of a trace one of its own", () =>
    Effect.gen(function*() {
      yield* logDocumentEvent({ documentId: "d", eventType: "chunk", status: "completed", metrics: { chunkCount: 12 } })
      const { of, tree } = yield* Testing.Recorded
      assert.strictEqual((yield* of("DocumentEvent"))[0]?.error, undefined)
      assert.strictEqual(yield* tree, "trace document chunk [success 0ms]\n└─ document d chunk [completed]")
    }).pipe(Effect.provide(Testing.layer())))
})

describe("flush", () => {
  it.effect("says by provider what became of everything, without waiting for the batch window", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m" })
      assert.deepStrictEqual(yield* flush(), {
        recorded: { accepted: 2, written: 2, spooled: 0, dropped: 0, rejected: 0, pending: 0 }
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of a provider that never answers returns when its time is up, with what is pending", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m" })
      const flushing = yield* Effect.fork(flush({ timeout: "3 seconds" }))
      yield* TestClock.adjust("3 seconds")
      const receipt = yield* flushing.await.pipe(Effect.flatten)
      assert.deepInclude(receipt["hanging"], { accepted: 2, written: 0, pending: 2 })
      assert.deepInclude(receipt["recorded"], { accepted: 2, written: 2, pending: 0 })
    }).pipe(Effect.provide(Testing.layer({ providers: [Testing.hanging()], closeDeadline: 0 }))))
})
