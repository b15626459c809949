/** What published prices make of documented usages; each expectation is worked out in the comment before it. */
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, FastCheck as fc, Option } from "effect"
import * as Pricing from "../src/Pricing.ts"
import * as Usage from "../src/Usage.ts"
import { usage } from "./observations.ts"

interface Call {
  readonly provider?: string
  readonly model: string
  readonly on: string
  readonly usage: Either.Either<Usage.Usage, Usage.UsageError>
}

const priced = (call: Call, table = Pricing.shipped) =>
  Pricing.costOf(table, {
    provider: call.provider,
    model: call.model,
    usage: Either.getOrThrow(call.usage),
    time: new Date(call.on)
  })

const cost = (call: Call, table = Pricing.shipped): string | undefined =>
  Option.getOrUndefined(Option.map(priced(call, table), ({ costUsd }) => BigDecimal.format(costUsd)))

const table = (prices: ReadonlyArray<Pricing.PriceInput>, options?: { readonly shipped?: boolean }) =>
  Either.getOrThrow(Pricing.make(prices, options))

const own = (fields: Partial<Pricing.PriceInput> = {}): Pricing.PriceInput => ({
  vendor: "acme",
  model: "m",
  validFrom: "2026-01-01",
  source: "a test",
  usdPerMillion: { input: "1", output: "2" },
  ...fields
})

const thousandIn = Usage.fromPromptAndCompletion({ promptTokens: 1_000, completionTokens: 0 })

describe("the cost of a call", () => {
  it("of GPT-4o counts cached input once, at its price, and reasoning within the output", () => {
    // $2.50 input, $1.25 cached, $10 output: 86 * 2.50 + 1,920 * 1.25 + 300 * 10 = 215 + 2,400 + 3,000 = 5,615 millionths
    assert.strictEqual(
      cost({
        provider: "openai",
        model: "gpt-4o-2024-08-06",
        on: "2025-03-01",
        usage: Usage.fromOpenAiChat({
          prompt_tokens: 2006,
          completion_tokens: 300,
          total_tokens: 2306,
          prompt_tokens_details: { cached_tokens: 1920 },
          completion_tokens_details: { reasoning_tokens: 128 }
        })
      }),
      "0.005615"
    )
  })

  it("of o4-mini does not bill its reasoning twice", () => {
    // $1.10 input, $4.40 output: 81 * 1.10 + 1,035 * 4.40 = 89.1 + 4,554 = 4,643.1 millionths
    assert.strictEqual(
      cost({
        model: "o4-mini-2025-04-16",
        on: "2025-09-01",
        usage: Usage.fromOpenAiResponses({
          input_tokens: 81,
          output_tokens: 1035,
          output_tokens_details: { reasoning_tokens: 832 },
          total_tokens: 1116
        })
      }),
      "0.0046431"
    )
  })

  it("of Claude Sonnet 4.5 has cache writes of both lifetimes, and cache reads beside the input", () => {
    // $3 input, $3.75 and $6 cache writes, $0.30 cache reads, $15 output:
    // 2,048 * 3 + 148 * 3.75 + 100 * 6 + 1,800 * 0.30 + 503 * 15
    // = 6,144 + 555 + 600 + 540 + 7,545 = 15,384 millionths
    assert.strictEqual(
      cost({
        provider: "anthropic",
        model: "claude-sonnet-4-5-20250929",
        on: "2026-02-01",
        usage: Usage.fromAnthropic({
          input_tokens: 2048,
          cache_read_input_tokens: 1800,
          cache_creation_input_tokens: 248,
          cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
          output_tokens: 503
        })
      }),
      "0.015384"
    )
  })

  it("of a long prompt is that of its tier for the whole call, and cached input makes a prompt long, too", () => {
    const call = (cached: number): Call => ({
      provider: "gcp.gemini",
      model: "gemini-2.5-pro",
      on: "2026-05-01",
      usage: Usage.fromGemini({
        promptTokenCount: 200_000 + cached,
        cachedContentTokenCount: cached,
        candidatesTokenCount: 1_000,
        thoughtsTokenCount: 500
      })
    })
    // up to 200k: $1.25 input, $10 output: 200,000 * 1.25 + 1,500 * 10 = 250,000 + 15,000
    assert.strictEqual(cost(call(0)), "0.265")
    // above: $2.50 input, $0.25 cached, $15 output: 200,000 * 2.50 + 1 * 0.25 + 1,500 * 15 = 500,000 + 0.25 + 22,500
    assert.strictEqual(cost(call(1)), "0.52250025")
  })

  it("of Claude Haiku 5.5 changes above 100,000 tokens of input", () => {
    const call = (input: number): Call => ({
      model: "claude-haiku-5-5",
      on: "2026-11-01",
      usage: Usage.fromAnthropic({ input_tokens: input, cache_read_input_tokens: 90_000, output_tokens: 1_000 })
    })
    // $0.10 input, $0.01 cache reads, $0.50 output: 10,000 * 0.10 + 90,000 * 0.01 + 1,000 * 0.50 = 1,000 + 900 + 500
    assert.strictEqual(cost(call(10_000)), "0.0024")
    // $0.50, $0.05, $2.50: 10,001 * 0.50 + 90,000 * 0.05 + 1,000 * 2.50 = 5,000.5 + 4,500 + 2,500
    assert.strictEqual(cost(call(10_001)), "0.0120005")
  })

  it("of Gemini 2.5 Flash has audio at its own price, cached or not", () => {
    // $0.30 text, $1 audio, $0.03 cached text, $0.10 cached audio, $2.50 output:
    // 450 - 200 = 250 * 0.30 + 200 * 1 + 500 * 0.03 + 100 * 0.10 + 500 * 2.50 = 75 + 200 + 15 + 10 + 1,250
    assert.strictEqual(
      cost({
        model: "models/gemini-2.5-flash",
        on: "2026-05-01",
        usage: Usage.fromGemini({
          promptTokenCount: 1000,
          cachedContentTokenCount: 600,
          toolUsePromptTokenCount: 50,
          candidatesTokenCount: 200,
          thoughtsTokenCount: 300,
          promptTokensDetails: [{ modality: "AUDIO", tokenCount: 300 }],
          cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 100 }]
        })
      }),
      "0.00155"
    )
  })

  it("of an embedding needs no output", () => {
    // $0.02: 8 * 0.02 = 0.16 millionths
    assert.strictEqual(
      cost({ model: "text-embedding-3-small", on: "2026-01-01", usage: Usage.fromOpenAiChat({ prompt_tokens: 8 }) }),
      "0.00000016"
    )
  })

  it("on Amazon Bedrock is Anthropic's own globally, and 10 % more within a region, since Sonnet 4.5", () => {
    const call = (model: string): Call => ({
      provider: "aws.bedrock",
      model,
      on: "2026-02-01",
      usage: Usage.fromBedrock({ inputTokens: 1_000, outputTokens: 100 })
    })
    // 1,000 * 3 + 100 * 15 = 4,500 millionths
    assert.strictEqual(cost(call("global.anthropic.claude-sonnet-4-5-20250929-v1:0")), "0.0045")
    assert.strictEqual(cost(call("us.anthropic.claude-sonnet-4-5-20250929-v1:0")), "0.00495")
    assert.strictEqual(cost(call("anthropic.claude-sonnet-4-5-20250929-v1:0")), "0.00495")
    assert.strictEqual(cost(call("eu.anthropic.claude-sonnet-4-20250514-v1:0")), "0.0045")
  })

  it("is exact, however many tokens there are, and whatever they cost", () => {
    const rates = (largest: bigint, decimals: number) =>
      fc.record({ value: fc.bigInt(0n, largest), scale: fc.nat(decimals) })
    const usual = [fc.nat(100), rates(100n, 3)] as const
    const any = [fc.maxSafeNat(), rates(10n ** 25n, 30)] as const
    const calls = fc.oneof(fc.tuple(...usual, ...usual), fc.tuple(...any, ...any))
    fc.assert(
      fc.property(calls, ([input, inputRate, output, outputRate]) => {
        const found = priced(
          {
            model: "m",
            on: "2026-02-01",
            usage: Usage.make({ uncachedInputTokens: input, outputTokens: output })
          },
          table([own({
            usdPerMillion: {
              input: BigDecimal.make(inputRate.value, inputRate.scale),
              output: BigDecimal.make(outputRate.value, outputRate.scale)
            }
          })])
        )
        const dollars = (tokens: number, { scale, value }: { readonly scale: number; readonly value: bigint }) =>
          BigInt(tokens) * value * 10n ** BigInt(30 - scale)
        const { costUsd } = Option.getOrThrow(found)
        const { scale, value } = BigDecimal.normalize(
          BigDecimal.make(dollars(input, inputRate) + dollars(output, outputRate), 36)
        )
        assert.deepStrictEqual([costUsd.value, costUsd.scale], [value, scale])
      }),
      { examples: [[[0, { value: 25n, scale: 1 }, 0, { value: 1n, scale: 0 }]]] }
    )
  })
})

describe("no cost, rather than a wrong one", () => {
  const call = (figures: Partial<Usage.Usage>, model = "m"): Call => ({
    model,
    on: "2026-02-01",
    usage: Usage.make(figures)
  })

  it("where the model is not known, and where a deployment only has its name", () => {
    assert.strictEqual(cost({ model: "gpt-99", on: "2026-02-01", usage: thousandIn }), undefined)
    assert.strictEqual(
      cost({ provider: "azure.ai.openai", model: "gpt-4o", on: "2026-02-01", usage: thousandIn }),
      undefined
    )
    // another one's prices are not those of OpenAI, though it runs the same model
    assert.strictEqual(
      cost({ provider: "groq", model: "openai/gpt-5", on: "2026-02-01", usage: thousandIn }),
      undefined
    )
  })

  it("where a bucket that was used has no price, and not where it was not used", () => {
    const prices = table([own()])
    assert.strictEqual(cost(call({ uncachedInputTokens: 10, cacheReadTokens: 1, outputTokens: 1 }), prices), undefined)
    assert.strictEqual(cost(call({ uncachedInputTokens: 10, cacheReadTokens: 0, outputTokens: 1 }), prices), "0.000012")
    assert.strictEqual(cost(call({ uncachedInputTokens: 10, audioInputTokens: 1, outputTokens: 1 }), prices), undefined)
  })

  it("where the vendor did not say how much went in, or came out", () => {
    const prices = table([own()])
    for (
      const figures of [{}, { outputTokens: 5 }, { uncachedInputTokens: 5 }, { cacheReadTokens: 0, outputTokens: 5 }]
    ) {
      assert.strictEqual(cost(call(figures), prices), undefined)
    }
  })

  it("before the first day of a price, and from its last on", () => {
    const prices = table([own({ validFrom: "2026-02-02", validUntil: "2026-02-04" })], { shipped: false })
    const on = (time: string) => cost({ model: "m", on: time, usage: thousandIn }, prices)
    assert.deepStrictEqual(
      ["2026-02-01T23:59:59.999Z", "2026-02-02T00:00:00Z", "2026-02-03T23:59:59.999Z", "2026-02-04T00:00:00Z"].map(on),
      [undefined, "0.001", "0.001", undefined]
    )
  })

  it("where vendors ask different prices and the call does not say whose it is", () => {
    const prices = table([own(), own({ vendor: "globex", usdPerMillion: { input: "9", output: "9" } })])
    assert.strictEqual(cost({ model: "m", on: "2026-02-01", usage: thousandIn }, prices), undefined)
    assert.strictEqual(cost({ provider: "globex", model: "m", on: "2026-02-01", usage: thousandIn }, prices), "0.009")
  })
})

describe("which price is used", () => {
  const idOf = (call: Omit<Call, "usage">, prices = Pricing.shipped) =>
    Option.getOrUndefined(
      Option.map(priced({ ...call, usage: thousandIn }, prices), ({ price }) => price.id.split("#")[0])
    )

  it("that of the exact name before that of the model's own", () => {
    const on = "2026-02-01"
    assert.strictEqual(idOf({ model: "gpt-4o-2024-05-13", on }), "openai/gpt-4o-2024-05-13@2024-05-13")
    for (const model of ["gpt-4o", "gpt-4o-2024-11-20", "openai/gpt-4o", "openai/gpt-4o-2024-08-06", "gpt-4o-latest"]) {
      assert.strictEqual(idOf({ model, on }), "openai/gpt-4o@2024-10-02", model)
    }
    for (const model of ["claude-sonnet-4-20250514", "claude-sonnet-4@20250514", "anthropic/claude-sonnet-4"]) {
      assert.strictEqual(idOf({ model, on }), "anthropic/claude-sonnet-4@2025-05-22", model)
    }
    // neither a longer name nor a shorter one
    for (const model of ["gpt-4o-mini-2", "my-gpt-4o", "gpt-4", "GPT-4O", "gpt-4o-2024-8-6", ""]) {
      assert.strictEqual(idOf({ model, on }), undefined, model)
    }
  })

  it("that of the day on which the call began", () => {
    assert.strictEqual(idOf({ model: "o3", on: "2025-06-09T23:59:59Z" }), "openai/o3@2025-04-16")
    assert.strictEqual(idOf({ model: "o3", on: "2025-06-10T00:00:00Z" }), "openai/o3@2025-06-10")
  })

  it("the program's own before the shipped, which remain for everything else", () => {
    const prices = table([own({ vendor: "openai", model: "gpt-4o", validFrom: "2024-06-01" })])
    assert.strictEqual(idOf({ model: "gpt-4o-2024-05-13", on: "2026-02-01" }, prices), "openai/gpt-4o@2024-06-01")
    assert.strictEqual(idOf({ model: "gpt-5", on: "2026-02-01" }, prices), "openai/gpt-5@2025-08-07")
    const alone = table([own()], { shipped: false })
    assert.strictEqual(idOf({ model: "gpt-5", on: "2026-02-01" }, alone), undefined)
    assert.strictEqual(Pricing.empty.prices.length, 0)
  })
})

describe("make", () => {
  it("refuses a price that cannot be meant, and says which and why", () => {
    const refused: ReadonlyArray<readonly [Partial<Pricing.PriceInput>, string]> = [
      [{ validFrom: "2026-02-30" }, "validFrom is 2026-02-30"],
      [{ validFrom: "yesterday" }, "validFrom is yesterday"],
      [{ validUntil: "2025-12-31" }, "validUntil is 2025-12-31"],
      [{ model: " m" }, "model is"],
      [{ vendor: "" }, "vendor is"],
      [{ aboveInputTokens: -1 }, "aboveInputTokens is -1"],
      [{ usdPerMillion: { input: "free" } }, "usdPerMillion.input"],
      [{ usdPerMillion: { input: 1, output: -1 } }, "usdPerMillion.output"]
    ]
    for (const [fields, sentence] of refused) {
      const made = Pricing.make([own(fields)])
      if (Either.isRight(made)) return assert.fail(`accepted ${JSON.stringify(fields)}`)
      assert.strictEqual(made.left._tag, "PricingError")
      assert.include(made.left.message, sentence)
    }
    const twice = Either.flip(Pricing.make([own(), own({ usdPerMillion: { input: "5" } })]))
    assert.include(Either.getOrThrow(twice).message, "another price for the same calls")
  })

  it("gives the same price the same id, and another one another", () => {
    const id = (fields: Partial<Pricing.PriceInput>) => table([own(fields)]).prices[0]!.id
    assert.strictEqual(id({ usdPerMillion: { input: "1.0", output: 2 } }), id({}))
    const others = [
      id({}),
      id({ usdPerMillion: { input: "1", output: "2", cacheRead: "0" } }),
      id({ usdPerMillion: { input: "1", output: "3" } }),
      id({ aboveInputTokens: 5 }),
      id({ validUntil: "2027-01-01" })
    ]
    assert.strictEqual(new Set(others).size, others.length)
  })
})

describe("the shipped prices", () => {
  const { prices } = Pricing.shipped

  it("are all there, each of them once, with the page it was taken from", () => {
    // one that cannot be meant would be left out without a word
    assert.isAtLeast(prices.length, 110)
    assert.strictEqual(new Set(prices.map(({ id }) => id)).size, prices.length)
    for (const { isShipped, source } of prices) {
      assert.isTrue(isShipped)
      assert.match(source, /^https:\/\//)
    }
  })

  it("have a price for every call where they have one for long prompts", () => {
    for (const tier of prices.filter(({ aboveInputTokens }) => aboveInputTokens > 0)) {
      const base = prices.filter((price) =>
        price.vendor === tier.vendor && price.model === tier.model && price.aboveInputTokens === 0 &&
        price.validFromUnixMicros <= tier.validFromUnixMicros
      )
      assert.isAbove(base.length, 0, tier.id)
    }
  })

  it("stand in the order that all vendors ask: cache reads below input below output, and long writes dearest", () => {
    for (const { id, usdPerMillion: rates } of prices) {
      const rising = [rates.cacheRead, rates.input, rates.cacheWrite, rates.longCacheWrite].filter((rate) =>
        rate !== undefined
      )
      for (let at = 1; at < rising.length; at++) assert.isTrue(BigDecimal.lessThan(rising[at - 1]!, rising[at]!), id)
      if (rates.output !== undefined) assert.isTrue(BigDecimal.lessThan(rates.input!, rates.output), id)
    }
  })

  it("have each of Anthropic's models since Sonnet 4.5 on Amazon Bedrock, too, where regions cost more", () => {
    const since = Date.parse("2025-09-29") * 1_000
    for (
      const price of prices.filter(({ validFromUnixMicros, vendor }) =>
        vendor === "anthropic" && validFromUnixMicros >= since
      )
    ) {
      const models = prices.filter(({ vendor, validFromUnixMicros }) =>
        vendor === "aws.bedrock" && validFromUnixMicros === price.validFromUnixMicros
      ).map(({ model }) => model)
      assert.includeMembers(models, [`anthropic.${price.model}`, `global.anthropic.${price.model}`])
    }
  })
})

describe("namesOf", () => {
  it("is total, starts with the name itself, and repeats none", () => {
    fc.assert(fc.property(fc.string(), (model) => {
      const names = Pricing.namesOf(model)
      assert.strictEqual(names[0], model)
      assert.strictEqual(new Set(names).size, names.length)
    }))
    assert.deepStrictEqual(Pricing.namesOf("gpt-4o"), ["gpt-4o"])
  })
})

it("a usage without any figure costs nothing that is known", () => {
  assert.isTrue(Option.isNone(
    Pricing.costOf(Pricing.shipped, { model: "gpt-4o", usage: usage(), time: new Date("2026-02-01") })
  ))
})
