/**
 * What a model call consumed and what it cost, in a form in which nothing can be counted twice.
 *
 * The token buckets are disjoint: cached input is not part of `uncachedInputTokens`. An unknown figure is `undefined`,
 * never 0, and an unknown cost is `undefined`, never 0.
 *
 * @since 0.1.0
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/**
 * Tokens of one call, in disjoint buckets; `undefined` where the vendor did not say.
 *
 * @since 0.1.0
 * @category models
 */
export interface Usage {
  /** Input tokens billed at the full price. */
  readonly uncachedInputTokens: number | undefined
  /** Input tokens read from the vendor's cache. */
  readonly cacheReadTokens: number | undefined
  /** Input tokens written to the vendor's cache. */
  readonly cacheWriteTokens: number | undefined
  /** Output tokens, reasoning included. */
  readonly outputTokens: number | undefined
  /** The part of the output that was reasoning. */
  readonly reasoningTokens: number | undefined
}

/**
 * A token count that is no whole number of zero or more, or that contradicts another one.
 *
 * @since 0.1.0
 * @category errors
 */
export class UsageError extends Schema.TaggedError<UsageError>("effect-observability/Usage/UsageError")("UsageError", {
  /** What is wrong and what is expected. */
  message: Schema.String
}) {}

/**
 * Validates the buckets: each a whole number of zero or more, reasoning not more than the output it is part of.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (buckets: Partial<Usage>): Either.Either<Usage, UsageError> => {
  for (const name of bucketNames) {
    const count = buckets[name]
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0)) {
      return Either.left(
        new UsageError({ message: `${name} is ${String(count)}; expected a whole number of zero or more` })
      )
    }
  }
  const { cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens, uncachedInputTokens } = buckets
  if (outputTokens !== undefined && reasoningTokens !== undefined && reasoningTokens > outputTokens) {
    return Either.left(
      new UsageError({
        message: `reasoningTokens is ${reasoningTokens}, more than the ${outputTokens} outputTokens that include it`
      })
    )
  }
  return Either.right({ uncachedInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, reasoningTokens })
}

/**
 * The plain shape most programs have at hand: all of the prompt and all of the completion.
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
 * The sum of two figures of which either may be unknown; unknown only when both are.
 *
 * @since 0.1.0
 * @category combining
 */
export const sumOfKnown = (left: number | undefined, right: number | undefined): number | undefined =>
  left === undefined ? right : right === undefined ? left : left + right

/**
 * An amount of US dollars as a caller has it: a decimal, its text, or a number.
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

/** A sum writes out all digits between the largest and the smallest: `1e100000000` would keep the processor for seconds. */
const isSummable = ({ scale, value }: BigDecimal.BigDecimal): boolean =>
  Math.abs(scale) <= maxCostDigits && value < maxCostValue

const maxCostValue = 10n ** BigInt(maxCostDigits)

const bucketNames = [
  "uncachedInputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "outputTokens",
  "reasoningTokens"
] as const
