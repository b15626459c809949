/** The conventions' attributes, of any of their versions, mean one thing here; and what is written is read again as it was. */
import { Telemetry } from "@effect/ai"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import * as GenAi from "../src/GenAi.ts"
import type { Usage } from "../src/Usage.ts"
import { modelCall, span, usage } from "./observations.ts"

const read = (attributes: GenAi.Attributes): GenAi.Reading => {
  const reading = GenAi.fromAttributes(attributes)
  assert.isDefined(reading)
  return reading!
}

describe("fromAttributes", () => {
  it("reads what the present version says of a call", () => {
    const reading = read({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.request.model": "claude-sonnet-4-5",
      "gen_ai.response.model": "claude-sonnet-4-5-20250929",
      "gen_ai.response.id": "msg_1",
      "gen_ai.conversation.id": "conv_1",
      "gen_ai.request.temperature": 0.2,
      "gen_ai.request.max_tokens": 512,
      "gen_ai.request.stop_sequences": ["END"],
      "gen_ai.request.stream": true,
      "gen_ai.request.reasoning.level": "high",
      "gen_ai.response.finish_reasons": ["end_turn", "length"],
      "gen_ai.response.time_to_first_chunk": 0.25,
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.cache_read.input_tokens": 60,
      "gen_ai.usage.cache_write.input_tokens": 30,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.reasoning.output_tokens": 20,
      "http.request.method": "POST"
    })
    assert.deepInclude(reading, {
      operation: "chat",
      type: "llm",
      provider: "anthropic",
      requestModel: "claude-sonnet-4-5",
      responseModel: "claude-sonnet-4-5-20250929",
      responseId: "msg_1",
      conversationId: "conv_1",
      finishReasons: ["end_turn", "length"],
      timeToFirstChunkMicros: 250_000,
      problems: []
    })
    assert.deepInclude(reading.parameters, {
      temperature: 0.2,
      maxTokens: 512,
      stopSequences: ["END"],
      stream: true,
      reasoningLevel: "high",
      topP: undefined
    })
    assert.deepStrictEqual(
      reading.usage,
      usage({
        uncachedInputTokens: 10,
        cacheReadTokens: 60,
        cacheWriteTokens: 30,
        outputTokens: 50,
        reasoningTokens: 20
      })
    )
  })

  it("reads the names of older versions, the present one before them", () => {
    const old = read({
      "gen_ai.system": "az.ai.openai",
      "gen_ai.usage.prompt_tokens": 100,
      "gen_ai.usage.completion_tokens": 10,
      "gen_ai.usage.cache_creation.input_tokens": 5,
      "gen_ai.usage.cache_read_input_tokens": 15
    })
    assert.strictEqual(old.provider, "azure.ai.openai")
    assert.deepStrictEqual(
      old.usage,
      usage({ uncachedInputTokens: 80, cacheReadTokens: 15, cacheWriteTokens: 5, outputTokens: 10 })
    )
    const both = read({
      "gen_ai.provider.name": "openai",
      "gen_ai.system": "other",
      "gen_ai.usage.input_tokens": 7,
      "gen_ai.usage.prompt_tokens": 8
    })
    assert.deepInclude(both, { provider: "openai", usage: usage({ uncachedInputTokens: 7 }) })
  })

  it("reads the figures of audio and images, whose cached part is within them", () => {
    assert.deepStrictEqual(
      read({
        "gen_ai.usage.input_tokens": 60,
        "gen_ai.usage.cache_read.input_tokens": 30,
        "gen_ai.usage.audio.input_tokens": 40,
        "gen_ai.usage.audio.cache_read.input_tokens": 20,
        "gen_ai.usage.image.input_tokens": 8,
        "gen_ai.usage.image.cache_read.input_tokens": 3,
        "gen_ai.usage.output_tokens": 40,
        "gen_ai.usage.audio.output_tokens": 25
      }).usage,
      usage({
        uncachedInputTokens: 30,
        cacheReadTokens: 30,
        audioInputTokens: 20,
        audioCacheReadTokens: 20,
        imageInputTokens: 5,
        outputTokens: 40,
        audioOutputTokens: 25
      })
    )
  })

  it("says what is wrong with figures that contradict each other, and makes nothing up", () => {
    const reading = read({ "gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 1000 })
    assert.isUndefined(reading.usage)
    assert.match(reading.problems[0]!, /gen_ai\.usage\.input_tokens is 10; expected it to include the 1000/)
    assert.deepInclude(GenAi.toUpdate(reading).attributes, { "observability.problems": reading.problems })
    for (const bad of [-1, 1.5, Number.NaN]) {
      assert.strictEqual(read({ "gen_ai.usage.output_tokens": bad }).problems.length, 1)
    }
  })

  it("reads what exporters make of numbers, and what Effect keeps in a map", () => {
    const reading = read(
      new Map<string, unknown>([
        ["gen_ai.usage.input_tokens", "12"],
        ["gen_ai.usage.output_tokens", 3n],
        ["gen_ai.response.finish_reasons", "stop"],
        ["gen_ai.request.model", null]
      ])
    )
    assert.deepInclude(reading, {
      usage: usage({ uncachedInputTokens: 12, outputTokens: 3 }),
      finishReasons: ["stop"],
      requestModel: undefined
    })
  })

  it("has a type for each operation that there is one for", () => {
    const types = Object.fromEntries(
      [
        "chat",
        "generate_content",
        "text_completion",
        "embeddings",
        "retrieval",
        "execute_tool",
        "invoke_agent",
        "invoke_workflow",
        "plan",
        "bake"
      ]
        .map((operation) => [operation, read({ "gen_ai.operation.name": operation }).type])
    )
    assert.deepStrictEqual(types, {
      chat: "llm",
      generate_content: "llm",
      text_completion: "llm",
      embeddings: "embedding",
      retrieval: "retrieval",
      execute_tool: "tool",
      invoke_agent: "agent",
      invoke_workflow: "workflow",
      plan: "chain",
      bake: undefined
    })
  })

  it("is nothing where there is nothing, and total for whatever there is", () => {
    assert.isUndefined(GenAi.fromAttributes({ "http.request.method": "GET" }))
    const anyNames = Object.values(GenAi.names).flat()
    const bag = fc.dictionary(fc.constantFrom(...anyNames), fc.anything())
    fc.assert(fc.property(bag, (attributes) => {
      const reading = GenAi.fromAttributes(attributes)
      if (reading !== undefined) GenAi.toUpdate(reading)
    }))
    const hostile = new Proxy({}, {
      get: () => {
        throw new Error("hands off")
      }
    })
    assert.isUndefined(GenAi.fromAttributes(hostile))
  })

  it.effect("reads what @effect/ai writes", () =>
    Effect.gen(function*() {
      const native = yield* Effect.makeSpan("LanguageModel.generateText")
      Telemetry.addGenAIAnnotations(native, {
        system: "openai",
        operation: { name: "chat" },
        request: { model: "gpt-4o", temperature: 0.7, topP: 0.9, maxTokens: 100, stopSequences: ["\n"] },
        response: { id: "resp_1", model: "gpt-4o-2024-08-06", finishReasons: ["stop"] },
        usage: { inputTokens: 20, outputTokens: 5 }
      })
      const reading = read(native.attributes as ReadonlyMap<string, unknown>)
      assert.deepInclude(reading.parameters, { temperature: 0.7, topP: 0.9, maxTokens: 100, stopSequences: ["\n"] })
      assert.deepStrictEqual(GenAi.toUpdate(reading), {
        provider: "openai",
        model: "gpt-4o",
        temperature: 0.7,
        finishReason: "stop",
        timeToFirstToken: undefined,
        usage: usage({ uncachedInputTokens: 20, outputTokens: 5 }),
        attributes: { "observability.gen_ai.version": GenAi.version }
      })
    }))
})

describe("toAttributes", () => {
  it("writes the present names and the version, and nothing that is not known", () => {
    const attributes = GenAi.toAttributes(span({
      type: "llm",
      modelCall: modelCall({
        provider: "openai",
        model: "gpt-4o",
        finishReason: "stop",
        timeToFirstTokenMicros: 250_000,
        usage: usage({ uncachedInputTokens: 10, cacheReadTokens: 60, cacheWriteTokens: 30, outputTokens: 50 })
      })
    }))
    assert.deepStrictEqual<unknown>(attributes, {
      "observability.gen_ai.version": "0.1.0",
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.response.time_to_first_chunk": 0.25,
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 50,
      "gen_ai.usage.cache_read.input_tokens": 60,
      "gen_ai.usage.cache_write.input_tokens": 30
    })
    assert.isUndefined(GenAi.toAttributes(span({ type: "parse" })))
  })

  it("writes what is read again as it was", () => {
    const tokens = fc.option(fc.nat(1_000), { nil: undefined })
    const usages: fc.Arbitrary<Usage> = fc.record({
      // where all that the conventions have is known, so that nothing is lost on the way
      uncachedInputTokens: fc.integer({ min: 200, max: 9_000 }),
      cacheReadTokens: fc.integer({ min: 1_000, max: 9_000 }),
      cacheWriteTokens: tokens,
      outputTokens: fc.integer({ min: 3_000, max: 9_000 }),
      audioInputTokens: fc.integer({ min: 0, max: 100 }),
      imageInputTokens: fc.integer({ min: 0, max: 100 }),
      audioCacheReadTokens: fc.nat(1_000),
      reasoningTokens: tokens,
      audioOutputTokens: tokens,
      imageOutputTokens: tokens
    }).map(usage)
    fc.assert(fc.property(usages, (figures) => {
      const reading = read(GenAi.toAttributes(span({ type: "llm", modelCall: modelCall({ usage: figures }) }))!)
      assert.deepStrictEqual(reading.usage, figures)
    }))
  })
})

it("no attribute has two meanings", () => {
  const all = Object.values(GenAi.names).flat()
  assert.strictEqual(new Set(all).size, all.length)
})
