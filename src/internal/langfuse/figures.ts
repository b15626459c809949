/** The tokens and cost of a model call, under the names by which Langfuse sums and prices them. */
import * as BigDecimal from "effect/BigDecimal"
import type { ModelCall } from "../../Observation.ts"
import { split, type Usage } from "../../Usage.ts"

type Figures = Readonly<Record<string, number>>

/**
 * The tokens in buckets that do not overlap, because a server sums them all. Every name starts with `input` or
 * `output`, by which the server's pages tell the two apart.
 */
export const usageOf = (usage: Usage | undefined): Figures | undefined => {
  if (usage === undefined) return undefined
  const tokens = split(usage)
  const reasoning = count(usage.reasoningTokens)
  const buckets = known({
    input: atLeastZero(tokens.input),
    input_audio_tokens: count(tokens.audioInput),
    input_image_tokens: count(tokens.imageInput),
    input_cached_tokens: atLeastZero(tokens.cacheRead),
    input_cached_audio_tokens: count(tokens.audioCacheRead),
    input_cache_creation: atLeastZero(tokens.cacheWrite),
    input_cache_creation_1h: count(tokens.longCacheWrite),
    output: tokens.output === undefined ? undefined : atLeastZero(tokens.output - (reasoning ?? 0)),
    output_reasoning_tokens: reasoning,
    output_audio_tokens: count(tokens.audioOutput),
    output_image_tokens: count(tokens.imageOutput)
  })
  return buckets === undefined ? undefined : {
    ...buckets,
    total: Object.values(buckets).reduce((sum, tokens) => sum + tokens, 0)
  }
}

/**
 * The total cost: no other figure is known, and a server derives no total by itself. The decimal becomes a number only
 * here.
 */
export const costOf = (costUsd: BigDecimal.BigDecimal | undefined): Figures | undefined => {
  const total = costUsd === undefined ? undefined : BigDecimal.unsafeToNumber(costUsd)
  return total !== undefined && Number.isFinite(total) && total >= 0 ? { total } : undefined
}

export const parametersOf = (call: ModelCall): Figures | undefined =>
  known({
    temperature: call.temperature !== undefined && Number.isFinite(call.temperature) ? call.temperature : undefined
  })

// internal

const count = (tokens: number | undefined): number | undefined =>
  tokens !== undefined && Number.isSafeInteger(tokens) && tokens >= 0 ? tokens : undefined

/** Turns a negative count, the rest of a whole that is less than its parts, into 0. */
const atLeastZero = (tokens: number | undefined): number | undefined =>
  count(tokens === undefined ? undefined : Math.max(tokens, 0))

const known = (figures: Readonly<Record<string, number | undefined>>): Figures | undefined => {
  const entries = Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
