import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Either, FastCheck as fc } from "effect"
import * as Usage from "../src/Usage.ts"

const count = fc.option(fc.integer({ min: 0, max: 2 ** 40 }), { nil: undefined })

const parts = {
  audioInputTokens: "uncachedInputTokens",
  imageInputTokens: "uncachedInputTokens",
  audioCacheReadTokens: "cacheReadTokens",
  longCacheWriteTokens: "cacheWriteTokens",
  reasoningTokens: "outputTokens",
  audioOutputTokens: "outputTokens",
  imageOutputTokens: "outputTokens"
} as const

const names = [
  "uncachedInputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "outputTokens",
  ...(Object.keys(parts) as Array<keyof typeof parts>)
] as const

describe("make", () => {
  it("keeps every figure as it was given, and what was not given stays unknown", () => {
    fc.assert(fc.property(fc.constantFrom(...names), count, (name, tokens) => {
      const expected = { ...Object.fromEntries(names.map((each) => [each, undefined])), [name]: tokens }
      assert.deepStrictEqual<unknown>(Either.getOrThrow(Usage.make({ [name]: tokens })), expected)
    }))
  })

  it("refuses what is no whole number of zero or more, and names the bucket", () => {
    for (const name of names) {
      for (const bad of [-1, 0.5, NaN, Infinity, -Infinity, 2 ** 53, "7", null, {}]) {
        const made = Usage.make({ [name]: bad } as Partial<Usage.Usage>)
        if (Either.isRight(made)) return assert.fail(`accepted ${name} ${String(bad)}`)
        assert.strictEqual(made.left._tag, "UsageError")
        assert.include(made.left.message, `${name} is ${String(bad)}`)
      }
      assert.isTrue(Either.isRight(Usage.make({ [name]: 0 })))
    }
  })

  it("refuses a part, and parts together, that are more than their whole, and lets either be unknown", () => {
    for (const [part, whole] of Object.entries(parts)) {
      const refused = Either.getOrThrow(Either.flip(Usage.make({ [whole]: 5, [part]: 6 })))
      assert.strictEqual(refused.message, `${part} is 6, more than the 5 ${whole} that include it`)
      assert.isTrue(Either.isRight(Usage.make({ [whole]: 5, [part]: 5 })), part)
      assert.isTrue(Either.isRight(Usage.make({ [part]: 6 })), part)
    }
    const made = Usage.make({ outputTokens: 5, reasoningTokens: 3, audioOutputTokens: 3 })
    assert.strictEqual(
      Either.getOrThrow(Either.flip(made)).message,
      "reasoningTokens and audioOutputTokens are 6, more than the 5 outputTokens that include them"
    )
  })
})

describe("fromPromptAndCompletion", () => {
  it("takes the prompt as uncached input and the completion as output, and validates both", () => {
    const usage = Either.getOrThrow(Usage.fromPromptAndCompletion({ promptTokens: 12, completionTokens: 3 }))
    assert.strictEqual(usage.uncachedInputTokens, 12)
    assert.strictEqual(usage.outputTokens, 3)
    assert.strictEqual(usage.cacheReadTokens, undefined)
    assert.strictEqual(Either.getOrThrow(Usage.fromPromptAndCompletion({})).outputTokens, undefined)
    assert.isTrue(Either.isLeft(Usage.fromPromptAndCompletion({ promptTokens: -1 })))
    assert.isTrue(Either.isLeft(Usage.fromPromptAndCompletion({ completionTokens: 1.5 })))
  })
})

describe("inputTokens", () => {
  it("is the sum of the input buckets that are known, and unknown when none is", () => {
    fc.assert(fc.property(fc.tuple(count, count, count), ([uncached, read, write]) => {
      const usage = Either.getOrThrow(
        Usage.make({ uncachedInputTokens: uncached, cacheReadTokens: read, cacheWriteTokens: write, outputTokens: 9 })
      )
      const known = [uncached, read, write].filter((tokens) => tokens !== undefined)
      assert.strictEqual(
        Usage.inputTokens(usage),
        known.length === 0 ? undefined : known.reduce((sum, tokens) => sum + tokens, 0)
      )
    }))
  })
})

describe("costFrom", () => {
  const read = (input: Usage.CostInput) => Either.getOrThrow(Usage.costFrom(input))

  it("reads a number as it is printed, so that sums are exact", () => {
    const sum = [0.1, 0.2, 0.3].map(read).reduce((left, right) => BigDecimal.sum(left, right))
    assert.strictEqual(BigDecimal.format(sum), "0.6")
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 0, max: 12 }), (digits, places) => {
      const text = BigDecimal.format(BigDecimal.make(BigInt(digits), places))
      assert.isTrue(BigDecimal.equals(read(text), BigDecimal.make(BigInt(digits), places)))
    }))
  })

  it("reads every finite number of zero or more, however it is printed", () => {
    fc.assert(fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (amount) => {
      assert.strictEqual(BigDecimal.unsafeToNumber(read(amount)), amount === 0 ? 0 : amount)
    }))
    assert.strictEqual(BigDecimal.format(read(1e-7)), "0.0000001")
  })

  it("takes a decimal as it is, and text with white space around it", () => {
    assert.isTrue(BigDecimal.equals(read(BigDecimal.unsafeFromString("1.250")), BigDecimal.unsafeFromString("1.25")))
    assert.strictEqual(BigDecimal.format(read(" 0.25\n")), "0.25")
    assert.isTrue(BigDecimal.isZero(read("0")))
    assert.isTrue(BigDecimal.isZero(read(-0)))
  })

  it("refuses what is negative, not finite or no decimal: an unknown cost is never 0", () => {
    const bad = [-1, NaN, Infinity, "", "  ", "-0.01", "free", "1,5", "$1", "0x10", "0b1", "1_000", "1 2", "1.", "."]
    for (const input of [...bad, BigDecimal.unsafeFromString("-1")]) {
      const cost = Usage.costFrom(input)
      if (Either.isRight(cost)) {
        assert.include([1], BigDecimal.unsafeToNumber(cost.right), `accepted ${String(input)}`)
        assert.strictEqual(input, "1.", `accepted ${String(input)}`)
      } else {
        assert.strictEqual(cost.left._tag, "UsageError")
        assert.include(cost.left.message, "expected a decimal of zero or more")
      }
    }
  })
})
