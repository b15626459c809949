/** A usage as it is billed: each token once, in the bucket that has its price. */
import type { Usage } from "./usage.ts"

/**
 * The buckets that vendors have prices for. Reasoning is billed as the output that it is part of.
 *
 * @since 0.1.0
 * @category models
 */
export type Bucket =
  | "input"
  | "audioInput"
  | "imageInput"
  | "cacheRead"
  | "audioCacheRead"
  | "cacheWrite"
  | "longCacheWrite"
  | "output"
  | "audioOutput"
  | "imageOutput"

/**
 * Tokens by bucket. All of them are disjoint, so their sum is what the call consumed.
 *
 * @since 0.1.0
 * @category models
 */
export type Split = { readonly [Name in Bucket]: number | undefined }

/**
 * Splits a usage into buckets by subtracting parts from their wholes: `input` is the uncached input without audio and
 * images, and so on.
 *
 * @since 0.1.0
 * @category getters
 */
export const split = (usage: Usage): Split => ({
  input: without(usage.uncachedInputTokens, usage.audioInputTokens, usage.imageInputTokens),
  audioInput: usage.audioInputTokens,
  imageInput: usage.imageInputTokens,
  cacheRead: without(usage.cacheReadTokens, usage.audioCacheReadTokens),
  audioCacheRead: usage.audioCacheReadTokens,
  cacheWrite: without(usage.cacheWriteTokens, usage.longCacheWriteTokens),
  longCacheWrite: usage.longCacheWriteTokens,
  output: without(usage.outputTokens, usage.audioOutputTokens, usage.imageOutputTokens),
  audioOutput: usage.audioOutputTokens,
  imageOutput: usage.imageOutputTokens
})

// internal

const without = (whole: number | undefined, first: number | undefined, second = 0): number | undefined =>
  whole === undefined ? undefined : whole - (first ?? 0) - (second ?? 0)
