/** Every vendor's way of counting ends in the same figures. The usages are those of responses, as the vendors document them. */
import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck as fc } from "effect"
import * as Usage from "../src/Usage.ts"
import { usage } from "./observations.ts"

type Constructor = (figures: unknown) => Either.Either<Usage.Usage, Usage.UsageError>

const reads = (constructor: Constructor, figures: unknown, expected: Partial<Usage.Usage>) =>
  assert.deepStrictEqual(Either.getOrThrow(constructor(figures)), usage(expected))

const refuses = (constructor: Constructor, figures: unknown, ...sentences: ReadonlyArray<string>) => {
  const made = constructor(figures)
  if (Either.isRight(made)) return assert.fail(`accepted ${JSON.stringify(figures)}`)
  assert.strictEqual(made.left._tag, "UsageError")
  for (const sentence of sentences) assert.include(made.left.message, sentence)
}

const effectAi = (provider: Usage.EffectAiProvider): Constructor => (figures) => Usage.fromEffectAi(figures, provider)

describe("fromOpenAiChat", () => {
  it("counts the cached part of the prompt, and the reasoning part of the completion, once", () => {
    reads(Usage.fromOpenAiChat, {
      prompt_tokens: 2006,
      completion_tokens: 300,
      total_tokens: 2306,
      prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 128,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0
      }
    }, {
      uncachedInputTokens: 86,
      cacheReadTokens: 1920,
      outputTokens: 300,
      reasoningTokens: 128,
      audioInputTokens: 0,
      audioOutputTokens: 0
    })
  })

  it("tells audio apart, and not the images of a prompt, which are billed as text", () => {
    reads(Usage.fromOpenAiChat, {
      prompt_tokens: 150,
      completion_tokens: 120,
      total_tokens: 270,
      prompt_tokens_details: { cached_tokens: null, audio_tokens: 100, text_tokens: 30, image_tokens: 20 },
      completion_tokens_details: { audio_tokens: 90, text_tokens: 30 }
    }, { uncachedInputTokens: 150, outputTokens: 120, audioInputTokens: 100, audioOutputTokens: 90 })
  })

  it("takes embeddings, which have no completion", () => {
    reads(Usage.fromOpenAiChat, { prompt_tokens: 8, total_tokens: 8 }, { uncachedInputTokens: 8 })
  })

  it("adds reasoning that a vendor counts beside the completion, where the total says so", () => {
    // xAI
    reads(Usage.fromOpenAiChat, {
      prompt_tokens: 37,
      completion_tokens: 530,
      total_tokens: 809,
      prompt_tokens_details: { text_tokens: 37, audio_tokens: 0, image_tokens: 0, cached_tokens: 8 },
      completion_tokens_details: { reasoning_tokens: 242, audio_tokens: 0 }
    }, {
      uncachedInputTokens: 29,
      cacheReadTokens: 8,
      outputTokens: 772,
      reasoningTokens: 242,
      audioInputTokens: 0,
      audioOutputTokens: 0
    })
  })

  it("takes what vendors of the same protocol add: cache writes, and a cache of another spelling", () => {
    // OpenRouter
    reads(Usage.fromOpenAiChat, {
      prompt_tokens: 194,
      completion_tokens: 2,
      total_tokens: 196,
      prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 100 },
      cost: 0.95
    }, { uncachedInputTokens: 94, cacheReadTokens: 0, cacheWriteTokens: 100, outputTokens: 2 })
    // DeepSeek
    reads(Usage.fromOpenAiChat, {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 25,
      prompt_cache_hit_tokens: 12,
      prompt_cache_miss_tokens: 8
    }, { uncachedInputTokens: 8, cacheReadTokens: 12, outputTokens: 5 })
  })

  it("refuses what contradicts itself, and says what does", () => {
    refuses(
      Usage.fromOpenAiChat,
      { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 11 } },
      "cached_tokens is 11, more than the 10 prompt_tokens"
    )
    refuses(
      Usage.fromOpenAiChat,
      { prompt_tokens: 10, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 2 } },
      "reasoningTokens is 2, more than the 1 outputTokens"
    )
    refuses(
      Usage.fromOpenAiChat,
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 40 },
      "total_tokens is 40, but prompt_tokens + completion_tokens is 15"
    )
  })
})

describe("fromOpenAiResponses", () => {
  it("counts the cached part of the input, what was written to the cache, and the reasoning once", () => {
    reads(Usage.fromOpenAiResponses, {
      input_tokens: 81,
      input_tokens_details: { cached_tokens: 50, cache_write_tokens: 20 },
      output_tokens: 1035,
      output_tokens_details: { reasoning_tokens: 832 },
      total_tokens: 1116
    }, {
      uncachedInputTokens: 11,
      cacheReadTokens: 50,
      cacheWriteTokens: 20,
      outputTokens: 1035,
      reasoningTokens: 832
    })
  })

  it("tells the images of the images API apart", () => {
    reads(Usage.fromOpenAiResponses, {
      total_tokens: 100,
      input_tokens: 50,
      output_tokens: 50,
      input_tokens_details: { text_tokens: 10, image_tokens: 40 },
      output_tokens_details: { image_tokens: 50, text_tokens: 0 }
    }, { uncachedInputTokens: 50, imageInputTokens: 40, outputTokens: 50, imageOutputTokens: 50 })
  })

  it("takes realtime's spelling, with cached audio", () => {
    reads(Usage.fromOpenAiResponses, {
      total_tokens: 253,
      input_tokens: 132,
      output_tokens: 121,
      input_token_details: {
        text_tokens: 119,
        audio_tokens: 13,
        image_tokens: 0,
        cached_tokens: 64,
        cached_tokens_details: { text_tokens: 60, audio_tokens: 4, image_tokens: 0 }
      },
      output_token_details: { text_tokens: 30, audio_tokens: 91 }
    }, {
      uncachedInputTokens: 68,
      cacheReadTokens: 64,
      outputTokens: 121,
      audioInputTokens: 9,
      imageInputTokens: 0,
      audioCacheReadTokens: 4,
      audioOutputTokens: 91
    })
  })
})

describe("fromAnthropic", () => {
  it("takes cached images of realtime for cached input, and not for images that are paid in full", () => {
    const realtime = {
      total_tokens: 2_100,
      input_tokens: 2_000,
      output_tokens: 100,
      input_token_details: {
        text_tokens: 1_200,
        image_tokens: 800,
        audio_tokens: 0,
        cached_tokens: 900,
        cached_tokens_details: { text_tokens: 150, image_tokens: 750, audio_tokens: 0 }
      },
      output_token_details: { text_tokens: 100, audio_tokens: 0 }
    }
    const { cacheRead, imageInput, input } = Usage.split(Either.getOrThrow(Usage.fromOpenAiResponses(realtime)))
    assert.deepStrictEqual({ input, imageInput, cacheRead }, { input: 1_050, imageInput: 50, cacheRead: 900 })
    // fewer tokens are paid in full than there are images
    reads(Usage.fromOpenAiResponses, {
      ...realtime,
      total_tokens: 1_100,
      input_tokens: 1_000,
      input_token_details: { ...realtime.input_token_details, text_tokens: 200 }
    }, {
      uncachedInputTokens: 100,
      cacheReadTokens: 900,
      outputTokens: 100,
      audioInputTokens: 0,
      imageInputTokens: 50,
      audioCacheReadTokens: 0,
      audioOutputTokens: 0
    })
    refuses(
      Usage.fromOpenAiResponses,
      { ...realtime, input_token_details: { ...realtime.input_token_details, image_tokens: 1 } },
      "cached_tokens_details.image_tokens is 750, more than the 1 image_tokens that include it"
    )
  })

  it("adds the caches, which stand beside the input, and keeps their lifetimes apart", () => {
    reads(Usage.fromAnthropic, {
      input_tokens: 2048,
      cache_read_input_tokens: 1800,
      cache_creation_input_tokens: 248,
      output_tokens: 503,
      cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
      server_tool_use: { web_search_requests: 1 },
      service_tier: "standard"
    }, {
      uncachedInputTokens: 2048,
      cacheReadTokens: 1800,
      cacheWriteTokens: 248,
      longCacheWriteTokens: 100,
      outputTokens: 503
    })
  })

  it("takes null for not said", () => {
    reads(Usage.fromAnthropic, {
      input_tokens: 10,
      cache_creation_input_tokens: null,
      cache_read_input_tokens: null,
      cache_creation: null,
      output_tokens: 12
    }, { uncachedInputTokens: 10, outputTokens: 12 })
  })

  it("takes what a stream writes after it began, for which no lifetime is stated, for short", () => {
    reads(Usage.fromAnthropic, {
      input_tokens: 25,
      cache_read_input_tokens: 1000,
      cache_creation_input_tokens: 5300,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
      output_tokens: 15
    }, {
      uncachedInputTokens: 25,
      cacheReadTokens: 1000,
      cacheWriteTokens: 5300,
      longCacheWriteTokens: 100,
      outputTokens: 15
    })
  })

  it("refuses lifetimes of more than was written", () => {
    refuses(
      Usage.fromAnthropic,
      {
        input_tokens: 1,
        output_tokens: 1,
        cache_creation_input_tokens: 100,
        cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 100 }
      },
      "ephemeral_5m_input_tokens + ephemeral_1h_input_tokens is 200",
      "more than the 100 cache_creation_input_tokens"
    )
  })
})

describe("fromGemini", () => {
  it("takes the cached content out of the prompt, and adds thoughts and tools, which stand beside", () => {
    reads(Usage.fromGemini, {
      promptTokenCount: 1000,
      cachedContentTokenCount: 600,
      toolUsePromptTokenCount: 50,
      candidatesTokenCount: 200,
      thoughtsTokenCount: 300,
      totalTokenCount: 1550,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 700 }, { modality: "AUDIO", tokenCount: 300 }],
      cacheTokensDetails: [{ modality: "TEXT", tokenCount: 500 }, { modality: "AUDIO", tokenCount: 100 }],
      toolUsePromptTokensDetails: [{ modality: "TEXT", tokenCount: 50 }],
      candidatesTokensDetails: [{ modality: "TEXT", tokenCount: 200 }]
    }, {
      uncachedInputTokens: 450,
      cacheReadTokens: 600,
      outputTokens: 500,
      audioInputTokens: 200,
      audioCacheReadTokens: 100,
      reasoningTokens: 300
    })
  })

  it("tells images that were made apart, and not those in the prompt, which are billed as text", () => {
    reads(Usage.fromGemini, {
      promptTokenCount: 270,
      candidatesTokenCount: 1298,
      totalTokenCount: 1568,
      promptTokensDetails: [{ modality: "TEXT", tokenCount: 12 }, { modality: "IMAGE", tokenCount: 258 }],
      candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: 1290 }, { modality: "TEXT", tokenCount: 8 }]
    }, { uncachedInputTokens: 270, outputTokens: 1298, imageOutputTokens: 1290 })
  })

  it("refuses a total that its parts do not add up to", () => {
    refuses(
      Usage.fromGemini,
      { promptTokenCount: 10, candidatesTokenCount: 20, totalTokenCount: 330 },
      "totalTokenCount is 330, but promptTokenCount + candidatesTokenCount is 30"
    )
  })
})

describe("fromBedrock", () => {
  it("adds the caches, which stand beside the input, whichever total is stated", () => {
    const figures = {
      inputTokens: 30,
      outputTokens: 628,
      cacheReadInputTokens: 1000,
      cacheWriteInputTokens: 200,
      cacheDetails: [{ ttl: "1h", inputTokens: 150 }, { ttl: "5m", inputTokens: 50 }]
    }
    for (const totalTokens of [658, 1858]) {
      reads(Usage.fromBedrock, { ...figures, totalTokens }, {
        uncachedInputTokens: 30,
        cacheReadTokens: 1000,
        cacheWriteTokens: 200,
        longCacheWriteTokens: 150,
        outputTokens: 628
      })
    }
    refuses(Usage.fromBedrock, { ...figures, totalTokens: 659 }, "totalTokens is 659")
  })
})

describe("fromCohere", () => {
  it("counts what is billed, which is less than what the model saw", () => {
    reads(Usage.fromCohere, {
      billed_units: { input_tokens: 5, output_tokens: 418 },
      tokens: { input_tokens: 71, output_tokens: 418 }
    }, { uncachedInputTokens: 5, outputTokens: 418 })
  })

  it("takes the images of embeddings, and refuses search units, which are no tokens", () => {
    reads(Usage.fromCohere, { billed_units: { input_tokens: 3, image_tokens: 1200 } }, {
      uncachedInputTokens: 1203,
      imageInputTokens: 1200
    })
    refuses(Usage.fromCohere, { billed_units: { search_units: 1 } }, "none of the figures is there")
  })
})

describe("fromEffectAi", () => {
  const figures = { inputTokens: 100, outputTokens: 50, totalTokens: 150, reasoningTokens: 20, cachedInputTokens: 60 }

  it("counts as the vendor behind it does", () => {
    const rest = { cacheReadTokens: 60, reasoningTokens: 20 }
    for (const provider of ["openai", "openrouter"] as const) {
      reads(effectAi(provider), figures, { ...rest, uncachedInputTokens: 40, outputTokens: 50 })
    }
    for (const provider of ["anthropic", "amazon-bedrock"] as const) {
      reads(effectAi(provider), figures, { ...rest, uncachedInputTokens: 100, outputTokens: 50 })
    }
    reads(effectAi("google"), figures, { ...rest, uncachedInputTokens: 40, outputTokens: 70 })
  })

  it("takes what a vendor left out", () => {
    reads(effectAi("anthropic"), { inputTokens: 9, outputTokens: undefined, totalTokens: undefined }, {
      uncachedInputTokens: 9
    })
  })
})

const constructors: ReadonlyArray<readonly [name: string, constructor: Constructor, input: string]> = [
  ["OpenAI chat completions", Usage.fromOpenAiChat, "prompt_tokens"],
  ["OpenAI responses", Usage.fromOpenAiResponses, "input_tokens"],
  ["Anthropic messages", Usage.fromAnthropic, "input_tokens"],
  ["Gemini", Usage.fromGemini, "promptTokenCount"],
  ["Amazon Bedrock Converse", Usage.fromBedrock, "inputTokens"],
  ["@effect/ai", effectAi("openai"), "inputTokens"]
]

describe("every constructor", () => {
  it("refuses what is no figure, names it and the vendor, and says where the figures stand", () => {
    for (const [vendor, constructor, input] of constructors) {
      for (const bad of [-1, 1.5, Number.NaN, "7", 2 ** 53, {}, []]) {
        refuses(constructor, { [input]: bad }, vendor, input, "pass ")
      }
    }
    refuses(Usage.fromCohere, { billed_units: { input_tokens: "5" } }, "Cohere", "billed_units.input_tokens")
  })

  it("never makes zeros of what is not there", () => {
    for (const [vendor, constructor] of constructors) {
      for (const nothing of [undefined, null, {}, { usage: { prompt_tokens: 5 } }, { unknown: 1 }]) {
        refuses(constructor, nothing, vendor, "pass ")
      }
    }
  })

  it("is total: whatever it is given, it neither throws nor lets through what `make` would not", () => {
    const hostile = new Proxy({}, {
      get: () => {
        throw new Error("hands off")
      }
    })
    for (const [, constructor] of [...constructors, ["Cohere", Usage.fromCohere, ""] as const]) {
      refuses(constructor, hostile)
      fc.assert(fc.property(fc.anything(), (value) => {
        const made = constructor(value)
        assert.isTrue(Either.isLeft(made) || Either.isRight(Usage.make(made.right)))
      }))
    }
  })
})

describe("the sum of all buckets", () => {
  const count = fc.nat(1_000_000)

  /** A figure, and a part of it that a vendor may tell apart or not. */
  const withPart = count.chain((whole) =>
    fc.record({ whole: fc.constant(whole), part: fc.option(fc.nat(whole), { nil: undefined }) })
  )

  const sumOf = (made: Either.Either<Usage.Usage, Usage.UsageError>) => {
    const read = Either.getOrThrow(made)
    const sum = Object.values(Usage.split(read)).reduce<number>((sum, tokens) => sum + (tokens ?? 0), 0)
    assert.strictEqual(sum, (Usage.inputTokens(read) ?? 0) + (Usage.outputTokens(read) ?? 0))
    return sum
  }

  it("is the vendor's total", () => {
    fc.assert(fc.property(withPart, withPart, count, count, (input, output, written, beside) => {
      assert.strictEqual(
        sumOf(Usage.fromOpenAiChat({
          prompt_tokens: input.whole,
          prompt_tokens_details: { cached_tokens: input.part },
          completion_tokens: output.whole,
          completion_tokens_details: { reasoning_tokens: output.part },
          total_tokens: input.whole + output.whole
        })),
        input.whole + output.whole
      )
      assert.strictEqual(
        sumOf(Usage.fromOpenAiResponses({
          input_tokens: input.whole,
          input_tokens_details: { cached_tokens: input.part },
          output_tokens: output.whole,
          output_tokens_details: { image_tokens: output.part },
          total_tokens: input.whole + output.whole
        })),
        input.whole + output.whole
      )
      assert.strictEqual(
        sumOf(Usage.fromAnthropic({
          input_tokens: input.whole,
          cache_read_input_tokens: beside,
          cache_creation_input_tokens: output.whole,
          cache_creation: output.part === undefined ? null : {
            ephemeral_5m_input_tokens: output.whole - output.part,
            ephemeral_1h_input_tokens: output.part
          },
          output_tokens: written
        })),
        input.whole + beside + output.whole + written
      )
      const total = input.whole + beside + output.whole + written
      assert.strictEqual(
        sumOf(Usage.fromGemini({
          promptTokenCount: input.whole,
          cachedContentTokenCount: input.part,
          toolUsePromptTokenCount: beside,
          candidatesTokenCount: output.whole,
          candidatesTokensDetails: output.part === undefined ? null : [{ modality: "AUDIO", tokenCount: output.part }],
          thoughtsTokenCount: written,
          totalTokenCount: total
        })),
        total
      )
      assert.strictEqual(
        sumOf(Usage.fromBedrock({
          inputTokens: input.whole,
          outputTokens: output.whole,
          cacheReadInputTokens: beside,
          cacheWriteInputTokens: written,
          totalTokens: total
        })),
        total
      )
    }))
  })
})
