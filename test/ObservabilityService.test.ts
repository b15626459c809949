/** What the service promises: records, figures, redaction, bounds, and its end. */
import { assert, describe, it } from "@effect/vitest"
import {
  BigDecimal,
  Cause,
  Effect,
  Exit,
  Fiber,
  HashMap,
  Layer,
  Logger,
  ManagedRuntime,
  Option,
  Runtime,
  Scope,
  TestClock
} from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import { sequential } from "../src/IdGenerator.ts"
import type * as Input from "../src/Input.ts"
import { flush, logChatMessage, logDocumentEvent, logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Observation, Span } from "../src/Observation.ts"
import { closedRevision, mapTexts } from "../src/Observation.ts"
import type { Provider } from "../src/Provider.ts"
import { memory } from "../src/Provider.ts"
import { annotate, span, withSpan, withTrace, withTraceContext } from "../src/Span.ts"
import type { SpanHandle } from "../src/SpanHandle.ts"
import * as Testing from "../src/Testing.ts"
import { Current, TraceContext } from "../src/TraceContext.ts"

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))
const traces = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))

const spanNamed = (name: string) =>
  Effect.map(spans, (all) => {
    const found = all.filter((candidate) => candidate.name === name)
    assert.strictEqual(found.length, 1, `spans named ${name}`)
    return found[0]!
  })

const traceNamed = (name: string) =>
  Effect.map(traces, (all) => {
    const found = all.filter((candidate) => candidate.name === name)
    assert.strictEqual(found.length, 1, `traces named ${name}`)
    return found[0]!
  })

const isSpan = (record: Observation): record is Span => record._tag === "Span"

const totalsOf = (name: string) =>
  Effect.map(traceNamed(name), ({ totals }) => ({
    input: totals?.inputTokens,
    output: totals?.outputTokens,
    cost: totals?.costUsd && BigDecimal.format(totals.costUsd),
    stated: totals?.stated
  }))

describe("coalescing", () => {
  const provider = () => memory("memory")

  it.effect("a span that starts and ends within one batch window is one record, its trace one more", () => {
    const stored = provider()
    return Effect.gen(function*() {
      yield* Effect.void.pipe(withSpan("short"), withTrace("trace"))
      assert.deepStrictEqual(stored.records, [])
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(stored.records.map((each) => [each._tag, each.revision]), [
        ["Trace", closedRevision],
        ["Span", closedRevision]
      ])
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("a span that lasts longer than a window is two records, with growing revision", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.sleep("300 millis").pipe(withSpan("long"), withTrace("trace")))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      const long = stored.records.filter(isSpan)
      assert.deepStrictEqual(long.map((each) => each.status), ["in_progress", "success"])
      assert.deepStrictEqual(long.map((each) => each.durationMicros), [undefined, 300_000])
      // a store that was sent the open one must look for it
      assert.isTrue(long[0]!.revision < closedRevision && long[1]!.revision === closedRevision + 1)
      assert.strictEqual(long[0]!.spanId, long[1]!.spanId)
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("many updates in a window are one record; in several windows revisions grow", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const fiber = yield* Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          for (let update = 0; update < 10; update++) yield* annotate({ attributes: { [`a${round}.${update}`]: 1 } })
          yield* Effect.sleep("1 second")
        }
      }).pipe(withSpan("updated"), withTrace("trace"), Effect.fork)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      const updated = stored.records.filter(isSpan)
      assert.deepStrictEqual(updated.map((each) => Object.keys(each.attributes ?? {}).length), [10, 20, 30, 30])
      const revisions = updated.map((each) => each.revision)
      assert.deepStrictEqual(revisions, [...new Set(revisions)].sort((left, right) => left - right))
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("an update after the end of a span is one more record, with a higher revision and the same end", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const service = yield* ObservabilityService
      const handle = yield* Effect.scoped(span("over", { attributes: { a: 1 } })).pipe(withTrace("trace"))
      yield* TestClock.adjust("1 second")
      yield* service.updateSpan(handle, { attributes: { b: 2 }, output: "late" })
      yield* TestClock.adjust("1 second")
      const over = stored.records.filter(isSpan)
      assert.deepStrictEqual(over.map((each) => each.revision), [closedRevision, closedRevision + 1])
      assert.deepInclude(over[1], {
        status: "success",
        durationMicros: 0,
        attributes: { a: 1, b: 2 },
        output: "late"
      })
      // what was handed over stays as it was
      assert.deepInclude(over[0], { attributes: { a: 1 }, output: undefined })
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("an update after the end that comes in the same window is in the one record that there is", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const service = yield* ObservabilityService
      const handle = yield* Effect.scoped(span("over", { attributes: { a: 1 } })).pipe(withTrace("trace"))
      yield* service.updateSpan(handle, { attributes: { b: 2 } })
      yield* service.updateSpan(handle, { output: "late" })
      yield* TestClock.adjust("1 second")
      // of a revision that says that a store need not look for another one
      assert.deepStrictEqual(
        stored.records.filter(isSpan).map(({ attributes, output, revision }) => ({ attributes, output, revision })),
        [{ attributes: { a: 1, b: 2 }, output: "late", revision: closedRevision }]
      )
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("a trace that was handed over is so once more when a call that outlives it adds to its totals", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const service = yield* ObservabilityService
      const scope = yield* Scope.make()
      const [handle, other] = yield* Effect.all([span("call"), span("no call")]).pipe(
        Scope.extend(scope),
        withTrace("trace")
      )
      yield* TestClock.adjust("1 second")
      yield* service.updateSpan(handle, { usage: { outputTokens: 5 } })
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      yield* service.updateSpan(handle, { costUsd: 2 })
      yield* TestClock.adjust("1 second")
      yield* service.updateSpan(handle, { model: "no figure" })
      yield* service.updateSpan(other, { output: "no call" })
      yield* TestClock.adjust("1 second")
      const traces = stored.records.flatMap((record) => record._tag === "Trace" ? [record] : [])
      assert.deepStrictEqual(
        traces.map(({ revision, status, totals }) => [revision - closedRevision, status, totals?.outputTokens]),
        [[0, "success", undefined], [1, "success", 5], [2, "success", 5]]
      )
      assert.strictEqual(BigDecimal.format(traces[2]!.totals!.costUsd!), "2")
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("a call that begins when its trace has ended adds to its totals, also below a span of it", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "trace" })
      yield* service.endTrace(context)
      yield* TestClock.adjust("1 second")
      yield* service.logLlmCall(context, { model: "model", usage: { outputTokens: 5 } })
      yield* TestClock.adjust("1 second")
      yield* logLlmCall({ model: "model", usage: { outputTokens: 7 } }).pipe(
        withSpan("later"),
        withTraceContext(context)
      )
      yield* TestClock.adjust("1 second")
      const traces = stored.records.flatMap((record) => record._tag === "Trace" ? [record] : [])
      assert.deepStrictEqual(
        traces.map(({ durationMicros, status, totals }) => [durationMicros, status, totals?.outputTokens]),
        [[0, "success", undefined], [0, "success", 5], [0, "success", 12]]
      )
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("nothing takes less than no time, whatever clocks say", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(10_000)
      yield* Effect.flatMap(
        Effect.makeSpan("native"),
        (native) => Effect.sync(() => native.end(9_000_000_000n, Exit.void))
      ).pipe(Effect.provide(EffectTracer.layer()))
      yield* withTrace(withSpan(TestClock.setTime(3_000), "step"), "trace")
      for (const { durationMicros, name } of [...yield* spans, ...yield* traces]) {
        assert.strictEqual(durationMicros, 0, name)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("an error that is null is none, as vendors state it in answers that are complete", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "model", error: null })
      yield* logDocumentEvent({ documentId: "d", eventType: "parse", status: "completed", error: null })
      const service = yield* ObservabilityService
      yield* service.endTrace(yield* service.startTrace({ name: "trace" }), { error: null })
      for (const { error, status } of [...yield* spans, ...yield* traces]) {
        assert.deepStrictEqual([status, error], ["success", undefined])
      }
      const [step] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("DocumentEvent"))
      assert.strictEqual(step!.error, undefined)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a trace that is open is handed over when it begins and when it ends, whatever calls add", () => {
    const stored = provider()
    return Effect.gen(function*() {
      for (let call = 0; call < 3; call++) {
        yield* TestClock.adjust("1 second")
        yield* logLlmCall({ model: "model", usage: { outputTokens: 5 } })
      }
    }).pipe(
      withTrace("trace"),
      Effect.zipRight(TestClock.adjust("1 second")),
      Effect.zipRight(Effect.sync(() => {
        const traces = stored.records.flatMap((record) => record._tag === "Trace" ? [record] : [])
        assert.deepStrictEqual(
          traces.map(({ status, totals }) => [status, totals?.outputTokens]),
          [["in_progress", undefined], ["success", 15]]
        )
      })),
      Effect.provide(ObservabilityService.layerMemory(stored))
    )
  })

  it.effect("a trace that waits for its window has the totals of a call that outlives it", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const service = yield* ObservabilityService
      const scope = yield* Scope.make()
      const handle = yield* span("call").pipe(Scope.extend(scope), withTrace("trace"))
      yield* service.updateSpan(handle, { usage: { outputTokens: 5 } })
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        stored.records.flatMap((record) =>
          record._tag === "Trace" ? [[record.revision, record.totals?.outputTokens]] : []
        ),
        [[closedRevision, 5]]
      )
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })

  it.effect("a program that never lets a timer through does not pile up records without bound", () => {
    const stored = provider()
    return Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "busy" })
      for (let index = 0; index < 3_000; index++) {
        yield* logChatMessage({ role: "user", content: index }).pipe(withTraceContext(context))
      }
      const { providers } = yield* service.stats
      assert.isAtLeast(providers["memory"]!.accepted, 2_000)
      yield* service.flush()
      const contents = stored.records.filter((each) => each._tag === "ChatMessage").map((each) => each.content)
      assert.deepStrictEqual(contents, Array.from({ length: 3_000 }, (_, index) => index))
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored)))
  })
})

describe("totals", () => {
  it.effect("are the sum over the model calls of the trace, wherever they are in it", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* logLlmCall({ model: "m", promptTokens: 10, completionTokens: 1, costUsd: 0.1 })
        yield* logLlmCall({ model: "m", promptTokens: 20, completionTokens: 2, costUsd: 0.2 }).pipe(withSpan("deep"))
        yield* Effect.all(
          [annotate({ promptTokens: 30 }).pipe(withSpan("a")), annotate({ completionTokens: 4 }).pipe(withSpan("b"))],
          { concurrency: "unbounded" }
        )
      }).pipe(withTrace("trace"))
      // 0.1 + 0.2 is 0.3, and not 0.30000000000000004
      assert.deepStrictEqual(yield* totalsOf("trace"), { input: 60, output: 7, cost: "0.3", stated: false })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("are unknown, not zero, when nothing is known", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m" }).pipe(withTrace("trace"))
      assert.deepStrictEqual(yield* totalsOf("trace"), {
        input: undefined,
        output: undefined,
        cost: undefined,
        stated: false
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("count the cached input once, with the input", () =>
    Effect.gen(function*() {
      yield* logLlmCall({
        model: "m",
        usage: {
          uncachedInputTokens: 1,
          cacheReadTokens: 10,
          cacheWriteTokens: 100,
          outputTokens: 7,
          reasoningTokens: 5
        }
      }).pipe(withTrace("trace"))
      assert.deepInclude(yield* totalsOf("trace"), { input: 111, output: 7 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a figure that the program states wins, the others are the sums", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "trace" })
      yield* logLlmCall({ model: "m", promptTokens: 10, completionTokens: 1, costUsd: "0.1" }).pipe(
        withTraceContext(context)
      )
      yield* service.endTrace(context, { inputTokens: 0, costUsd: "0.70" })
      assert.deepStrictEqual(yield* totalsOf("trace"), { input: 0, output: 1, cost: "0.7", stated: true })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("count usage once when spans above repeat it, and say which of them repeat", () =>
    Effect.gen(function*() {
      const usage = { promptTokens: 10, completionTokens: 5, costUsd: "0.5" }
      yield* logLlmCall({ model: "m", name: "call", ...usage }).pipe(
        Effect.zipRight(annotate(usage)),
        withSpan("sdk", { type: "llm" }),
        withSpan("between"),
        Effect.zipRight(annotate(usage)),
        withSpan("agent", { type: "agent" }),
        withTrace("trace")
      )
      assert.deepInclude(yield* totalsOf("trace"), { input: 10, output: 5, cost: "0.5" })
      const subtotals = (yield* spans).map((each) => [each.name, each.modelCall?.isSubtotal])
      assert.sameDeepMembers(subtotals, [["agent", true], ["between", undefined], ["sdk", true], ["call", false]])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("count usage once when it is repeated above before it is known below", () =>
    Effect.gen(function*() {
      const usage = { promptTokens: 10, completionTokens: 5 }
      yield* annotate(usage).pipe(
        Effect.zipRight(logLlmCall({ model: "m", ...usage })),
        withSpan("agent"),
        withTrace("trace")
      )
      assert.deepInclude(yield* totalsOf("trace"), { input: 10, output: 5 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a span that repeats the usage below it still does after a late update", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.gen(function*() {
        const handle = yield* Effect.scoped(Effect.gen(function*() {
          const agent = yield* span("agent")
          yield* logLlmCall({ model: "m", promptTokens: 10 }).pipe(withTraceContext(agent.context))
          yield* service.updateSpan(agent, { promptTokens: 10 })
          return agent
        }))
        yield* service.updateSpan(handle, { model: "found out late" })
      }).pipe(withTrace("trace"))
      const agent = yield* spanNamed("agent")
      assert.deepInclude(agent.modelCall, { model: "found out late", isSubtotal: true })
      assert.deepInclude(yield* totalsOf("trace"), { input: 10 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("hold the two halves of a call's usage, said one after the other", () =>
    Effect.gen(function*() {
      yield* annotate({ promptTokens: 10 }).pipe(
        Effect.zipRight(annotate({ completionTokens: 5 })),
        Effect.zipRight(annotate({ completionTokens: 6 })),
        withSpan("call"),
        withTrace("trace")
      )
      assert.deepInclude(yield* totalsOf("trace"), { input: 10, output: 6 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("hold what was found out about a call after its span was over", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.gen(function*() {
        const handle = yield* Effect.scoped(span("call", { type: "llm" }))
        yield* service.updateSpan(handle, { promptTokens: 10 })
        yield* service.updateSpan(handle, { model: "m", costUsd: "0.1" })
      }).pipe(withTrace("trace"))
      assert.deepInclude(yield* totalsOf("trace"), { input: 10, cost: "0.1" })
    }).pipe(Effect.provide(Testing.layer())))

  for (
    const [what, update, expected] of [
      ["completed", { completionTokens: 500 }, { input: 1_000, output: 500, cost: "0.0075" }],
      ["raised", { promptTokens: 2_000, completionTokens: 500, costUsd: "1" }, {
        input: 2_000,
        output: 500,
        cost: "1"
      }],
      ["lowered", { promptTokens: 0, completionTokens: 1 }, { input: 0, output: 1, cost: "0.00001" }]
    ] as const
  ) {
    it.effect(`follow what is ${what} of a call when its span is over`, () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.UTC(2026, 0, 1))
        const service = yield* ObservabilityService
        yield* Effect.gen(function*() {
          const handle = yield* Effect.scoped(Effect.tap(span("call", { type: "llm" }), (call) =>
            service.updateSpan(call, { provider: "openai", model: "gpt-4o", promptTokens: 1_000 })))
          yield* service.updateSpan(handle, update)
        }).pipe(withTrace("trace"))
        assert.deepInclude(yield* totalsOf("trace"), expected)
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("are unknown again when a call turns out to be one without a price", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      const service = yield* ObservabilityService
      yield* Effect.gen(function*() {
        const handle = yield* Effect.scoped(span("call", { type: "llm" }))
        const call = { provider: "openai", model: "gpt-4o", promptTokens: 1_000, completionTokens: 500 }
        yield* service.updateSpan(handle, call)
        yield* service.updateSpan(handle, { model: "nobody's" })
      }).pipe(withTrace("trace"))
      assert.deepInclude(yield* totalsOf("trace"), { input: 1_000, cost: undefined })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of another trace are not touched", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m", promptTokens: 10 }).pipe(
        withTrace("inner"),
        Effect.zipRight(logLlmCall({ model: "m", promptTokens: 1 })),
        withTrace("outer")
      )
      assert.deepInclude(yield* totalsOf("inner"), { input: 10 })
      assert.deepInclude(yield* totalsOf("outer"), { input: 1 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("sums of many costs are exact to the last digit", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(
        Array.from({ length: 1_000 }),
        () => logLlmCall({ model: "m", costUsd: 0.000_001_1 }),
        { concurrency: 8 }
      ).pipe(withTrace("trace"))
      assert.strictEqual((yield* totalsOf("trace")).cost, "0.0011")
    }).pipe(Effect.provide(Testing.layer())))
})

describe("impossible figures", () => {
  const problems = (update: Input.SpanUpdate) =>
    Effect.gen(function*() {
      yield* annotate(update).pipe(withSpan("span"), withTrace("trace"))
      const recorded = yield* spanNamed("span")
      return { recorded, problems: recorded.attributes?.["observability.problems"] }
    }).pipe(Effect.provide(Testing.layer()))

  const impossible: ReadonlyArray<readonly [Input.SpanUpdate, string]> = [
    [{ promptTokens: -1 }, "promptTokens is -1"],
    [{ completionTokens: 1.5 }, "completionTokens is 1.5"],
    [{ usage: { cacheReadTokens: Number.NaN } }, "cacheReadTokens is NaN"],
    [{ usage: { outputTokens: 1, reasoningTokens: 2 } }, "reasoningTokens is 2"],
    [{ costUsd: -0.5 }, "-0.5"],
    [{ costUsd: "cheap" }, "cheap"],
    [{ costUsd: Number.NaN }, "NaN"],
    [{ costUsd: Number.POSITIVE_INFINITY }, "Infinity"],
    [{ temperature: Number.NaN }, "temperature is NaN"],
    [{ topScore: Number.NEGATIVE_INFINITY }, "topScore is -Infinity"],
    [{ resultCount: -3 }, "resultCount is -3"],
    [{ pageCount: 2 ** 53 }, "pageCount is 9007199254740992"],
    [{ chunkCount: 0.1 }, "chunkCount is 0.1"],
    [{ timeToFirstToken: -1 }, "timeToFirstToken is -1"],
    [{ timeToFirstToken: "-5 seconds" }, "timeToFirstToken is -5 seconds"],
    [{ timeToFirstToken: -5n }, "timeToFirstToken is -5"],
    [{ timeToFirstToken: Number.NaN }, "timeToFirstToken is NaN"],
    [{ timeToFirstToken: "soon" as never }, "timeToFirstToken is soon"]
  ]

  for (const [update, expected] of impossible) {
    it.effect(`are left out, with a sentence about it: ${expected}`, () =>
      Effect.gen(function*() {
        const { problems: sentences, recorded } = yield* problems(update)
        assert.isArray(sentences)
        assert.strictEqual((sentences as ReadonlyArray<string>).length, 1)
        assert.include((sentences as ReadonlyArray<string>)[0], expected)
        const figures = { ...recorded.metrics, ...recorded.modelCall, ...recorded.modelCall?.usage, usage: undefined }
        assert.deepStrictEqual(Object.values(figures).filter((each) => each !== undefined && each !== false), [])
      }))
  }

  it.effect("leave alone what was known before, and what else is said", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* annotate({ model: "m", promptTokens: 5, resultCount: 3, temperature: 0 })
        yield* annotate({ promptTokens: -1, resultCount: -1, temperature: Number.NaN, attributes: { kept: true } })
      }).pipe(withSpan("span"), withTrace("trace"))
      const recorded = yield* spanNamed("span")
      assert.deepInclude(recorded.modelCall, { model: "m", temperature: 0 })
      assert.strictEqual(recorded.modelCall?.usage?.uncachedInputTokens, 5)
      assert.strictEqual(recorded.metrics?.resultCount, 3)
      assert.strictEqual(recorded.attributes?.["kept"], true)
      assert.strictEqual((recorded.attributes?.["observability.problems"] as ReadonlyArray<string>).length, 3)
      assert.deepInclude(yield* totalsOf("trace"), { input: 5 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of a later call do not make the sentences about an earlier one disappear", () =>
    Effect.gen(function*() {
      yield* annotate({ promptTokens: -1 }).pipe(
        Effect.zipRight(annotate({ resultCount: -2 })),
        withSpan("span"),
        withTrace("trace")
      )
      const sentences = (yield* spanNamed("span")).attributes?.["observability.problems"]
      assert.include(JSON.stringify(sentences), "promptTokens is -1")
      assert.include(JSON.stringify(sentences), "resultCount is -2")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("at the end of a trace are kept with the trace", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "trace", metadata: { m: 1 } })
      yield* service.endTrace(context, { inputTokens: -1, costUsd: "free", duration: -1 })
      const trace = yield* traceNamed("trace")
      assert.strictEqual((trace.metadata?.["observability.problems"] as ReadonlyArray<string>).length, 3)
      assert.strictEqual(trace.metadata?.["m"], 1)
      assert.deepInclude(trace.totals, { inputTokens: undefined, costUsd: undefined, stated: false })
      assert.strictEqual(trace.durationMicros, 0)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of messages and document events are kept with them", () =>
    Effect.gen(function*() {
      const recorded = yield* Testing.Recorded
      yield* logChatMessage({ role: "user", content: "hi", tokens: -1, turnNumber: 0.5, metadata: { m: 1 } })
      yield* logDocumentEvent({ documentId: "d", eventType: "parse", status: "completed", duration: Number.NaN })
      const [message] = yield* recorded.of("ChatMessage")
      const [event] = yield* recorded.of("DocumentEvent")
      assert.deepInclude(message, { tokens: undefined, turnNumber: undefined })
      assert.strictEqual((message?.metadata?.["observability.problems"] as ReadonlyArray<string>).length, 2)
      assert.strictEqual(message?.metadata?.["m"], 1)
      assert.strictEqual(event?.durationMicros, undefined)
      assert.strictEqual((event?.metadata?.["observability.problems"] as ReadonlyArray<string>).length, 1)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a span that is begun below a handle", () => {
  const below = (parent: SpanHandle) =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.withFiberRuntime<void>((fiber) => {
        service.unsafe.endSpan(fiber, service.unsafe.startSpan(fiber, parent, "child", undefined)!, Exit.void)
        return Effect.void
      })
      const recorded = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))
      return recorded.find(({ name }) => name === "child")!
    })

  it.effect("stands where it would below its context", () =>
    Effect.scoped(Effect.gen(function*() {
      const parent = yield* span("parent")
      const child = yield* below(parent)
      assert.deepInclude(child, { traceId: parent.traceId, parentSpanId: parent.spanId, userId: "ada" })
    })).pipe(withTrace("t", { userId: "ada" }), Effect.provide(Testing.layer())))

  it.effect("also where nobody records that one", () =>
    Effect.gen(function*() {
      const parent = yield* Effect.scoped(span("parent")).pipe(Effect.provide(ObservabilityService.layerNoop))
      const child = yield* below(parent)
      assert.deepInclude(child, { traceId: parent.traceId, parentSpanId: parent.spanId, parentIsRemote: false })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("redact", () => {
  const elsewhere = TraceContext.unsafeRoot(sequential(), 0)

  const secretProgram = Effect.gen(function*() {
    yield* annotate({ attributes: { key: "secret" }, input: "secret", output: "secret" })
    yield* logChatMessage({ role: "user", content: "secret", sources: ["secret"], metadata: { key: "secret" } })
    yield* logDocumentEvent({
      documentId: "d",
      documentName: "secret",
      eventType: "parse",
      status: "failed",
      error: new Error("secret"),
      metadata: { key: "secret" }
    })
    return yield* Effect.fail(new TypeError("secret"))
  }).pipe(
    withSpan("span", { links: [{ context: elsewhere, attributes: { key: "secret" } }] }),
    withTrace("trace", { userId: "secret", input: "secret", metadata: { key: "secret" }, tags: ["secret"] }),
    Effect.exit
  )

  it.effect("is applied to every record before any provider sees it", () => {
    const other = memory("other")
    return Effect.gen(function*() {
      yield* secretProgram
      const { observations } = yield* Testing.Recorded
      const all = yield* observations
      assert.isAtLeast(all.length, 4)
      assert.notInclude(JSON.stringify(all), "secret")
      assert.deepStrictEqual(other.records, all)
    }).pipe(
      Effect.provide(
        Testing.layer({
          providers: [other],
          redact: (record) => JSON.parse(JSON.stringify(record).replaceAll("secret", "***"))
        })
      )
    )
  })

  it.effect("that throws lets the record through only without its content, and is counted", () =>
    Effect.gen(function*() {
      yield* secretProgram
      const { observations } = yield* Testing.Recorded
      const all = yield* observations
      assert.sameMembers(all.map((each) => each._tag), ["Trace", "Span", "ChatMessage", "DocumentEvent"])
      assert.notInclude(JSON.stringify(all), "secret")
      // what it was, and how it went, is still told
      assert.deepInclude(yield* spanNamed("span"), { status: "error" })
      assert.strictEqual((yield* spanNamed("span")).error?.type, "TypeError")
      const { stats } = yield* ObservabilityService
      assert.strictEqual((yield* stats).failedRedactions, 4)
    }).pipe(
      Effect.provide(
        Testing.layer({
          redact: () => {
            throw new Error("redaction is broken")
          }
        })
      )
    ))

  it.effect("that gives back no record counts as one that throws, and recording goes on", () =>
    Effect.gen(function*() {
      yield* secretProgram
      const { observations } = yield* Testing.Recorded
      const all = yield* observations
      assert.strictEqual(all.length, 4)
      assert.notInclude(JSON.stringify(all), "secret")
      yield* Effect.void.pipe(withSpan("next"))
      assert.strictEqual((yield* spanNamed("next")).status, "success")
      const { stats } = yield* ObservabilityService
      assert.strictEqual((yield* stats).failedRedactions, 6)
    }).pipe(Effect.timeout("5 seconds"), Effect.provide(Testing.layer({ redact: () => undefined as never }))))

  it.effect("that records something itself is not given that again, and it is counted", () => {
    let runtime: Runtime.Runtime<ObservabilityService> | undefined
    const mask = logChatMessage({ role: "system", content: "masked" }).pipe(
      withSpan("below"),
      Effect.zipRight(logLlmCall({ model: "m" })),
      withTrace("mask")
    )
    const redact = (record: Observation) => {
      if (runtime !== undefined) Runtime.runSync(runtime)(mask)
      return record
    }
    return Effect.gen(function*() {
      runtime = yield* Effect.runtime<ObservabilityService>()
      yield* Effect.void.pipe(withSpan("span"), withTrace("trace"))
      const { observations, tree } = yield* Testing.Recorded
      assert.strictEqual((yield* observations).length, 2)
      assert.strictEqual(yield* tree, ["trace trace [success 0ms]", "└─ span span [success 0ms]"].join("\n"))
      const { stats } = yield* ObservabilityService
      // of each of two records: a trace, a span, a message and a call
      assert.deepInclude(yield* stats, { failedRecordings: 8, failedRedactions: 0, openSpans: 0, openTraces: 0 })
    }).pipe(Effect.provide(Testing.layer({ redact })))
  })

  const warningsOf = (redact: (record: Observation) => Observation) => {
    const warnings: Array<{ readonly count: unknown; readonly message: string }> = []
    const logger = Logger.make(({ annotations, message }) => {
      const annotation = (key: string) => Option.getOrUndefined(HashMap.get(annotations, key))
      if (annotation("kind") === "redaction") warnings.push({ count: annotation("count"), message: String(message) })
    })
    return { warnings, layer: Testing.layer({ redact }).pipe(Layer.provide(Logger.add(logger))) }
  }

  it.effect("that throws is warned about, with the error, once in an interval", () => {
    const { layer, warnings } = warningsOf(() => {
      throw new RangeError("redaction is broken")
    })
    return Effect.gen(function*() {
      const { observations } = yield* Testing.Recorded
      yield* secretProgram
      yield* observations
      yield* secretProgram
      yield* observations
      assert.deepStrictEqual(warnings.map(({ count }) => count), [4])
      assert.include(warnings[0]?.message, "RangeError: redaction is broken")
      yield* TestClock.adjust("1 minute")
      yield* secretProgram
      yield* observations
      assert.deepStrictEqual(warnings.map(({ count }) => count), [4, 8])
    }).pipe(Effect.provide(layer))
  })

  it.effect("that gives back no record, or throws what cannot be printed, is warned about, too", () =>
    Effect.gen(function*() {
      const nothing = warningsOf(() => undefined as never)
      const unprintable = warningsOf(() => {
        throw Object.create(null)
      })
      for (const { layer, warnings } of [nothing, unprintable]) {
        const all = yield* Testing.Recorded.pipe(
          Effect.flatMap(({ observations }) => Effect.zipRight(secretProgram, observations)),
          Effect.provide(layer)
        )
        assert.strictEqual(all.length, 4)
        assert.deepStrictEqual(warnings.map(({ count }) => count), [4])
      }
      assert.include(nothing.warnings[0]?.message, "it gave back no record of the same kind")
    }))

  it.effect("by `mapTexts` works for every record, also for one that has a cost", () => {
    const { layer, warnings } = warningsOf(mapTexts((text) => text.replaceAll("secret", "***")))
    return Effect.gen(function*() {
      yield* logLlmCall({ model: "m", promptTokens: 1, output: "secret", costUsd: "0.01" })
      yield* secretProgram
      const { observations } = yield* Testing.Recorded
      const all = yield* observations
      // a user's id is an id, and stays
      assert.notInclude(JSON.stringify(all.map((each) => ({ ...each, userId: undefined }))), "secret")
      assert.deepInclude(yield* spanNamed("chat m"), { output: "***" })
      assert.strictEqual((yield* totalsOf("chat m")).cost, "0.01")
      assert.isEmpty(warnings)
    }).pipe(Effect.provide(layer))
  })
})

describe("a latency", () => {
  it.effect("that no call can have had is left out, and moves nothing into another age", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      yield* logLlmCall({ model: "m", promptTokens: 5, latency: Date.UTC(2026, 0, 1) - 1_000 })
      yield* logLlmCall({ model: "m", promptTokens: 5, latency: "30 days" })
      const [wrong, long] = yield* spans
      assert.deepInclude(wrong, { startTimeUnixMicros: Date.UTC(2026, 0, 1) * 1_000, durationMicros: undefined })
      assert.match(
        JSON.stringify(wrong!.attributes!["observability.problems"]),
        /latency is .*; expected 30 days at most/
      )
      assert.strictEqual(wrong!.modelCall!.usage!.uncachedInputTokens, 5)
      assert.strictEqual(long!.durationMicros, 30 * 86_400_000_000)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("open spans", () => {
  it.effect("are recorded where none is to be remembered", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(withSpan("span"), withTrace("trace"))
      const { tree } = yield* Testing.Recorded
      assert.strictEqual(yield* tree, "trace trace [success 0ms]\n└─ span span [success 0ms]")
      const { failedRecordings } = yield* (yield* ObservabilityService).stats
      assert.strictEqual(failedRecordings, 0)
    }).pipe(Effect.provide(Testing.layer({ maxOpenSpans: 0 }))))

  it.effect("beyond maxOpenSpans end with their own status and duration", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const fiber = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, index) => index),
        (index) => Effect.sleep("1 second").pipe(withSpan(`span ${index}`)),
        { concurrency: "unbounded" }
      ).pipe(withTrace("trace"), Effect.fork)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual((yield* service.stats).openSpans, 3)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(fiber)
      assert.strictEqual((yield* service.stats).openSpans, 0)
      const all = yield* spans
      assert.strictEqual(all.length, 10)
      assert.isTrue(all.every((each) => each.status === "success" && each.durationMicros === 1_000_000))
    }).pipe(Effect.provide(Testing.layer({ maxOpenSpans: 3 }))))

  it.effect("are counted from the moment they begin, handed over or not", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const openSpans = Effect.map(service.stats, (stats) => stats.openSpans)
      const inside = Effect.gen(function*() {
        const begun = yield* openSpans
        yield* service.flush()
        return [begun, yield* openSpans, yield* openSpans.pipe(withSpan("third")), yield* openSpans]
      })
      const counts = yield* inside.pipe(withSpan("second"), withSpan("first"))
      assert.deepStrictEqual(counts, [2, 2, 3, 2])
      assert.strictEqual(yield* openSpans, 0)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("traces beyond it end, too, with their own name, status and duration", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forEach(
        Array.from({ length: 5 }, (_, index) => index),
        (index) => Effect.sleep("1 second").pipe(withTrace(`trace ${index}`)),
        { concurrency: "unbounded" }
      ).pipe(Effect.fork)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      const all = yield* traces
      assert.deepStrictEqual(
        all.map((each) => [each.name, each.status, each.durationMicros]),
        Array.from({ length: 5 }, (_, index) => [`trace ${index}`, "success", 1_000_000])
      )
    }).pipe(Effect.provide(Testing.layer({ maxOpenSpans: 2 }))))

  it.effect("that a program never ends do not pile up", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.repeatN(service.startTrace({ name: "never ended" }), 99)
      assert.strictEqual((yield* service.stats).openTraces, 5)
    }).pipe(Effect.provide(Testing.layer({ maxOpenSpans: 5 }))))
})

describe("closing the layer", () => {
  it.effect("ends open spans child first as interrupted, then their traces, and writes them", () => {
    const stored = memory()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const service = yield* Scope.extend(ObservabilityService.make({ providers: [stored] }), scope)
      const fiber = yield* Effect.never.pipe(
        withSpan("inner"),
        withSpan("outer"),
        withTrace("trace"),
        Effect.provideService(ObservabilityService, service),
        Effect.fork
      )
      yield* TestClock.adjust("150 millis")
      yield* Scope.close(scope, Exit.void)
      const ends = stored.records.filter((each) =>
        (isSpan(each) || each._tag === "Trace") && each.status !== "in_progress"
      )
      assert.deepStrictEqual(
        ends.map((each) => (isSpan(each) || each._tag === "Trace") && [each.name, each.status, each.durationMicros]),
        // a record keeps the place in which it was begun: no child is there before its parent
        [["trace", "interrupted", 150_000], ["outer", "interrupted", 150_000], ["inner", "interrupted", 150_000]]
      )
      const count = stored.records.length
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(stored.records.length, count)
    })
  })

  it.effect("ends the children of what was handed over before first", () => {
    const stored = memory()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const service = yield* Scope.extend(ObservabilityService.make({ providers: [stored] }), scope)
      yield* Effect.never.pipe(
        withSpan("inner"),
        withSpan("outer"),
        withTrace("trace"),
        Effect.provideService(ObservabilityService, service),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      const ends = stored.records.filter((each) => "status" in each && each.status !== "in_progress")
      assert.deepStrictEqual(
        ends.map((each) => (isSpan(each) || each._tag === "Trace") && [each.name, each.status]),
        [["inner", "interrupted"], ["outer", "interrupted"], ["trace", "interrupted"]]
      )
    })
  })

  it.effect("what happens after it is no defect and waits for nothing", () => {
    const stored = memory()
    return Effect.gen(function*() {
      const scope = yield* Scope.make()
      const service = yield* Scope.extend(ObservabilityService.make({ providers: [stored] }), scope)
      yield* Scope.close(scope, Exit.void)
      const result = yield* Effect.succeed("value").pipe(
        Effect.tap(() => logLlmCall({ model: "m" })),
        withSpan("late"),
        withTrace("late"),
        Effect.provideService(ObservabilityService, service)
      )
      assert.strictEqual(result, "value")
      const { memory: receipt } = yield* service.flush()
      assert.deepInclude(receipt, { written: 0, pending: 0 })
      assert.strictEqual(receipt!.accepted, receipt!.dropped)
      assert.deepStrictEqual(stored.records, [])
    })
  })
})

describe("flushOnTraceEnd", () => {
  it.effect("has everything written before withTrace and endTrace return", () => {
    const stored = memory()
    return Effect.gen(function*() {
      yield* Effect.void.pipe(withSpan("s"), withTrace("t"))
      assert.strictEqual(stored.records.length, 2)
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "explicit" })
      yield* service.endTrace(context)
      assert.strictEqual(stored.records.length, 3)
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored, { flushOnTraceEnd: "1 second" })))
  })

  it.effect("has it written, too, when the program fails, dies or is interrupted, and keeps how it ended", () => {
    const stored = memory()
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* Effect.exit(withTrace(Effect.fail("e"), "failed")), Exit.fail("e"))
      assert.strictEqual(stored.records.length, 1)
      assert.deepStrictEqual(yield* Effect.exit(withTrace(Effect.die("d"), "died")), Exit.die("d"))
      assert.strictEqual(stored.records.length, 2)
      const fiber = yield* Effect.fork(withTrace(Effect.never, "interrupted"))
      yield* Effect.yieldNow()
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
      assert.strictEqual(stored.records.length, 3)
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored, { flushOnTraceEnd: "1 second" })))
  })

  it.effect("has a trace written that a span began for itself, or a call logged outside of any", () => {
    const stored = memory()
    return Effect.gen(function*() {
      yield* Effect.void.pipe(withSpan("alone"))
      assert.strictEqual(stored.records.length, 2)
      yield* Effect.scoped(span("scoped"))
      assert.strictEqual(stored.records.length, 4)
      yield* logLlmCall({ model: "m" })
      assert.strictEqual(stored.records.length, 6)
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored, { flushOnTraceEnd: "1 second" })))
  })

  it.effect("waits no longer than its limit for a provider that never answers", () => {
    const stuck: Provider = Testing.hanging()
    return Effect.gen(function*() {
      const fiber = yield* Effect.fork(withTrace(Effect.succeed("value"), "t"))
      yield* TestClock.adjust("999 millis")
      assert.isNull(yield* fiber.poll.pipe(Effect.map((poll) => poll._tag === "None" ? null : poll)))
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "value")
    }).pipe(
      Effect.provide(
        ObservabilityService.layer({ providers: [stuck], flushOnTraceEnd: "1 second", closeDeadline: 0 })
      )
    )
  })

  it.effect("does not wait in a program that is run synchronously, which nothing can", () => {
    const stored = memory()
    return Effect.gen(function*() {
      const runtime = yield* Effect.runtime<ObservabilityService>()
      assert.strictEqual(Runtime.runSync(runtime)(withTrace(Effect.succeed("value"), "t")), "value")
      Runtime.runSync(runtime)(logLlmCall({ model: "m" }))
      yield* flush()
      assert.strictEqual(stored.records.length, 3)
    }).pipe(Effect.provide(ObservabilityService.layerMemory(stored, { flushOnTraceEnd: "1 second" })))
  })

  it.effect("left out, nothing waits", () => {
    const stuck: Provider = Testing.hanging()
    return Effect.gen(function*() {
      assert.strictEqual(yield* withTrace(Effect.succeed("value"), "t"), "value")
    }).pipe(Effect.provide(ObservabilityService.layer({ providers: [stuck], closeDeadline: 0 })))
  })
})

describe("layers", () => {
  it("a layer that is a constant is built once for all who use it", async () => {
    const stored = memory()
    let builds = 0
    const live = Layer.tap(ObservabilityService.layerMemory(stored), () => Effect.sync(() => builds++))
    const one = Layer.effectDiscard(Effect.void.pipe(withSpan("one"))).pipe(Layer.provide(live))
    const two = Layer.effectDiscard(Effect.void.pipe(withSpan("two"))).pipe(Layer.provide(live))
    const runtime = ManagedRuntime.make(Layer.mergeAll(one, two, live))
    const first = await runtime.runPromise(ObservabilityService)
    const second = await runtime.runPromise(withSpan(ObservabilityService, "three"))
    assert.strictEqual(first, second)
    assert.strictEqual(builds, 1)
    await runtime.dispose()
    const names = stored.records.filter(isSpan).map((each) => each.name)
    assert.sameMembers(names, ["one", "two", "three"])
    assert.strictEqual(new Set(stored.records.map((each) => each.resource.processId)).size, 1)
  })

  it.effect("layerNoop leaves programs as they are, and still makes well-formed contexts", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      assert.isFalse(service.enabled)
      const effect = Effect.succeed(1)
      assert.strictEqual(yield* effect.pipe(withSpan("s"), withTrace("t")), 1)
      assert.strictEqual(yield* Current.pipe(withSpan("s"), withTrace("t")), undefined)
      assert.deepStrictEqual(yield* Effect.exit(withTrace(Effect.fail("e"), "t")), Exit.fail("e"))
      yield* logLlmCall({ model: "m" })
      yield* logChatMessage({ role: "user", content: 1 })
      yield* logDocumentEvent({ documentId: "d", eventType: "parse", status: "started" })
      yield* annotate({ output: 1 })
      const context = yield* service.startTrace({ name: "t", userId: "ada" })
      assert.match(context.traceId, /^[0-9a-f]{32}$/)
      assert.strictEqual(context.userId, "ada")
      const handle = yield* Effect.scoped(service.span(context, "s", "llm"))
      assert.deepInclude(handle, { traceId: context.traceId, name: "s", type: "llm" })
      assert.strictEqual(handle.context.parentSpanId, context.spanId)
      yield* service.updateSpan(handle, { output: 1 })
      yield* service.endTrace(context)
      assert.deepStrictEqual(yield* service.flush(), {})
      const other = yield* Effect.scoped(span("other", { type: "tool" }))
      assert.strictEqual(other.type, "tool")
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))

  it.effect("a handle stays that of the layer that began its span, whichever service is told of it", () => {
    const outer = memory("outer")
    const inner = memory("inner")
    const namesOf = ({ records }: typeof outer) =>
      records.flatMap((each) => isSpan(each) || each._tag === "Trace" ? [[each.name, each.status]] : [])
    return Effect.gen(function*() {
      yield* withTrace(
        Effect.scoped(Effect.gen(function*() {
          const handle = yield* span("job")
          yield* Effect.gen(function*() {
            const { unsafe, updateSpan } = yield* ObservabilityService
            yield* withTrace(withSpan(Effect.void, "step"), "inner")
            yield* updateSpan(handle, { output: "done" })
            yield* Effect.withFiberRuntime<void>((fiber) => {
              unsafe.addEvent(fiber, handle, { name: "told" })
              unsafe.addLink(handle, { context: handle.context })
              unsafe.addAttribute(handle, "step", 1)
              unsafe.endSpan(fiber, handle, Exit.fail("no"))
              return Effect.void
            })
          }).pipe(Effect.provide(ObservabilityService.layerMemory(inner)))
        })),
        "outer"
      )
      yield* TestClock.adjust("1 second")
      assert.sameDeepMembers(namesOf(inner), [["inner", "success"], ["step", "success"]])
      assert.sameDeepMembers(namesOf(outer), [["outer", "success"], ["job", "error"]])
      const job = outer.records.find(isSpan)!
      assert.deepInclude(job, { output: "done", attributes: { step: 1 } })
      assert.deepStrictEqual([job.events?.length, job.links?.length], [1, 1])
    }).pipe(Effect.provide(ObservabilityService.layerMemory(outer)))
  })

  it.effect("every record says which process, service, environment and release it is from", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(withSpan("s"), withTrace("t"))
      const resource = {
        processId: "00000000-0000-4000-8000-000000000000",
        serviceName: "chat",
        environment: "test",
        release: "1.2.3"
      }
      assert.deepStrictEqual((yield* spanNamed("s")).resource, resource)
      assert.deepStrictEqual((yield* traceNamed("t")).resource, resource)
    }).pipe(
      Effect.provide(
        Testing.layer({
          processId: "00000000-0000-4000-8000-000000000000",
          serviceName: "chat",
          environment: "test",
          release: "1.2.3"
        })
      )
    ))
})

describe("what a program hands over", () => {
  it.effect("is captured at the call: changing it afterwards changes no record", () =>
    Effect.gen(function*() {
      const input = { question: "why?", list: [1, 2] }
      const metadata = { tenant: 1 }
      const tags = ["a"]
      yield* Effect.sync(() => {
        input.question = "changed"
        input.list.push(3)
        metadata.tenant = 2
        tags.push("b")
      }).pipe(withSpan("s", { input, attributes: metadata }), withTrace("t", { input, metadata, tags }))
      const expected = { question: "why?", list: [1, 2] }
      assert.deepInclude(yield* spanNamed("s"), { input: expected, attributes: { tenant: 1 } })
      assert.deepInclude(yield* traceNamed("t"), { input: expected, metadata: { tenant: 1 }, tags: ["a"] })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("may be of the wrong type, where no compiler looks: the program goes on and the failure is counted", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const nothing = undefined as never
      assert.strictEqual(yield* withTrace(withSpan(Effect.succeed(1), nothing), nothing), 1)
      yield* logLlmCall(nothing)
      yield* logChatMessage(nothing)
      yield* logDocumentEvent(nothing)
      yield* service.updateSpan(nothing, nothing)
      const context = yield* service.startTrace(nothing)
      assert.match(context.traceId, /^[0-9a-f]{32}$/)
      yield* service.endTrace(context, null as never)
      const handle = yield* Effect.scoped(span(nothing))
      assert.match(handle.spanId, /^[0-9a-f]{16}$/)
      assert.isAbove((yield* service.stats).failedRecordings, 0)
      yield* Effect.void.pipe(withSpan("next"))
      assert.strictEqual((yield* spanNamed("next")).status, "success")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("may fail in part: the rest is recorded, and no trace that was begun for it stays open", () =>
    Effect.gen(function*() {
      const failing = <A extends object>(of: A, key: string): A =>
        Object.defineProperty(of, key, {
          get: () => {
            throw new Error("no")
          }
        })
      yield* logLlmCall({ model: "m", input: "why?", usage: failing({}, "outputTokens") })
      yield* logChatMessage(failing({ role: "user", content: "hello" }, "model"))
      yield* logDocumentEvent(failing({ documentId: "d", eventType: "parse", status: "completed" }, "metadata"))
      const links = [JSON.parse("{}")]
      yield* withSpan(Effect.void, "linked", { links, input: "why?", attributes: { a: 1 } })
      const { failedRecordings, openSpans, openTraces } = yield* (yield* ObservabilityService).stats
      assert.deepStrictEqual([failedRecordings, openSpans, openTraces], [4, 0, 0])
      const names = ["chat m", "chat message user", "document parse", "linked"]
      assert.deepStrictEqual(
        (yield* traces).map(({ name, status }) => [name, status]),
        names.map((name) => [name, "success"])
      )
      assert.deepInclude(yield* spanNamed("chat m"), { status: "success", input: "why?" })
      assert.deepInclude(yield* spanNamed("linked"), { status: "success", input: "why?", attributes: { a: 1 } })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("providers", () => {
  it.effect("of one name, or of none, are a mistake in the composition that is said at once", () =>
    Effect.gen(function*() {
      for (const names of [["twin", "twin"], [""]]) {
        const providers = names.map((name) => memory(name))
        const exit = yield* Effect.exit(Effect.scoped(ObservabilityService.make({ providers })))
        assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause), names.join())
      }
    }))
})
