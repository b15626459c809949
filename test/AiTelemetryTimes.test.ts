/** When a call begins and ends, with a model of the program's own, on the test's clock. */
import * as LanguageModel from "@effect/ai/LanguageModel"
import type * as Response from "@effect/ai/Response"
import * as Telemetry from "@effect/ai/Telemetry"
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema, Stream, TestClock } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import * as AiTelemetry from "../src/AiTelemetry.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { fieldsOf, observing } from "./ai/recording.ts"

const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }

const parts = [
  { type: "response-metadata", id: "answer", modelId: "parrot-1" },
  { type: "text-start", id: "1" },
  { type: "text-delta", id: "1", delta: "Hi" },
  { type: "text-delta", id: "1", delta: "!" },
  { type: "text-end", id: "1" },
  { type: "finish", reason: "stop", usage }
] as const

/** A part each 100 ms; an answer as a whole after 500 ms. */
const parrot = AiTelemetry.observe(
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ tools }) =>
        Effect.succeed([
          tools.length > 0
            ? { type: "tool-call" as const, id: "1", name: "Wait", params: {} }
            : { type: "text" as const, text: "{}" },
          { type: "finish" as const, reason: "stop" as const, usage }
        ]).pipe(Effect.delay("500 millis")),
      streamText: () => Stream.fromIterable(parts).pipe(Stream.rechunk(1), Stream.tap(() => Effect.sleep("100 millis")))
    })
  ),
  { captureContent: true }
)

const Waiting = Toolkit.make(Tool.make("Wait", { success: Schema.String }))

const recorded = <A, E>(program: Effect.Effect<A, E, LanguageModel.LanguageModel>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(observing(parrot, program.pipe(withTrace("trace"))))
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

const streamed = LanguageModel.streamText({ prompt: "Say hi." })

describe("the time of a call", () => {
  it.effect("a stream's first token is the first thing that the model says, and its end the last part", () =>
    Effect.gen(function*() {
      const { calls: [call] } = yield* recorded(Stream.runDrain(streamed))
      assert.strictEqual(call?.modelCall?.timeToFirstTokenMicros, 300_000)
      assert.strictEqual(call?.durationMicros, 600_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("what the consumer does after the last part is not the call's", () =>
    Effect.gen(function*() {
      const { calls: [call] } = yield* recorded(
        Stream.runForEach(streamed, ({ type }) => type === "finish" ? Effect.sleep("1 second") : Effect.void)
      )
      assert.strictEqual(call?.durationMicros, 600_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the time of the tools is not the call's", () =>
    Effect.gen(function*() {
      const { calls: [call], spans } = yield* recorded(
        LanguageModel.generateText({ prompt: "Wait.", toolkit: Waiting }).pipe(
          Effect.provide(Waiting.toLayer({ Wait: () => Effect.as(Effect.sleep("2 seconds"), "done") }))
        )
      )
      assert.strictEqual(call?.durationMicros, 500_000)
      assert.strictEqual(spans.find(({ type }) => type === "tool")?.durationMicros, 2_000_000)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a model of the program's own", () => {
  it.effect("is known by what its answers say, also where the program's tracer is switched off", () =>
    Effect.gen(function*() {
      const { calls: [call] } = yield* recorded(Effect.withTracerEnabled(Stream.runDrain(streamed), false))
      assert.deepStrictEqual(fieldsOf(call!), {
        name: "chat parrot-1",
        type: "llm",
        kind: "client",
        status: "success",
        attributes: {
          "observability.gen_ai.version": "0.1.0",
          "gen_ai.operation.name": "chat",
          "gen_ai.request.stream": true,
          "gen_ai.output.type": "text",
          "gen_ai.response.id": "answer",
          "gen_ai.response.model": "parrot-1",
          "stream.elements": 6
        },
        input: [{ role: "user", content: "Say hi." }],
        output: { role: "assistant", content: "Hi!" },
        provider: undefined,
        model: "parrot-1",
        temperature: undefined,
        finishReason: "stop",
        usage: { uncachedInputTokens: 10, outputTokens: 5 },
        // nobody knows what a parrot costs
        costUsd: undefined
      })
    }).pipe(Effect.provide(Testing.layer())))

  const saying = (...said: ReadonlyArray<Response.StreamPartEncoded>) =>
    AiTelemetry.observe(
      Layer.effect(
        LanguageModel.LanguageModel,
        LanguageModel.make({ generateText: () => Effect.succeed([]), streamText: () => Stream.fromIterable(said) })
      ),
      { captureContent: "output" }
    )

  it.effect("that gives no figures has none, and nothing is wrong with that", () =>
    Effect.gen(function*() {
      const none = { inputTokens: undefined, outputTokens: undefined, totalTokens: undefined }
      const silent = saying({ type: "finish", reason: "stop", usage: none })
      const { calls: [call] } = yield* observing(silent, Stream.runDrain(streamed).pipe(withTrace("trace")))
      assert.strictEqual(call?.status, "success")
      assert.isUndefined(call?.modelCall?.usage)
      assert.notProperty(call?.attributes, "observability.problems")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("that does not stop talking is recorded within limits", () =>
    Effect.gen(function*() {
      const delta = { type: "text-delta", id: "1", delta: "x".repeat(300_000) } as const
      const talking = saying({ type: "text-start", id: "1" }, delta, delta, delta, delta, ...parts.slice(-1))
      const { calls: [call] } = yield* observing(talking, Stream.runDrain(streamed).pipe(withTrace("trace")))
      assert.deepStrictEqual(call?.output, {
        role: "assistant",
        content: `${"x".repeat(1_000_000)}... [cut: 200000 characters]`
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is the same one where nothing is recorded", () =>
    Effect.gen(function*() {
      const own = yield* LanguageModel.make({ generateText: () => Effect.succeed([]), streamText: () => Stream.empty })
      const given = yield* LanguageModel.LanguageModel.pipe(
        Effect.provide(Layer.provide(
          AiTelemetry.observe(Layer.succeed(LanguageModel.LanguageModel, own)),
          ObservabilityService.layerNoop
        ))
      )
      assert.strictEqual(given, own)
    }))

  it.effect("the program's own span transformer hears of every answer, be it the call's or the model's", () =>
    Effect.gen(function*() {
      const heard: Array<string> = []
      const transformer = Layer.succeed(
        Telemetry.CurrentSpanTransformer,
        ({ response }) => void heard.push(response.map(({ type }) => type).join())
      )
      const program = Effect.zipRight(
        LanguageModel.generateObject({ prompt: "An object.", schema: Schema.Struct({}) }),
        LanguageModel.generateText({ prompt: "A text." })
      )
      const fiber = yield* Effect.fork(Effect.all([
        observing(parrot, program.pipe(Effect.provide(transformer), withTrace("trace"))),
        observing(Layer.provide(parrot, transformer), program.pipe(withTrace("trace")))
      ]))
      yield* TestClock.adjust("1 minute")
      const [, { calls }] = yield* Fiber.join(fiber)
      assert.deepStrictEqual(heard, Array.from({ length: 4 }, () => "text,finish"))
      assert.deepStrictEqual(
        calls.map(({ output }) => output),
        Array.from({ length: 4 }, () => ({ role: "assistant", content: "{}" }))
      )
    }).pipe(Effect.provide(Testing.layer())))
})

it("@effect/ai need not be installed: nothing of the library imports it", () => {
  const sources = readdirSync(new URL("../src", import.meta.url), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
  const importing = sources.filter((name) =>
    /^(import |export |} )[^=\n]*from "@effect\/ai|import\("@effect\/ai/m.test(
      readFileSync(new URL(`../src/${name}`, import.meta.url), "utf8")
    )
  )
  assert.isAbove(sources.length, 100)
  assert.deepStrictEqual(importing, [])
})
