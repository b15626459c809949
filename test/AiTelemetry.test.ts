/** What is recorded of the calls that a program makes with `@effect/ai`, against servers that answer as the vendors do. */
import * as LanguageModel from "@effect/ai/LanguageModel"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Schema, Stream } from "effect"
import type * as AiTelemetry from "../src/AiTelemetry.ts"
import * as Testing from "../src/Testing.ts"
import { fieldsOf, recording } from "./ai/recording.ts"
import type { Reply } from "./ai/vendorServer.ts"
import { anthropic, changed, json, openAi, openAiModel, stream, streamUpTo } from "./ai/vendorServer.ts"

const generate = LanguageModel.generateText({ prompt: "Who are you?" })
const streamed = LanguageModel.streamText({ prompt: "Who are you?" })

const record = (
  ...[model, replies, program, options]: Parameters<typeof recording<LanguageModel.LanguageModel, unknown, unknown>>
) => recording(model, replies, program, options).pipe(Effect.provide(Testing.layer()))

/** The one call of a program, and how the program ended. */
const recordOne = (...parameters: Parameters<typeof record>) =>
  Effect.map(record(...parameters), (recorded) => {
    assert.strictEqual(recorded.spans.length, 1)
    return { ...recorded, call: recorded.spans[0]!, exit: recorded.exit }
  })

const ofConventions = { "observability.gen_ai.version": "0.1.0", "gen_ai.operation.name": "chat" }

const ofOpenAi = {
  ...ofConventions,
  "gen_ai.output.type": "text",
  "gen_ai.request.top_p": 0.9,
  "gen_ai.request.max_tokens": 512,
  "gen_ai.openai.request.response_format": "text"
}

const ofAnthropic = { ...ofConventions, "gen_ai.output.type": "text", "gen_ai.request.max_tokens": 1024 }

const withoutContent = { input: undefined, output: undefined }

describe("a call", () => {
  it.scopedLive("has what OpenAI says of it: cached and reasoning tokens apart, and their cost", () =>
    Effect.gen(function*() {
      const { call } = yield* recordOne(
        openAiModel("gpt-5"),
        [json("openai-cached-reasoning.json")],
        generate
      )
      assert.deepStrictEqual(fieldsOf(call), {
        name: "chat gpt-5",
        type: "llm",
        kind: "client",
        status: "success",
        attributes: {
          ...ofOpenAi,
          "gen_ai.response.id": "resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b",
          "gen_ai.response.model": "gpt-5-2025-08-07",
          "gen_ai.openai.response.service_tier": "default"
        },
        ...withoutContent,
        provider: "openai",
        model: "gpt-5",
        temperature: 0.5,
        finishReason: "stop",
        // 2,006 tokens of input, 1,920 of them cached; 300 of output, 256 of them reasoning
        usage: { uncachedInputTokens: 86, cacheReadTokens: 1_920, outputTokens: 300, reasoningTokens: 256 },
        // per million: 86 at 1.25, 1,920 at 0.125, 300 at 10: 0.0001075 + 0.00024 + 0.003
        costUsd: "0.0033475"
      })
      assert.isUndefined(call.modelCall?.timeToFirstTokenMicros)
    }))

  it.scopedLive("has what Anthropic says of it: what a cache gave and what was written to it beside the input", () =>
    Effect.gen(function*() {
      const { call } = yield* recordOne(anthropic, [json("anthropic-cached.json")], generate)
      assert.deepStrictEqual(fieldsOf(call), {
        name: "chat claude-sonnet-4-5",
        type: "llm",
        kind: "client",
        status: "success",
        attributes: {
          ...ofAnthropic,
          "gen_ai.response.id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
          "gen_ai.response.model": "claude-sonnet-4-5-20250929"
        },
        ...withoutContent,
        provider: "anthropic",
        model: "claude-sonnet-4-5",
        temperature: undefined,
        finishReason: "stop",
        usage: {
          uncachedInputTokens: 21,
          cacheReadTokens: 188_086,
          cacheWriteTokens: 456,
          longCacheWriteTokens: 0,
          outputTokens: 393
        },
        // per million: 21 at 3, 188,086 at 0.3, 456 at 3.75, 393 at 15: 0.000063 + 0.0564258 + 0.00171 + 0.005895
        costUsd: "0.0640938"
      })
    }))

  it.scopedLive("has its prompt and its answer where they are asked for, and only then", () =>
    Effect.gen(function*() {
      const prompt = [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "file", mediaType: "image/png", data: new Uint8Array(2_000) }
          ]
        }
      ] as const
      const contentOf = (captureContent: AiTelemetry.Options["captureContent"]) =>
        Effect.map(
          recordOne(openAi, [json("openai-tool-answer.json")], LanguageModel.generateText({ prompt }), {
            captureContent
          }),
          ({ call: { input, output } }) => ({ input, output })
        )
      const input = [
        { role: "system", content: "Be brief." },
        {
          role: "user",
          content: [{ type: "text", text: "What is this?" }, { type: "file", mediaType: "image/png", bytes: 2_000 }]
        }
      ]
      const output = { role: "assistant", content: "It is 14 degrees in Paris." }
      assert.deepStrictEqual(yield* contentOf(true), { input, output })
      assert.deepStrictEqual(yield* contentOf("input"), { input, output: undefined })
      assert.deepStrictEqual(yield* contentOf("output"), { input: undefined, output })
      assert.deepStrictEqual(yield* contentOf(false), withoutContent)
    }))

  it.scopedLive("that the vendor refuses or breaks is an error with its type and status", () =>
    Effect.gen(function*() {
      const failures = [[openAi, json("openai-429.json", 429), 429], [
        anthropic,
        json("anthropic-500.json", 500),
        500
      ]] as const
      for (const [model, reply, status] of failures) {
        for (const program of [generate, Stream.runDrain(streamed)]) {
          const { call, exit } = yield* recordOne(model, [reply], program)
          assert.strictEqual(call.status, "error")
          assert.strictEqual(call.error?.type, "HttpResponseError")
          assert.match(call.error?.message ?? "", new RegExp(`^StatusCode: .*${status}`))
          assert.strictEqual(call.attributes?.["http.response.status_code"], status)
          // what was asked is known, what was used is not
          assert.isString(call.modelCall?.model)
          assert.isUndefined(call.modelCall?.usage)
          assert.isTrue(Exit.isFailure(exit))
          // the error of the program holds the whole request
          assert.notInclude(JSON.stringify(call), "sk-secret")
        }
      }
    }))

  // `@effect/ai` quotes the whole request in the errors about answers that cannot be read
  const breaking: Reply = (response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": 1_000 })
      .write("{\"id\":", () => setImmediate(() => response.destroy()))
  }
  const unreadable: ReadonlyArray<readonly [string, Reply]> = [
    ["breaks off", breaking],
    [
      "is a page of a proxy",
      (response) => void response.writeHead(502, { "content-type": "application/json" }).end("<html>Bad gateway</html>")
    ],
    ["breaks off as a stream", streamUpTo("openai-stream.sse", "there!", "destroy")]
  ]
  for (const [what, reply] of unreadable) {
    it.scopedLive(`whose answer ${what} quotes neither the key nor the prompt, nor does the trace around it`, () =>
      Effect.gen(function*() {
        for (const model of [openAi, anthropic]) {
          for (const program of [generate, Stream.runDrain(streamed)]) {
            const { spans: [call], traces } = yield* record(model, [reply], program)
            assert.deepStrictEqual([call?.status, traces[0]?.status], ["error", "error"])
            const text = JSON.stringify([call, traces])
            assert.notInclude(text, "sk-secret")
            assert.notInclude(text, "Who are you?")
          }
        }
      }))
  }

  it.scopedLive("that the vendor refuses says why, in the vendor's words", () =>
    Effect.gen(function*() {
      for (const program of [generate, Stream.runDrain(streamed)]) {
        const { call } = yield* recordOne(openAi, [json("openai-429.json", 429)], program)
        for (const text of [call.error?.message, call.error?.cause]) {
          assert.include(text, "Rate limit reached for gpt-4.1")
        }
      }
    }))

  it.scopedLive("that is tried again has a record for each attempt", () =>
    Effect.gen(function*() {
      const { shape } = yield* record(
        openAi,
        [json("openai-429.json", 429), json("openai-text.json")],
        Effect.retry(generate, { times: 1 })
      )
      assert.match(shape[1]!, /^├─ llm chat gpt-4.1 \[error\] HttpResponseError/)
      assert.match(shape[2]!, /^└─ llm chat gpt-4.1 \[success\] tokens=36\/87/)
    }))

  it.scopedLive("that is interrupted says so", () =>
    Effect.gen(function*() {
      const asked = yield* Deferred.make<void>()
      const silent: Reply = () => Deferred.unsafeDone(asked, Effect.void)
      const { call } = yield* recordOne(openAi, [silent], Effect.raceFirst(generate, Deferred.await(asked)))
      assert.strictEqual(call.status, "interrupted")
      assert.strictEqual(call.modelCall?.model, "gpt-4.1")
    }))
})

describe("a structured answer", () => {
  const Event = Schema.Struct({ name: Schema.String, day: Schema.String })

  it.scopedLive("is a call like any other", () =>
    Effect.gen(function*() {
      const { call, exit } = yield* recordOne(
        openAi,
        [json("openai-object.json")],
        LanguageModel.generateObject({ prompt: "The fair is on Friday.", schema: Event, objectName: "event" }),
        { captureContent: "output" }
      )
      assert.isTrue(Exit.isSuccess(exit))
      assert.deepInclude(call.attributes, { "gen_ai.output.type": "json", "ai.object_name": "event" })
      assert.deepStrictEqual(call.output, {
        role: "assistant",
        content: "{\"name\":\"Science Fair\",\"day\":\"Friday\"}"
      })
      assert.deepInclude(fieldsOf(call).usage, { uncachedInputTokens: 64, outputTokens: 14 })
    }))

  it.scopedLive("that is none fails the call, which has cost what it has, and quotes nothing of it", () =>
    Effect.gen(function*() {
      const { call } = yield* recordOne(
        openAi,
        [json("openai-text.json")],
        LanguageModel.generateObject({ prompt: "The fair is on Friday.", schema: Event })
      )
      assert.strictEqual(call.status, "error")
      assert.strictEqual(call.error?.type, "MalformedOutput")
      assert.notInclude(JSON.stringify(call.error), "unicorn")
      assert.deepInclude(fieldsOf(call).usage, { uncachedInputTokens: 36, outputTokens: 87 })
    }))

  it.scopedLive("that is none is quoted by no later attempt, either", () =>
    Effect.gen(function*() {
      const { calls: [first, second] } = yield* record(
        openAi,
        [json("openai-text.json"), json("openai-text.json")],
        Effect.retry(LanguageModel.generateObject({ prompt: "The fair is on Friday.", schema: Event }), { times: 1 })
      )
      assert.strictEqual(
        second?.attributes?.["schedule.error"],
        `MalformedOutput: ${first?.error?.message}`
      )
      assert.notInclude(JSON.stringify([first, second]), "unicorn")
    }))
})

describe("a stream", () => {
  it.scopedLive("has what OpenAI says at its end, and when its first token came", () =>
    Effect.gen(function*() {
      const { call } = yield* recordOne(openAi, [stream("openai-stream.sse")], Stream.runDrain(streamed), {
        captureContent: "output"
      })
      assert.deepStrictEqual(fieldsOf(call), {
        name: "chat gpt-4.1",
        type: "llm",
        kind: "client",
        status: "success",
        attributes: {
          ...ofOpenAi,
          "gen_ai.request.stream": true,
          "gen_ai.response.id": "resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654",
          "gen_ai.response.model": "gpt-4.1-2025-04-14",
          "gen_ai.openai.response.service_tier": "default",
          "stream.elements": 8
        },
        input: undefined,
        output: { role: "assistant", content: "Hi there! How can I assist you today?" },
        provider: "openai",
        model: "gpt-4.1",
        temperature: 0.5,
        finishReason: "stop",
        usage: { uncachedInputTokens: 93, cacheReadTokens: 1_024, outputTokens: 11, reasoningTokens: 0 },
        // per million: 93 at 2, 1,024 at 0.5, 11 at 8: 0.000186 + 0.000512 + 0.000088
        costUsd: "0.000786"
      })
      const first = call.modelCall?.timeToFirstTokenMicros
      assert.isTrue(first !== undefined && first > 0 && first <= call.durationMicros!)
    }))

  it.scopedLive("has what Anthropic says at its start and at its end", () =>
    Effect.gen(function*() {
      const { call } = yield* recordOne(anthropic, [stream("anthropic-stream.sse")], Stream.runDrain(streamed))
      assert.deepInclude(fieldsOf(call), {
        status: "success",
        finishReason: "stop",
        output: undefined,
        usage: {
          uncachedInputTokens: 25,
          cacheReadTokens: 1_000,
          cacheWriteTokens: 0,
          longCacheWriteTokens: 0,
          outputTokens: 15
        }
      })
    }))

  it.scopedLive("that writes to Anthropic's cache while it runs has its figures and their cost", () =>
    Effect.gen(function*() {
      // a search of the vendor's own: the last event says anew what was written in all, and not for how long
      const reply = changed("anthropic-stream.sse", [
        [
          "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":0",
          "\"cache_creation_input_tokens\":300,\"cache_read_input_tokens\":1000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":300"
        ],
        [
          "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":1000,\"output_tokens\":15",
          "\"cache_creation_input_tokens\":5300,\"cache_read_input_tokens\":1000,\"output_tokens\":15"
        ]
      ])
      const { call } = yield* recordOne(anthropic, [reply], Stream.runDrain(streamed))
      assert.deepInclude(fieldsOf(call), {
        usage: {
          uncachedInputTokens: 25,
          cacheReadTokens: 1_000,
          cacheWriteTokens: 5_300,
          longCacheWriteTokens: 0,
          outputTokens: 15
        },
        // per million: 25 at 3, 1,000 at 0.3, 5,300 at 3.75, 15 at 15: 0.000075 + 0.0003 + 0.019875 + 0.000225
        costUsd: "0.020475"
      })
    }))

  // the connection, the vendor's word, and the end without it: each of them cuts the answer short
  const cuts = [
    ["a broken connection", openAi, streamUpTo("openai-stream.sse", "there!", "destroy"), "HttpResponseError"],
    ["an end without the last event", openAi, streamUpTo("openai-stream.sse", "there!", "end"), "IncompleteResponse"],
    ["an error event", anthropic, stream("anthropic-overloaded.sse"), "overloaded_error"]
  ] as const
  for (const [what, model, reply, type] of cuts) {
    it.scopedLive(`that is cut by ${what} is an error, with what was seen of it`, () =>
      Effect.gen(function*() {
        const { call } = yield* recordOne(model, [reply], Stream.runDrain(streamed), { captureContent: "output" })
        assert.strictEqual(call.status, "error")
        assert.strictEqual(call.error?.type, type)
        assert.deepStrictEqual(call.output, {
          role: "assistant",
          content: model === openAi ? "Hi there!" : "Hello"
        })
        assert.isUndefined(call.modelCall?.finishReason)
      }))
  }

  it.scopedLive("that OpenAI says has failed is an error as OpenAI names it, and so is a whole answer", () =>
    Effect.gen(function*() {
      const error = "{\"code\":\"server_error\",\"message\":\"The model failed.\"}"
      const calls = [
        [changed("openai-text.json", [["\"error\": null", `"error": ${error}`]]), generate],
        [
          changed("openai-stream.sse", [
            ["response.completed", "response.failed"],
            [
              "\"status\":\"completed\",\"background\":false,\"error\":null",
              `"status":"failed","background":false,"error":${error}`
            ]
          ]),
          Stream.runDrain(streamed)
        ]
      ] as const
      for (const [reply, program] of calls) {
        const { call, exit } = yield* recordOne(openAi, [reply], program)
        assert.strictEqual(call.status, "error")
        assert.deepInclude(call.error, { type: "server_error", message: "The model failed." })
        assert.isUndefined(call.modelCall?.finishReason)
        // what was used is billed all the same, and the program has what `@effect/ai` makes of it
        assert.isAbove(call.modelCall?.usage?.outputTokens ?? 0, 0)
        assert.isTrue(Exit.isSuccess(exit))
      }
    }))

  it.scopedLive("that comes to a limit says so, and has not failed", () =>
    Effect.gen(function*() {
      for (
        const [reason, finishReason] of [["max_output_tokens", "length"], ["content_filter", "content-filter"]] as const
      ) {
        const reply = changed("openai-stream.sse", [
          ["response.completed", "response.incomplete"],
          ["\"incomplete_details\":null", `"incomplete_details":{"reason":"${reason}"}`]
        ])
        const { call } = yield* recordOne(openAi, [reply], Stream.runDrain(streamed))
        assert.deepInclude(fieldsOf(call), { status: "success", finishReason })
      }
    }))

  it.scopedLive("that its consumer leaves is abandoned, with the tokens that are billed all the same", () =>
    Effect.gen(function*() {
      const { call, exit } = yield* recordOne(
        anthropic,
        [streamUpTo("anthropic-stream.sse", "Hello", "hang")],
        streamed.pipe(Stream.takeUntil((part) => part.type === "text-delta"), Stream.runDrain),
        { captureContent: "output" }
      )
      assert.isTrue(Exit.isSuccess(exit))
      assert.strictEqual(call.status, "success")
      assert.deepInclude(call.attributes, { "stream.abandoned": true })
      assert.deepStrictEqual(call.output, { role: "assistant", content: "Hello" })
      assert.deepInclude(fieldsOf(call).usage, { uncachedInputTokens: 25, cacheReadTokens: 1_000, outputTokens: 1 })
    }))

  it.scopedLive("whose consumer fails has not failed", () =>
    Effect.gen(function*() {
      const { call, exit } = yield* recordOne(
        openAi,
        [streamUpTo("openai-stream.sse", "there!", "hang")],
        Stream.runForEach(streamed, (part) => part.type === "text-delta" ? Effect.fail("enough") : Effect.void)
      )
      assert.deepStrictEqual(exit, Exit.fail("enough"))
      assert.strictEqual(call.status, "success")
      assert.deepInclude(call.attributes, { "stream.abandoned": true })
    }))

  it.scopedLive("that is interrupted says so, with what was seen of it", () =>
    Effect.gen(function*() {
      const { call } = yield* recordOne(
        openAi,
        [streamUpTo("openai-stream.sse", "there!", "hang")],
        Effect.gen(function*() {
          const seen = yield* Deferred.make<void>()
          const fiber = yield* Effect.fork(
            Stream.runForEach(streamed, (part) =>
              part.type === "text-delta" && part.delta.includes("there!")
                ? Deferred.succeed(seen, undefined)
                : Effect.void)
          )
          yield* Deferred.await(seen)
          return Cause.isInterruptedOnly(
            yield* Fiber.interrupt(fiber).pipe(Effect.map(Exit.match({
              onFailure: (cause) => cause,
              onSuccess: () => Cause.empty
            })))
          )
        }),
        { captureContent: "output" }
      )
      assert.strictEqual(call.status, "interrupted")
      assert.deepStrictEqual(call.output, { role: "assistant", content: "Hi there!" })
      assert.notProperty(call.attributes, "stream.abandoned")
    }))
})
