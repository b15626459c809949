/**
 * What a model call consumed and what it cost, in a form in which nothing can be counted twice.
 *
 * Vendors count in different ways: OpenAI's `prompt_tokens` include cached input, Anthropic's `input_tokens` do not.
 * There is one constructor for each of these shapes, and the usage that it returns always has the same meaning. An
 * unknown figure is `undefined`, never 0, and an unknown cost is `undefined`, never 0.
 *
 * @example
 * ```ts
 * import { Usage } from "effect-observability"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   // as the vendor's response has it; a wrong figure is a `UsageError` that says what is wrong
 *   const usage = yield* Usage.fromAnthropic({
 *     input_tokens: 21,
 *     cache_read_input_tokens: 188_086,
 *     cache_creation_input_tokens: 456,
 *     output_tokens: 393
 *   })
 *   yield* Effect.log(Usage.inputTokens(usage)) // 188563
 * })
 *
 * Effect.runPromise(program)
 * ```
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { make, type Usage, UsageError } from "./internal/usage/usage.ts"

export { fromAnthropic } from "./internal/usage/anthropic.ts"
export { fromBedrock } from "./internal/usage/bedrock.ts"
export { fromCohere } from "./internal/usage/cohere.ts"
export { type EffectAiProvider, fromEffectAi } from "./internal/usage/effectAi.ts"
export { fromGemini } from "./internal/usage/gemini.ts"
export { fromOpenAiChat, fromOpenAiResponses } from "./internal/usage/openAi.ts"
export { type Bucket, type Split, split } from "./internal/usage/split.ts"
export { make, type Usage, UsageError } from "./internal/usage/usage.ts"

/**
 * From the plain figures that most programs have at hand: all tokens of the prompt and all of the completion.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromPromptAndCompletion = (tokens: {
  /** Tokens of the prompt, none of them cached. */
  readonly promptTokens?: number | undefined
  /** Tokens of the completion. */
  readonly completionTokens?: number | undefined
}): Either.Either<Usage, UsageError> =>
  make({ uncachedInputTokens: tokens.promptTokens, outputTokens: tokens.completionTokens })

/**
 * All input tokens, cached or not: `gen_ai.usage.input_tokens` of the GenAI conventions. `undefined` when no input
 * bucket is known.
 *
 * @since 0.1.0
 * @category getters
 */
export const inputTokens = (usage: Usage): number | undefined =>
  sumOfKnown(sumOfKnown(usage.uncachedInputTokens, usage.cacheReadTokens), usage.cacheWriteTokens)

/**
 * All output tokens, reasoning, audio and images included: `gen_ai.usage.output_tokens` of the GenAI conventions.
 *
 * @since 0.1.0
 * @category getters
 */
export const outputTokens = (usage: Usage): number | undefined => usage.outputTokens

/**
 * The sum of two figures of which either may be unknown; unknown only when both are.
 *
 * @since 0.1.0
 * @category combining
 */
export const sumOfKnown = (left: number | undefined, right: number | undefined): number | undefined =>
  left === undefined ? right : right === undefined ? left : left + right

/**
 * An amount of US dollars in any form that a caller may have: a decimal, its text, or a number.
 *
 * @since 0.1.0
 * @category models
 */
export type CostInput = BigDecimal.BigDecimal | string | number

/**
 * Reads an amount of US dollars as an exact decimal of zero or more. A number is read as it is printed (`0.1` is one
 * tenth), so no binary fraction ever enters a sum.
 *
 * @since 0.1.0
 * @category constructors
 */
export const costFrom = (input: CostInput): Either.Either<BigDecimal.BigDecimal, UsageError> => {
  const text = BigDecimal.isBigDecimal(input) ? undefined : String(input).trim()
  const amount = text === undefined
    ? Option.some(input as BigDecimal.BigDecimal)
    // an empty text would be read as 0, and a cost of 0 is a claim
    : text === "" || text.length > maxCostDigits
    ? Option.none()
    : BigDecimal.fromString(text)
  return Option.isSome(amount) && !BigDecimal.isNegative(amount.value) && isSummable(amount.value)
    ? Either.right(BigDecimal.normalize(amount.value))
    : Either.left(
      new UsageError({
        message: `a cost of ${(text ?? String(input)).slice(0, 100)} US dollars; expected a decimal of zero or more`
      })
    )
}

// internal

const maxCostDigits = 1_000

/** A sum writes out all digits between the largest and the smallest: `1e100000000` would take seconds of CPU time. */
const isSummable = ({ scale, value }: BigDecimal.BigDecimal): boolean =>
  Math.abs(scale) <= maxCostDigits && value < maxCostValue

const maxCostValue = 10n ** BigInt(maxCostDigits)
