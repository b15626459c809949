/** Token figures of the conventions: `input_tokens` includes the caches, `output_tokens` the reasoning. */
import * as Either from "effect/Either"
import { make, type Usage } from "../../Usage.ts"
import type { Bag } from "./bag.ts"
import { type Name, names } from "./names.ts"

/** @returns the usage, `undefined` if there are no figures, or a message that says what is wrong with them */
export const usageOf = (bag: Bag): Either.Either<Usage | undefined, string> => {
  const figures = Object.fromEntries(tokenNames.map((name) => [name, bag.number(name)])) as Figures
  if (Object.values(figures).every((figure) => figure === undefined)) return Either.right(undefined)
  const { audioCacheReadTokens, cacheReadTokens, cacheWriteTokens, inputTokens, outputTokens } = figures
  // a usage does not tell cached images apart from other cached input
  const audio = without("audioInputTokens", figures.audioInputTokens, audioCacheReadTokens)
  const image = without("imageInputTokens", figures.imageInputTokens, figures.imageCacheReadTokens)
  const uncached = without("inputTokens", inputTokens, cacheReadTokens, cacheWriteTokens)
  return Either.flatMap(
    Either.all({ audio, image, uncached }),
    ({ audio, image, uncached }) =>
      Either.mapLeft(
        make({
          uncachedInputTokens: uncached,
          cacheReadTokens,
          cacheWriteTokens,
          outputTokens,
          audioInputTokens: audio,
          imageInputTokens: image,
          audioCacheReadTokens,
          reasoningTokens: figures.reasoningTokens,
          audioOutputTokens: figures.audioOutputTokens,
          imageOutputTokens: figures.imageOutputTokens
        }),
        ({ message }) => message
      )
  )
}

// internal

const tokenNames = [
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
  "audioInputTokens",
  "audioCacheReadTokens",
  "imageInputTokens",
  "imageCacheReadTokens",
  "audioOutputTokens",
  "imageOutputTokens"
] as const satisfies ReadonlyArray<Name>

type Figures = { readonly [Each in typeof tokenNames[number]]: number | undefined }

/**
 * Subtracts the cached parts from a figure. An instrumentation that does not include cached tokens in the input is
 * detected only if they are more than the input.
 */
const without = (
  name: Name,
  whole: number | undefined,
  ...parts: ReadonlyArray<number | undefined>
): Either.Either<number | undefined, string> => {
  if (whole === undefined) return Either.right(undefined)
  const sum = parts.reduce<number>((sum, part) => sum + (part ?? 0), 0)
  return sum > whole
    ? Either.left(
      `${names[name][0]} is ${whole}; expected it to include the ${sum} that were read from or written to a cache`
    )
    : Either.right(whole - sum)
}
