/** Native spans of libraries that write the GenAI conventions: model calls, counted once. */
import * as LanguageModel from "@effect/ai/LanguageModel"
import { NodeSdk } from "@effect/opentelemetry"
import { assert, describe, it } from "@effect/vitest"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { BigDecimal, Deferred, Effect, Fiber, identity, Layer, TestClock } from "effect"
import * as AiTelemetry from "../src/AiTelemetry.ts"
import * as EffectTracer from "../src/EffectTracer.ts"
import { logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Span } from "../src/Observation.ts"
import * as Provider from "../src/Provider.ts"
import { annotate, withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { inputTokens } from "../src/Usage.ts"
import type { Around, Vendor } from "./ai/vendorServer.ts"
import { anthropic, json, openAiModel, vendorServer } from "./ai/vendorServer.ts"

const recording = EffectTracer.layer().pipe(Layer.provideMerge(Testing.layer()))

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))

const named = (name: string) => Effect.map(spans, (all) => all.find((each) => each.name === name)!)

const format = (amount: BigDecimal.BigDecimal | undefined) => amount && BigDecimal.format(amount)

/** Of the trace, as it says itself, which is what the views of PostgreSQL make of its rows. */
const totals = Effect.gen(function*() {
  const [trace] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))
  const stated = { tokens: trace!.totals?.inputTokens, cost: format(trace!.totals?.costUsd) }
  const calls = (yield* spans).flatMap(({ modelCall }) =>
    modelCall === undefined || modelCall.isSubtotal ? [] : [modelCall]
  )
  const tokens = calls.flatMap(({ usage }) => usage === undefined ? [] : inputTokens(usage) ?? [])
  const costs = calls.flatMap(({ costUsd }) => costUsd ?? [])
  assert.deepStrictEqual(stated, {
    tokens: tokens.length === 0 ? undefined : tokens.reduce((sum, each) => sum + each, 0),
    cost: costs.length === 0 ? undefined : format(BigDecimal.sumAll(costs))
  })
  return stated
})

const callOf = ({ modelCall, type }: Span) => ({
  type,
  provider: modelCall?.provider,
  model: modelCall?.model,
  finishReason: modelCall?.finishReason,
  input: modelCall?.usage && inputTokens(modelCall.usage),
  output: modelCall?.usage?.outputTokens,
  cost: format(modelCall?.costUsd),
  isSubtotal: modelCall?.isSubtotal
})

const nothing = {
  provider: undefined,
  model: undefined,
  finishReason: undefined,
  input: undefined,
  output: undefined,
  cost: undefined,
  isSubtotal: undefined
}

const today = TestClock.setTime(Date.UTC(2026, 2, 1))

const chat = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4o-mini"
}

const usage = { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 }

/** As a library makes its call: what is asked is known before, what is answered is told within. */
const calling = (
  name: string,
  asked: Readonly<Record<string, unknown>>,
  answered: Readonly<Record<string, unknown>> = {},
  inside: Effect.Effect<unknown, never, ObservabilityService> = Effect.void
) =>
  Effect.zipRight(inside, Effect.annotateCurrentSpan(answered)).pipe(
    Effect.withSpan(name, { attributes: asked, kind: "client" })
  )

const broken = Effect.die("broken")

/** A call that has said all it knows, and does not end by itself. */
const running = Effect.gen(function*() {
  const begun = yield* Deferred.make<void>()
  const tells = Effect.annotateCurrentSpan(usage).pipe(
    Effect.zipRight(Deferred.succeed(begun, undefined)),
    Effect.zipRight(Effect.never)
  )
  const fiber = yield* Effect.forkDaemon(calling("running", chat, {}, tells))
  yield* Deferred.await(begun)
  return { fiber }
})

describe("a native span of the GenAI conventions", () => {
  it.effect("is a model call, with its tokens and its price, and keeps its name and its attributes", () =>
    Effect.gen(function*() {
      yield* today
      yield* calling("chat", chat, {
        ...usage,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ["stop"]
      }).pipe(withTrace("t"))
      const call = yield* named("chat")
      assert.deepStrictEqual(callOf(call), {
        type: "llm",
        provider: "openai",
        model: "gpt-4o-mini",
        finishReason: "stop",
        input: 1_000,
        output: 100,
        // per million: 600 at 0.15, 400 at 0.075, 100 at 0.60
        cost: "0.00018",
        isSubtotal: false
      })
      assert.deepStrictEqual(call.modelCall?.usage?.cacheReadTokens, 400)
      assert.deepStrictEqual(call.attributes, {
        ...chat,
        ...usage,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ["stop"],
        "observability.gen_ai.version": "0.1.0"
      })
      assert.deepStrictEqual(yield* totals, { tokens: 1_000, cost: "0.00018" })
    }).pipe(Effect.provide(recording)))

  const types = [
    ["chat", "llm"],
    ["generate_content", "llm"],
    ["embeddings", "embedding"],
    ["execute_tool", "tool"],
    ["invoke_agent", "agent"],
    ["retrieval", "retrieval"]
  ]
  it.effect("has the type of its operation", () =>
    Effect.gen(function*() {
      for (const [operation] of types) yield* calling(operation!, { "gen_ai.operation.name": operation })
      assert.deepStrictEqual((yield* spans).map(({ name, type }) => [name, type]), types)
    }).pipe(Effect.provide(recording)))

  it.effect("may be one of before there were names of operations", () =>
    Effect.gen(function*() {
      yield* today
      yield* calling("old", {
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.prompt_tokens": 1_000,
        "gen_ai.usage.completion_tokens": 100
      })
      assert.deepInclude(callOf(yield* named("old")), {
        type: "llm",
        provider: "openai",
        model: "gpt-4o-mini",
        input: 1_000,
        output: 100,
        cost: "0.00021"
      })
      // nobody knows whether some of that came from a cache
      assert.deepInclude((yield* named("old")).attributes, { "ai.usage.partial": true })
    }).pipe(Effect.provide(recording)))

  it.effect("is none where it only passes on names that all spans of a program have", () =>
    Effect.gen(function*() {
      const common = { "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o-mini", "gen_ai.agent.name": "a" }
      yield* Effect.void.pipe(Effect.withSpan("inner"), Effect.withSpan("outer"), Effect.annotateSpans(common))
      for (const span of yield* spans) {
        assert.deepStrictEqual(callOf(span), { type: "span", ...nothing })
        assert.deepStrictEqual(span.attributes, common)
      }
    }).pipe(Effect.provide(recording)))

  it.effect("is no model call where it is a tool, or an agent that counts nothing", () =>
    Effect.gen(function*() {
      yield* calling("tool", { ...chat, "gen_ai.operation.name": "execute_tool" })
      yield* calling("agent", { ...chat, "gen_ai.operation.name": "invoke_agent" })
      assert.deepStrictEqual((yield* spans).map(callOf), [{ type: "tool", ...nothing }, { type: "agent", ...nothing }])
    }).pipe(Effect.provide(recording)))

  it.effect("stays a request where it is one, and what is told of it counts all the same", () =>
    Effect.gen(function*() {
      yield* today
      yield* Effect.annotateCurrentSpan({ ...chat, ...usage }).pipe(Effect.withSpan("GET", { kind: "server" }))
      assert.deepInclude(callOf(yield* named("GET")), { type: "span", input: 1_000, cost: "0.00021" })
      assert.deepStrictEqual(yield* totals, { tokens: 1_000, cost: "0.00021" })
    }).pipe(Effect.provide(recording)))

  it.effect("keeps what the program states of it by annotate, tokens and cost", () =>
    Effect.gen(function*() {
      yield* today
      const stated = annotate({ model: "mine", usage: { uncachedInputTokens: 7, outputTokens: 1 }, costUsd: "0.5" })
      yield* calling("chat", chat, usage, stated)
      assert.deepInclude(callOf(yield* named("chat")), { model: "mine", input: 7, output: 1, cost: "0.5" })
      assert.deepStrictEqual(yield* totals, { tokens: 7, cost: "0.5" })
    }).pipe(Effect.provide(recording)))

  it.effect("says what is wrong with figures that cannot be true, and has none", () =>
    Effect.gen(function*() {
      yield* today
      yield* calling("chat", chat, { ...usage, "gen_ai.usage.cache_read.input_tokens": 2_000 })
      const { attributes, modelCall } = yield* named("chat")
      assert.isUndefined(modelCall?.usage)
      assert.isUndefined(modelCall?.costUsd)
      assert.match(String(attributes?.["observability.problems"]), /^gen_ai.usage.input_tokens is 1000; expected/)
    }).pipe(Effect.provide(recording)))

  it.effect("is one also where it fails, or is interrupted, and is known for one while it runs", () =>
    Effect.gen(function*() {
      yield* today
      yield* Effect.exit(calling("failed", chat, {}, Effect.annotateCurrentSpan(usage).pipe(Effect.zipRight(broken))))
      const { fiber } = yield* running
      // what dies with its process is a call, too
      assert.deepInclude(yield* named("running"), { type: "llm", status: "in_progress" })
      yield* Fiber.interrupt(fiber)
      for (const [name, status] of [["failed", "error"], ["running", "interrupted"]] as const) {
        const span = yield* named(name)
        assert.strictEqual(span.status, status)
        assert.deepInclude(callOf(span), { type: "llm", input: 1_000, cost: "0.00021" })
      }
    }).pipe(Effect.provide(recording)))

  it.effect("is one also where it still runs when the layer closes", () =>
    Effect.gen(function*() {
      yield* today
      const memory = Provider.memory()
      yield* running.pipe(Effect.provide(
        EffectTracer.layer().pipe(Layer.provideMerge(ObservabilityService.layer({ providers: [memory] })))
      ))
      const last = memory.records.findLast((record): record is Span => record._tag === "Span")!
      assert.strictEqual(last.status, "interrupted")
      assert.deepInclude(callOf(last), { type: "llm", input: 1_000, cost: "0.00021" })
    }))

  it.effect("is one beside OpenTelemetry, too, which keeps its own", () => {
    const exporter = new InMemorySpanExporter()
    const theirs = Layer.discard(
      NodeSdk.layer(() => ({ resource: { serviceName: "test" }, spanProcessor: new SimpleSpanProcessor(exporter) }))
    )
    return Effect.gen(function*() {
      yield* today
      yield* calling("chat", chat, usage)
      assert.deepInclude(callOf(yield* named("chat")), { type: "llm", input: 1_000, cost: "0.00021" })
      const [own] = exporter.getFinishedSpans()
      assert.deepStrictEqual(own!.attributes["gen_ai.usage.input_tokens"], 1_000)
    }).pipe(Effect.provide(recording.pipe(Layer.provide(theirs))))
  })

  it.effect("is not recorded at all where shouldRecord refuses it", () =>
    Effect.gen(function*() {
      yield* calling("chat", chat, usage).pipe(withTrace("t"))
      assert.deepStrictEqual(yield* spans, [])
    }).pipe(Effect.provide(
      EffectTracer.layer({ shouldRecord: ({ name }) => name !== "chat" }).pipe(Layer.provideMerge(Testing.layer()))
    )))
})

describe("what counts once", () => {
  const twice = { "gen_ai.usage.input_tokens": 2_000, "gen_ai.usage.output_tokens": 200 }
  const two = Effect.zipRight(calling("first", chat, usage), calling("second", chat, usage))

  for (const [name, operation] of [["agent", "invoke_agent"], ["workflow", "invoke_workflow"], ["call", "chat"]]) {
    for (const isLate of [false, true]) {
      it.effect(`is what a native ${name} says again of calls below${isLate ? ", said at its end" : ""}`, () =>
        Effect.gen(function*() {
          yield* today
          const own = { ...chat, "gen_ai.operation.name": operation }
          yield* (isLate ? calling("sum", {}, { ...own, ...twice }, two) : calling("sum", own, twice, two)).pipe(
            withTrace("t")
          )
          assert.deepInclude(callOf(yield* named("sum")), { input: 2_000, cost: undefined, isSubtotal: true })
          assert.deepStrictEqual(yield* totals, { tokens: 2_000, cost: "0.00042" })
        }).pipe(Effect.provide(recording)))
    }
  }

  for (const isLate of [false, true]) {
    it.effect(`is what a router says of calls by models of other names${isLate ? ", at its end" : ""}`, () =>
      Effect.gen(function*() {
        yield* today
        const own = { ...chat, "gen_ai.request.model": "router" }
        yield* (isLate ? calling("sum", {}, { ...own, ...twice }, two) : calling("sum", own, twice, two)).pipe(
          withTrace("t")
        )
        assert.deepInclude(callOf(yield* named("sum")), { model: "router", isSubtotal: true })
        assert.deepStrictEqual(yield* totals, { tokens: 2_000, cost: "0.00042" })
      }).pipe(Effect.provide(recording)))
  }

  it.effect("is a call that the program logs inside of a native one", () =>
    Effect.gen(function*() {
      yield* today
      const logged = logLlmCall({
        model: "gpt-4o-mini",
        provider: "openai",
        promptTokens: 1_000,
        completionTokens: 100
      })
      yield* calling("chat", chat, usage, logged).pipe(withTrace("t"))
      assert.deepStrictEqual(yield* totals, { tokens: 1_000, cost: "0.00021" })
    }).pipe(Effect.provide(recording)))

  it.effect("is a native one inside of a span of this library that says the same", () =>
    Effect.gen(function*() {
      yield* today
      yield* calling("chat", chat, usage).pipe(
        Effect.zipRight(annotate({ model: "gpt-4o-mini", promptTokens: 1_000, completionTokens: 100 })),
        withSpan("around", { type: "llm" }),
        withTrace("t")
      )
      assert.deepStrictEqual(yield* totals, { tokens: 1_000, cost: "0.00021" })
    }).pipe(Effect.provide(recording)))

  it.effect("are both a call and one by another model inside of it, such as of a tool", () =>
    Effect.gen(function*() {
      yield* today
      const inner = calling("inner", { ...chat, "gen_ai.request.model": "gpt-4.1" }, {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 1
      })
      yield* calling("outer", chat, usage, Effect.withSpan(inner, "tool")).pipe(withTrace("t"))
      assert.deepInclude(callOf(yield* named("outer")), { cost: "0.00021", isSubtotal: false })
      assert.deepStrictEqual(yield* totals, { tokens: 1_010, cost: "0.000238" })
    }).pipe(Effect.provide(recording)))
})

describe("@effect/ai", () => {
  const generate = LanguageModel.generateText({ prompt: "Who are you?" })

  /** The calls of a program by its native spans alone, or by those of `AiTelemetry`. */
  const recorded = <Model extends LanguageModel.LanguageModel>(
    vendor: Vendor<Model>,
    answer: string,
    around: Around<ObservabilityService>
  ) =>
    Effect.gen(function*() {
      const url = yield* vendorServer([json(answer)])
      yield* generate.pipe(Effect.provide(vendor<ObservabilityService>(url, around)), withTrace("t"))
      const calls = (yield* spans).filter(({ modelCall }) => modelCall !== undefined)
      return { calls, totals: yield* totals }
    })

  it.scopedLive("is recorded by its native spans, of which the totals are known", () =>
    Effect.gen(function*() {
      const { calls, totals } = yield* recorded(openAiModel("gpt-5"), "openai-cached-reasoning.json", identity)
      assert.strictEqual(calls.length, 1)
      assert.strictEqual(calls[0]!.name, "LanguageModel.generateText")
      assert.deepInclude(callOf(calls[0]!), { type: "llm", provider: "openai", model: "gpt-5", output: 300 })
      assert.deepInclude(calls[0]!.attributes, { "ai.usage.partial": true })
      assert.strictEqual(totals.tokens, 2_006)
    }).pipe(Effect.provide(recording)))

  it.scopedLive("is counted once, and exactly, where AiTelemetry observes it, too", () =>
    Effect.gen(function*() {
      const { calls, totals } = yield* recorded(anthropic, "anthropic-cached.json", AiTelemetry.observe())
      assert.deepStrictEqual(calls.map(({ name }) => name), ["chat claude-sonnet-4-5"])
      assert.notProperty(calls[0]!.attributes, "ai.usage.partial")
      assert.strictEqual(totals.tokens, inputTokens(calls[0]!.modelCall!.usage!))
    }).pipe(Effect.provide(recording)))
})
