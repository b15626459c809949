/** What is recorded of tools, conversations and embeddings, and where it stands. */
import * as OpenAiClient from "@effect/ai-openai/OpenAiClient"
import * as OpenAiLanguageModel from "@effect/ai-openai/OpenAiLanguageModel"
import * as Chat from "@effect/ai/Chat"
import * as EmbeddingModel from "@effect/ai/EmbeddingModel"
import * as LanguageModel from "@effect/ai/LanguageModel"
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import type { Exit } from "effect"
import { Effect, Layer, Logger, Option, Schema, Stream, Tracer } from "effect"
import * as AiTelemetry from "../src/AiTelemetry.ts"
import * as EffectTracer from "../src/EffectTracer.ts"
import type { ObservabilityService } from "../src/ObservabilityService.ts"
import { withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { fieldsOf, observing, recording } from "./ai/recording.ts"
import type { Around, Reply } from "./ai/vendorServer.ts"
import { anthropic, changed, json, openAi, openAiEmbeddings, stream, vendorServer } from "./ai/vendorServer.ts"

class Closed extends Schema.TaggedError<Closed>()("Closed", { message: Schema.String }) {}

const GetWeather = Tool.make("GetWeather", {
  parameters: { city: Schema.String },
  success: Schema.String,
  failure: Closed
})

const Weather = Toolkit.make(GetWeather)

const station = (answer: Effect.Effect<string, Closed>) => Weather.toLayer({ GetWeather: () => answer })

const sunny = station(
  Effect.succeed("14 degrees").pipe(withSpan("read the thermometer"), Effect.orDie) as Effect.Effect<string>
)
const closed = station(new Closed({ message: "it is night" }))

const ask = LanguageModel.generateText({ prompt: "What is the weather in Paris?", toolkit: Weather })

/** Asks until the model has its answer, as agents do. */
const conversation = Effect.gen(function*() {
  const chat = yield* Chat.empty
  yield* chat.generateText({ prompt: "What is the weather in Paris?", toolkit: Weather })
  return yield* chat.generateText({ prompt: [], toolkit: Weather })
})

const twoTurns = [json("openai-tool-call.json"), json("openai-tool-answer.json")]

describe("tools", () => {
  it.scopedLive("each call of a loop and each tool is one record, side by side below what the program is in", () =>
    Effect.gen(function*() {
      const { shape, spans } = yield* recording(openAi, twoTurns, conversation.pipe(Effect.provide(sunny)))
      assert.deepStrictEqual(shape, [
        "trace trace [success] tokens=621/35 cost=$0.000946",
        "├─ llm chat gpt-4.1 [success] tokens=291/23 cost=$0.000574",
        "├─ tool execute_tool GetWeather [success]",
        "│  └─ span read the thermometer [success]",
        "└─ llm chat gpt-4.1 [success] tokens=330/12 cost=$0.000372"
      ])
      // nobody has asked for it
      assert.deepStrictEqual(spans.filter(({ input, output }) => (input ?? output) !== undefined), [])
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("what the model asked for is known by name, and by content where that is asked for", () =>
    Effect.gen(function*() {
      const { calls: [call], spans } = yield* recording(
        anthropic,
        [json("anthropic-tool-use.json")],
        ask.pipe(Effect.provide(sunny)),
        { captureContent: true }
      )
      assert.strictEqual(call?.modelCall?.finishReason, "tool-calls")
      assert.deepStrictEqual(call?.attributes?.["ai.tool_calls"], ["GetWeather"])
      assert.deepStrictEqual(call?.output, {
        role: "assistant",
        content: [
          { type: "text", text: "I'll look." },
          { type: "tool-call", id: "toolu_01A09q90qw90lq917835lq9", name: "GetWeather", params: { city: "Paris" } }
        ]
      })
      assert.deepInclude(fieldsOf(spans.find(({ type }) => type === "tool")!), {
        name: "execute_tool GetWeather",
        status: "success",
        attributes: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "GetWeather" },
        input: { city: "Paris" },
        output: "14 degrees"
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("one that fails is no failure of the model, whose tokens are known all the same", () =>
    Effect.gen(function*() {
      const { calls: [call], exit, spans } = yield* recording(
        openAi,
        [json("openai-tool-call.json")],
        ask.pipe(Effect.provide(closed))
      )
      assert.strictEqual(exit._tag, "Failure")
      assert.strictEqual(call?.status, "success")
      assert.deepInclude(fieldsOf(call!).usage, { uncachedInputTokens: 163, cacheReadTokens: 128, outputTokens: 23 })
      const tool = spans.find(({ type }) => type === "tool")
      assert.strictEqual(tool?.status, "error")
      assert.deepInclude(tool?.error, { type: "Closed", message: "it is night" })
    }).pipe(Effect.provide(Testing.layer())))

  const Other = Toolkit.make(Tool.make("GetWeather", { parameters: { zip: Schema.Number }, success: Schema.String }))

  const misunderstood = LanguageModel.generateText({ prompt: "hi", toolkit: Other }).pipe(
    Effect.provide(Other.toLayer({ GetWeather: () => Effect.succeed("") }))
  )

  it.scopedLive("the parameters of one that does not understand them are quoted by no error", () =>
    Effect.gen(function*() {
      const { spans } = yield* recording(openAi, [json("openai-tool-call.json")], misunderstood)
      assert.deepInclude(spans.find(({ type }) => type === "tool")?.error, {
        type: "MalformedOutput",
        message: "Toolkit.GetWeather.handle: Failed to decode tool call parameters for tool 'GetWeather'"
      })
      assert.notInclude(JSON.stringify(spans.map(({ error }) => error)), "Paris")
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("nor are those that are no JSON, by the call", () =>
    Effect.gen(function*() {
      const reply = changed("openai-tool-call.json", [["{\\\"city\\\":\\\"Paris\\\"}", "{Paris"]])
      const { calls: [call] } = yield* recording(openAi, [reply], ask.pipe(Effect.provide(sunny)))
      assert.deepInclude(call?.error, {
        type: "MalformedOutput",
        message: "OpenAiLanguageModel.makeResponse: Failed to securely parse tool call parameters for tool 'GetWeather'"
      })
      assert.notInclude(JSON.stringify(call), "Paris")
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("nor by the trace that a call begins, unless the output is captured", () =>
    Effect.gen(function*() {
      for (const captureContent of [false, "output"] as const) {
        const url = yield* vendorServer([json("openai-tool-call.json")])
        const model = openAi<ObservabilityService>(url, AiTelemetry.observe({ captureContent }))
        const { traces: [trace] } = yield* observing(model, misunderstood).pipe(Effect.provide(Testing.layer()))
        assert.deepInclude(trace, { name: "LanguageModel.generateText", status: "error" })
        assert.strictEqual(trace?.error?.type, "MalformedOutput")
        assert.strictEqual(JSON.stringify(trace?.error).includes("Paris"), captureContent === "output")
      }
    }))

  it.scopedLive("without a trace around, a call and its tools are one", () =>
    Effect.gen(function*() {
      const url = yield* vendorServer([json("openai-tool-call.json")])
      const model = openAi<ObservabilityService>(url, AiTelemetry.observe)
      const { shape } = yield* observing(model, ask.pipe(Effect.provide(closed)))
      assert.deepStrictEqual(shape.map((line) => line.replace(/Closed.*/, "Closed")), [
        "trace LanguageModel.generateText [error] tokens=291/23 cost=$0.000574 Closed",
        "├─ llm chat gpt-4.1 [success] tokens=291/23 cost=$0.000574",
        "└─ tool execute_tool GetWeather [error] Closed"
      ])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("tools of a stream", () => {
  const call = { type: "tool-call", id: "1", name: "GetWeather", params: { city: "Paris" } } as const
  const finish = {
    type: "finish",
    reason: "tool-calls",
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
  } as const

  const streaming = (chunks: Stream.Stream<typeof call | typeof finish>) =>
    observing(
      AiTelemetry.observe(Layer.effect(
        LanguageModel.LanguageModel,
        LanguageModel.make({ generateText: () => Effect.succeed([]), streamText: () => chunks })
      )),
      LanguageModel.streamText({ prompt: "hi", toolkit: Weather }).pipe(Stream.runDrain, Effect.provide(closed))
    ).pipe(Effect.map(({ calls, shape }) => ({ attributes: calls[0]?.attributes, shape })))

  const shape = [
    "trace LanguageModel.streamText [error] Closed: it is night",
    "├─ llm chat [success]",
    "└─ tool execute_tool GetWeather [error] Closed: it is night"
  ]

  it.effect("one that fails after the answer ends the trace, and not the call", () =>
    Effect.gen(function*() {
      const recorded = yield* streaming(Stream.make(call, finish))
      assert.deepStrictEqual(recorded.shape.map((line) => line.replace(" tokens=10/5", "")), shape)
      assert.notProperty(recorded.attributes, "stream.abandoned")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("one that fails before it leaves the call as it is then", () =>
    Effect.gen(function*() {
      const recorded = yield* streaming(Stream.rechunk(Stream.make(call, finish), 1))
      assert.deepStrictEqual(recorded.shape, shape)
      assert.propertyVal(recorded.attributes, "stream.abandoned", true)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a conversation", () => {
  it.scopedLive("logs each message once, where it is asked to", () =>
    Effect.gen(function*() {
      const { messages } = yield* recording(
        openAi,
        [json("openai-text.json"), json("openai-tool-answer.json")],
        Effect.gen(function*() {
          const chat = yield* Chat.fromPrompt([{ role: "system", content: "Be brief." }])
          yield* chat.generateText({ prompt: "Tell me a story." })
          yield* chat.generateText({ prompt: "And the weather?" })
        }),
        { logChatMessages: true }
      )
      assert.deepStrictEqual(messages.map(({ content, model, role }) => [role, String(content).slice(0, 20), model]), [
        ["system", "Be brief.", undefined],
        ["user", "Tell me a story.", undefined],
        ["assistant", "In a peaceful grove ", "gpt-4.1"],
        ["user", "And the weather?", undefined],
        ["assistant", "It is 14 degrees in ", "gpt-4.1"]
      ])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("embeddings", () => {
  const embedMany = Effect.flatMap(EmbeddingModel.EmbeddingModel, (model) => model.embedMany(["a", "b", "c", "d"]))
  const embed = Effect.flatMap(EmbeddingModel.EmbeddingModel, (model) => model.embed("a"))

  it.scopedLive("one record for a call, with the model and the tokens of all its requests", () =>
    Effect.gen(function*() {
      const reply = json("openai-embeddings.json")
      const { exit, spans } = yield* recording(openAiEmbeddings, [reply, reply], embedMany)
      assert.strictEqual(exit._tag === "Success" ? exit.value.length : 0, 4)
      assert.deepStrictEqual(spans.map(fieldsOf), [{
        name: "embeddings text-embedding-3-small",
        type: "embedding",
        kind: "client",
        status: "success",
        attributes: {
          "observability.gen_ai.version": "0.1.0",
          "gen_ai.operation.name": "embeddings",
          "gen_ai.embeddings.dimension.count": 3,
          "ai.embedding.inputs": 4
        },
        input: undefined,
        output: undefined,
        provider: "openai",
        model: "text-embedding-3-small",
        temperature: undefined,
        finishReason: undefined,
        usage: { uncachedInputTokens: 16 },
        // 16 tokens at 0.02 per million
        costUsd: "0.00000032"
      }])
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("what the program batches stays one request", () =>
    Effect.gen(function*() {
      // the server has no answer to a second one
      const { exit } = yield* recording(
        openAiEmbeddings,
        [json("openai-embeddings.json")],
        Effect.forEach(
          ["a", "b"],
          (text) => Effect.flatMap(EmbeddingModel.EmbeddingModel, (model) => model.embed(text)),
          { batching: true }
        )
      )
      assert.strictEqual(exit._tag, "Success")
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("one that the vendor refuses is an error with its type and status", () =>
    Effect.gen(function*() {
      const { spans: [span] } = yield* recording(openAiEmbeddings, [json("openai-429.json", 429)], embed, {
        captureContent: "input"
      })
      assert.deepInclude(span, { status: "error", input: ["a"] })
      assert.strictEqual(span?.error?.type, "HttpResponseError")
      assert.strictEqual(span?.attributes?.["http.response.status_code"], 429)
    }).pipe(Effect.provide(Testing.layer())))
})

/** A tracer that remembers the names of its spans, as they stand below each other. */
const remembering = () => {
  const lines: Array<string> = []
  const depthOf = (span: Option.Option<Tracer.AnySpan>): number =>
    Option.isNone(span) || span.value._tag === "ExternalSpan" ? 0 : 1 + depthOf(span.value.parent)
  const native = Effect.runSync(Effect.tracer)
  const tracer = Tracer.make({
    context: (execute) => execute(),
    span: (name, parent, ...rest) => {
      lines.push(`${"  ".repeat(depthOf(parent))}${name}`)
      return native.span(name, parent, ...rest)
    }
  })
  return { lines, tracer }
}

describe("beside other tracers", () => {
  it.scopedLive("with EffectTracer, a call has one record, and what is native stands around and below it", () =>
    Effect.gen(function*() {
      const url = yield* vendorServer(twoTurns)
      const model = openAi<ObservabilityService>(url, AiTelemetry.observe).pipe(
        Layer.provideMerge(EffectTracer.layer())
      )
      const { shape } = yield* observing(
        model,
        conversation.pipe(Effect.provide(sunny), Effect.withSpan("agent"), withTrace("trace"))
      )
      assert.deepStrictEqual(shape.map((line) => line.replace(/ tokens.*/, "")), [
        "trace trace [success]",
        "└─ span agent [success]",
        "   ├─ span Chat.generateText [success]",
        "   │  ├─ llm chat gpt-4.1 [success]",
        "   │  │  └─ span http.client POST [success]",
        "   │  └─ tool execute_tool GetWeather [success]",
        "   │     └─ span read the thermometer [success]",
        "   └─ span Chat.generateText [success]",
        "      └─ llm chat gpt-4.1 [success]",
        "         └─ span http.client POST [success]"
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("with EffectTracer, the logs of a call that fails quote neither the key nor the prompt", () =>
    Effect.gen(function*() {
      const url = yield* vendorServer([
        (response) =>
          void response.writeHead(502, { "content-type": "application/json" }).end("<html>Bad gateway</html>")
      ])
      const model = openAi<ObservabilityService>(url, AiTelemetry.observe).pipe(
        Layer.provideMerge(EffectTracer.layer())
      )
      const { spans } = yield* observing(
        model,
        LanguageModel.generateText({ prompt: "my diagnosis" }).pipe(
          Effect.tapErrorCause((cause) => Effect.logError("no answer", cause)),
          Effect.tapError((error) => Effect.logError(error)),
          Effect.tapError((error) => Effect.annotateLogs(Effect.logError("no answer"), { error })),
          Effect.withSpan("agent")
        )
      ).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
      const events = spans.find(({ name }) => name === "agent")?.events
      assert.strictEqual(events?.length, 3)
      for (const event of events!) {
        const text = JSON.stringify(event)
        assert.notInclude(text, "sk-secret")
        assert.notInclude(text, "my diagnosis")
        assert.include(text, "HttpResponseError")
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("with EffectTracer, no span has the keys that vendors take in headers and addresses of their own", () =>
    Effect.gen(function*() {
      const url = yield* vendorServer([json("openai-text.json")])
      const client = OpenAiClient.layer({
        apiUrl: url,
        transformClient: HttpClient.mapRequest((request) =>
          request.pipe(
            HttpClientRequest.setHeaders({
              "api-key": "key-of-azure",
              "x-goog-api-key": "key-of-google",
              "openai-organization": "key-of-organization"
            }),
            HttpClientRequest.setUrlParams({ key: "key-of-address", "api-version": "2025-04-01" })
          )
        )
      }).pipe(Layer.provide(FetchHttpClient.layer))
      const model = AiTelemetry.observe(OpenAiLanguageModel.model("gpt-4.1")).pipe(
        Layer.provide(client),
        Layer.provideMerge(EffectTracer.layer())
      )
      const { spans } = yield* observing(model, LanguageModel.generateText({ prompt: "hi" }))
      const attributes = spans.find(({ kind, type }) => kind === "client" && type === "span")?.attributes
      assert.deepInclude(attributes, {
        "http.request.header.api-key": "<redacted>",
        "http.request.header.content-type": "application/json",
        "url.full": `${url}/responses?key=REDACTED&api-version=2025-04-01`
      })
      assert.notInclude(JSON.stringify(spans), "key-of-")
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("another tracer sees the spans that it would see without the library", () =>
    Effect.gen(function*() {
      const seen = <R>(around: Around<R>) =>
        Effect.gen(function*() {
          const url = yield* vendorServer([json("openai-tool-call.json"), stream("openai-stream.sse")])
          const { lines, tracer } = remembering()
          yield* Effect.zipRight(ask, Stream.runDrain(LanguageModel.streamText({ prompt: "hi" }))).pipe(
            Effect.provide([openAi(url, around), sunny]),
            Effect.withTracer(tracer)
          )
          return lines
        })
      const without = yield* seen<never>((layer) => layer)
      assert.include(without, "  Toolkit.handle")
      assert.deepStrictEqual(yield* seen<ObservabilityService>(AiTelemetry.observe), without)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a program", () => {
  const text = LanguageModel.generateText({ prompt: "hi" })
  const chunks = LanguageModel.streamText({ prompt: "hi" }).pipe(Stream.chunks, Stream.runCollect)
  const object = LanguageModel.generateObject({ prompt: "hi", schema: Schema.Struct({ name: Schema.String }) })
  const cases: ReadonlyArray<readonly [string, Reply, Effect.Effect<unknown, unknown, LanguageModel.LanguageModel>]> = [
    ["text", json("openai-text.json"), text],
    ["an object", json("openai-object.json"), object],
    ["no such object", json("openai-text.json"), object],
    ["a stream", stream("openai-stream.sse"), chunks],
    ["a refusal", json("openai-429.json", 429), text],
    ["a refused stream", json("openai-429.json", 429), chunks],
    ["a tool", json("openai-tool-call.json"), Effect.provide(ask, sunny)],
    ["a tool that fails", json("openai-tool-call.json"), Effect.provide(ask, closed)],
    [
      "a prompt that is none",
      json("openai-text.json"),
      LanguageModel.generateText({ prompt: [{ role: "nobody" }] as never })
    ]
  ]
  for (const [what, reply, use] of cases) {
    it.scopedLive(`gets the same with the library as without: ${what}`, () =>
      Effect.gen(function*() {
        const endWith = <R>(around: Around<R>) =>
          Effect.gen(function*() {
            const url = yield* vendorServer([reply])
            const exit = yield* use.pipe(Effect.provide(openAi(url, around)), Effect.exit)
            return comparable(exit)
          })
        const without = yield* endWith<never>((layer) => layer)
        assert.strictEqual(yield* endWith<ObservabilityService>(AiTelemetry.observe({ captureContent: true })), without)
      }).pipe(Effect.provide(Testing.layer())))
  }
})

/** What differs from run to run: ports, ids, and times. */
const comparable = (exit: Exit.Exit<unknown, unknown>): string =>
  JSON.stringify(exit)
    .replaceAll(/127\.0\.0\.1:\d+/g, "host")
    .replaceAll(/"(date|b3|traceparent)":"[^"]*"/g, "")
    .replaceAll(/"id":"[a-zA-Z0-9_-]{16,22}"/g, "")
