/** What a model call consumed, and the rules that keep its figures from contradicting each other. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"

/**
 * Tokens of one call; `undefined` for a figure that the vendor did not state.
 *
 * Four kinds of input and the output are **disjoint**: no token is in two of them, and together they are all that the
 * call consumed. The other figures are **parts**: each says how much of one of these five is billed at a price of its
 * own, and never adds to a sum.
 *
 * @since 0.1.0
 * @category models
 */
export interface Usage {
  /** Input tokens that were neither read from the vendor's cache nor written to it. */
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
 * Says that a figure is not a whole number of zero or more, that figures contradict each other, or that there are none.
 *
 * @since 0.1.0
 * @category errors
 */
export class UsageError extends Schema.TaggedError<UsageError>("effect-observability/Usage/UsageError")("UsageError", {
  /** What is wrong and what is expected. */
  message: Schema.String
}) {}

/**
 * Validates the figures: each must be a whole number of zero or more, and parts must not be more than their whole.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (figures: Partial<Usage>): Either.Either<Usage, UsageError> => {
  const usage = new ValidUsage(figures)
  return isValid(usage) ? Either.right(usage) : Either.left(new UsageError({ message: problemOf(figures) }))
}

/** Whether any figure is known: a stream without figures does not mean that the call took no tokens. */
export const isKnown = (figures: Partial<Usage>): boolean =>
  (figures.uncachedInputTokens ?? figures.outputTokens ?? figures.cacheReadTokens ?? figures.cacheWriteTokens ??
    figures.audioInputTokens ?? figures.imageInputTokens ?? figures.audioCacheReadTokens ??
    figures.longCacheWriteTokens ?? figures.reasoningTokens ?? figures.audioOutputTokens ??
    figures.imageOutputTokens) !== undefined

// internal

/** Made by a constructor, not as a literal: see docs/decisions/0010. */
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

/** Checks each figure by name, for every logged call: by way of the table below, it took ten times as long, 0.4 µs. */
const isValid = (usage: Usage): boolean =>
  isWholeOf(usage.uncachedInputTokens, usage.audioInputTokens, usage.imageInputTokens, undefined) &&
  isWholeOf(usage.cacheReadTokens, usage.audioCacheReadTokens, undefined, undefined) &&
  isWholeOf(usage.cacheWriteTokens, usage.longCacheWriteTokens, undefined, undefined) &&
  isWholeOf(usage.outputTokens, usage.reasoningTokens, usage.audioOutputTokens, usage.imageOutputTokens)

/** Whether all figures are counts, and the parts are together no more than the whole. */
const isWholeOf = (
  whole: number | undefined,
  first: number | undefined,
  second: number | undefined,
  third: number | undefined
): boolean =>
  isCount(whole) && isCount(first) && isCount(second) && isCount(third) &&
  (whole === undefined || (first ?? 0) + (second ?? 0) + (third ?? 0) <= whole)

const isCount = (figure: number | undefined): boolean =>
  figure === undefined || Number.isSafeInteger(figure) && figure >= 0

/** What is wrong with figures that are not valid. */
const problemOf = (figures: Partial<Usage>): string => {
  const wrong = names.find((name) => !isCount(figures[name]))
  if (wrong !== undefined) return `${wrong} is ${printed(figures[wrong])}; expected a whole number of zero or more`
  const problems = wholes.flatMap(([whole, parts]) => {
    const most = figures[whole]
    const found = parts.filter((part) => figures[part] !== undefined)
    const sum = found.reduce((sum, part) => sum + figures[part]!, 0)
    if (most === undefined || sum <= most) return []
    const [are, them] = found.length === 1 ? ["is", "it"] : ["are", "them"]
    return [`${found.join(" and ")} ${are} ${sum}, more than the ${most} ${whole} that include ${them}`]
  })
  return problems.join("; ")
}

const wholes: ReadonlyArray<readonly [whole: keyof Usage, parts: ReadonlyArray<keyof Usage>]> = [
  ["uncachedInputTokens", ["audioInputTokens", "imageInputTokens"]],
  ["cacheReadTokens", ["audioCacheReadTokens"]],
  ["cacheWriteTokens", ["longCacheWriteTokens"]],
  ["outputTokens", ["reasoningTokens", "audioOutputTokens", "imageOutputTokens"]]
]

const names = wholes.flatMap(([whole, parts]) => [whole, ...parts])

/** Prints a value from outside, which may be one that cannot be converted to text. */
const printed = (value: unknown): string => {
  try {
    return String(value).slice(0, 100)
  } catch {
    return typeof value
  }
}
