/** What a model call consumed, and the rules that keep its figures from contradicting each other. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/**
 * Tokens of one call; `undefined` where the vendor did not say.
 *
 * Four kinds of input and the output are **disjoint**: no token is in two of them, and together they are all that the
 * call consumed. The other figures are **parts**: each says how much of one of these five is billed at a price of its
 * own, and never adds to a sum.
 *
 * @since 0.1.0
 * @category models
 */
export interface Usage {
  /** Input tokens that no cache had anything to do with. */
  readonly uncachedInputTokens: number | undefined
  /** Input tokens read from the vendor's cache. */
  readonly cacheReadTokens: number | undefined
  /** Input tokens written to the vendor's cache, for whatever lifetime. */
  readonly cacheWriteTokens: number | undefined
  /** All output tokens: text, reasoning, audio and images. */
  readonly outputTokens: number | undefined
  /** The part of the uncached input that was audio. */
  readonly audioInputTokens: number | undefined
  /** The part of the uncached input that was images, where the vendor bills them apart. */
  readonly imageInputTokens: number | undefined
  /** The part of the cache reads that was audio. */
  readonly audioCacheReadTokens: number | undefined
  /** The part of the cache writes that is kept for the longer lifetime a vendor offers: one hour at Anthropic. */
  readonly longCacheWriteTokens: number | undefined
  /** The part of the output that was reasoning. */
  readonly reasoningTokens: number | undefined
  /** The part of the output that was audio. */
  readonly audioOutputTokens: number | undefined
  /** The part of the output that was images. */
  readonly imageOutputTokens: number | undefined
}

/**
 * A figure that is no whole number of zero or more, that contradicts another one, or that is not there at all.
 *
 * @since 0.1.0
 * @category errors
 */
export class UsageError extends Schema.TaggedError<UsageError>("effect-observability/Usage/UsageError")("UsageError", {
  /** What is wrong and what is expected. */
  message: Schema.String
}) {}

/**
 * Validates the figures: each a whole number of zero or more, and no parts that are more than the whole they are in.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (figures: Partial<Usage>): Either.Either<Usage, UsageError> => {
  for (const name of names) {
    const count = figures[name]
    if (count !== undefined && !(Number.isSafeInteger(count) && count >= 0)) {
      return Either.left(
        new UsageError({ message: `${name} is ${printed(count)}; expected a whole number of zero or more` })
      )
    }
  }
  for (const [whole, parts] of wholes) {
    const most = figures[whole]
    if (most === undefined) continue
    const sum = parts.reduce((sum, part) => sum + (figures[part] ?? 0), 0)
    if (sum > most) {
      const found = parts.filter((part) => figures[part] !== undefined)
      return Either.left(
        new UsageError({
          message:
            `${found.join(" and ")} ${found.length === 1 ? "is" : "are"} ${sum}, more than the ${most} ${whole} ` +
            `that include ${found.length === 1 ? "it" : "them"}`
        })
      )
    }
  }
  return Either.right(new ValidUsage(figures))
}

// internal

/** By a constructor and not as a literal: docs/decisions/0010. */
class ValidUsage implements Usage {
  readonly uncachedInputTokens: number | undefined
  readonly cacheReadTokens: number | undefined
  readonly cacheWriteTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly audioInputTokens: number | undefined
  readonly imageInputTokens: number | undefined
  readonly audioCacheReadTokens: number | undefined
  readonly longCacheWriteTokens: number | undefined
  readonly reasoningTokens: number | undefined
  readonly audioOutputTokens: number | undefined
  readonly imageOutputTokens: number | undefined

  constructor(figures: Partial<Usage>) {
    this.uncachedInputTokens = figures.uncachedInputTokens
    this.cacheReadTokens = figures.cacheReadTokens
    this.cacheWriteTokens = figures.cacheWriteTokens
    this.outputTokens = figures.outputTokens
    this.audioInputTokens = figures.audioInputTokens
    this.imageInputTokens = figures.imageInputTokens
    this.audioCacheReadTokens = figures.audioCacheReadTokens
    this.longCacheWriteTokens = figures.longCacheWriteTokens
    this.reasoningTokens = figures.reasoningTokens
    this.audioOutputTokens = figures.audioOutputTokens
    this.imageOutputTokens = figures.imageOutputTokens
  }
}

const wholes: ReadonlyArray<readonly [whole: keyof Usage, parts: ReadonlyArray<keyof Usage>]> = [
  ["uncachedInputTokens", ["audioInputTokens", "imageInputTokens"]],
  ["cacheReadTokens", ["audioCacheReadTokens"]],
  ["cacheWriteTokens", ["longCacheWriteTokens"]],
  ["outputTokens", ["reasoningTokens", "audioOutputTokens", "imageOutputTokens"]]
]

const names = wholes.flatMap(([whole, parts]) => [whole, ...parts])

/** What comes from outside may be anything, also what cannot be turned into text. */
const printed = (value: unknown): string => {
  try {
    return String(value).slice(0, 100)
  } catch {
    return typeof value
  }
}
