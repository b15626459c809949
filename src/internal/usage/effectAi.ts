/** The figures of `@effect/ai`, which passes on those of each vendor unchanged. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { count, type Figures, known, reader, remainder, sumOf } from "./reading.ts"
import type { Usage, UsageError } from "./usage.ts"

/**
 * The packages of `@effect/ai` that call a vendor.
 *
 * @since 0.1.0
 * @category models
 */
export type EffectAiProvider = "openai" | "anthropic" | "amazon-bedrock" | "google" | "openrouter"

/**
 * `usage` of a response of `@effect/ai`. Whether `inputTokens` includes `cachedInputTokens`, and `outputTokens` the
 * reasoning, depends on the vendor, so `provider` names the package that made the response.
 *
 * `@effect/ai` does not pass on the tokens written to a cache. Where a vendor bills them, as Anthropic does, take the
 * vendor's own figures from the response's metadata instead.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromEffectAi = (usage: unknown, provider: EffectAiProvider): Either.Either<Usage, UsageError> =>
  readers[provider](usage)

// internal

const shape = Schema.Struct({
  inputTokens: count,
  outputTokens: count,
  reasoningTokens: count,
  cachedInputTokens: count
})

const readerOf = (counts: { readonly cache: "within" | "beside"; readonly reasoning: "within" | "beside" }) =>
  reader("@effect/ai", "response.usage", shape, (usage): Figures =>
    Either.map(
      counts.cache === "beside"
        ? Either.right(known(usage.inputTokens))
        : remainder("inputTokens", usage.inputTokens, { cachedInputTokens: usage.cachedInputTokens }),
      (uncachedInputTokens) => ({
        uncachedInputTokens,
        cacheReadTokens: known(usage.cachedInputTokens),
        outputTokens: counts.reasoning === "beside" && known(usage.outputTokens) !== undefined
          ? sumOf([usage.outputTokens, usage.reasoningTokens])
          : known(usage.outputTokens),
        reasoningTokens: known(usage.reasoningTokens)
      })
    ))

const readers: { readonly [Name in EffectAiProvider]: (usage: unknown) => Either.Either<Usage, UsageError> } = {
  openai: readerOf({ cache: "within", reasoning: "within" }),
  openrouter: readerOf({ cache: "within", reasoning: "within" }),
  anthropic: readerOf({ cache: "beside", reasoning: "within" }),
  "amazon-bedrock": readerOf({ cache: "beside", reasoning: "within" }),
  google: readerOf({ cache: "within", reasoning: "beside" })
}
