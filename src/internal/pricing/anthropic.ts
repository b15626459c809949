/**
 * Prices of Anthropic for the standard tier, and of its models on Amazon Bedrock. Batches, fast mode, US-only inference
 * and tools that are billed per call are not included.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { PriceInput } from "./price.ts"
import { published, type Row } from "./published.ts"

const pricingPage = "https://platform.claude.com/docs/en/about-claude/pricing"

/** Images in a prompt are billed as text. */
const claude = (
  model: string,
  validFrom: string,
  [input, cacheWrite, longCacheWrite, cacheRead, output]: readonly [string, string, string, string, string],
  aboveInputTokens?: number
): Row => ({
  model,
  validFrom,
  aboveInputTokens,
  usdPerMillion: { input, imageInput: input, cacheWrite, longCacheWrite, cacheRead, output }
})

/** Columns as on the page: base input, 5m and 1h cache writes, cache hits, output. */
const untilSonnet4 = [
  claude("claude-3-haiku", "2024-03-13", ["0.25", "0.30", "0.50", "0.03", "1.25"]),
  claude("claude-3-opus", "2024-03-04", ["15", "18.75", "30", "1.50", "75"]),
  claude("claude-3-5-sonnet", "2024-06-20", ["3", "3.75", "6", "0.30", "15"]),
  claude("claude-3-5-haiku", "2024-12-03", ["0.80", "1", "1.60", "0.08", "4"]),
  claude("claude-3-7-sonnet", "2025-02-24", ["3", "3.75", "6", "0.30", "15"]),
  claude("claude-opus-4", "2025-05-22", ["15", "18.75", "30", "1.50", "75"]),
  claude("claude-opus-4-0", "2025-05-22", ["15", "18.75", "30", "1.50", "75"]),
  claude("claude-opus-4-1", "2025-08-05", ["15", "18.75", "30", "1.50", "75"]),
  claude("claude-sonnet-4", "2025-05-22", ["3", "3.75", "6", "0.30", "15"]),
  claude("claude-sonnet-4", "2025-08-12", ["6", "7.50", "12", "0.60", "22.50"], 200_000),
  claude("claude-sonnet-4-0", "2025-05-22", ["3", "3.75", "6", "0.30", "15"]),
  claude("claude-sonnet-4-0", "2025-08-12", ["6", "7.50", "12", "0.60", "22.50"], 200_000)
]

const sinceSonnet45 = [
  claude("claude-sonnet-4-5", "2025-09-29", ["3", "3.75", "6", "0.30", "15"]),
  claude("claude-sonnet-4-5", "2025-09-29", ["6", "7.50", "12", "0.60", "22.50"], 200_000),
  claude("claude-haiku-4-5", "2025-10-15", ["1", "1.25", "2", "0.10", "5"]),
  claude("claude-opus-4-5", "2025-11-24", ["5", "6.25", "10", "0.50", "25"]),
  // from the day on which long prompts were seen to cost nothing extra
  claude("claude-sonnet-4-6", "2026-03-21", ["3", "3.75", "6", "0.30", "15"]),
  claude("claude-opus-4-6", "2026-03-21", ["5", "6.25", "10", "0.50", "25"]),
  // from the day on which the page was read
  claude("claude-opus-4-7", "2026-09-22", ["5", "6.25", "10", "0.50", "25"]),
  claude("claude-opus-4-8", "2026-09-22", ["5", "6.25", "10", "0.50", "25"]),
  claude("claude-sonnet-5", "2026-06-30", ["2", "2.50", "4", "0.20", "10"]),
  claude("claude-opus-5", "2026-07-24", ["5", "6.25", "10", "0.50", "25"]),
  claude("claude-fable-5-1", "2026-09-01", ["10", "12.50", "20", "0.25", "50"]),
  claude("claude-opus-5-5", "2026-09-22", ["4", "5", "8", "0.20", "20"]),
  claude("claude-sonnet-5-5", "2026-09-28", ["2", "2.50", "4", "0.20", "10"]),
  claude("claude-sonnet-5-5", "2026-10-07", ["2", "2.50", "4", "0.10", "10"]),
  claude("claude-haiku-5-5", "2026-10-07", ["0.10", "0.125", "0.20", "0.01", "0.50"]),
  claude("claude-haiku-5-5", "2026-10-07", ["0.50", "0.625", "1", "0.05", "2.50"], 100_000)
]

/**
 * On Amazon Bedrock, since Sonnet 4.5, the global endpoint charges Anthropic's own price, and an endpoint that stays
 * within a region charges 10 % more. For older models, all endpoints charge Anthropic's price, which is found by the
 * model's names.
 */
const onBedrock = ({ model, ...row }: Row): ReadonlyArray<Row> => [
  { ...row, model: `global.anthropic.${model}` },
  {
    ...row,
    model: `anthropic.${model}`,
    usdPerMillion: Object.fromEntries(
      Object.entries(row.usdPerMillion).map(([bucket, rate]) => [bucket, tenPercentMore(String(rate))])
    ) as unknown as Row["usdPerMillion"]
  }
]

const tenPercentMore = (rate: string): BigDecimal.BigDecimal =>
  BigDecimal.multiply(BigDecimal.unsafeFromString(rate), BigDecimal.unsafeFromString("1.1"))

export const anthropic: ReadonlyArray<PriceInput> = [
  ...published("anthropic", pricingPage, [...untilSonnet4, ...sinceSonnet45]),
  ...published("aws.bedrock", pricingPage, sinceSonnet45.flatMap(onBedrock))
]
