/** Tokens times rates, exact. */
import * as BigDecimal from "effect/BigDecimal"
import type { Split } from "../../Usage.ts"
import { buckets, type Rates } from "./price.ts"

/** Why there is no cost: a figure is missing, or the price of a bucket that was used. */
export type NoCost = "incomplete" | "unpriced"

/**
 * US dollars, or why they are not known: a part of a sum would pass for the whole.
 *
 * Of what the vendor did not say, input and output are missed where they have a price; the others count as not used.
 */
export const costOf = (rates: Rates, tokens: Split): BigDecimal.BigDecimal | NoCost => {
  if (tokens.input === undefined) return "incomplete"
  if (tokens.output === undefined && rates.output !== undefined) return "incomplete"
  let cost = zero
  for (const bucket of buckets) {
    const count = tokens[bucket]
    if (count === undefined || count === 0) continue
    const rate = rates[bucket]
    if (rate === undefined) return "unpriced"
    cost = BigDecimal.sum(cost, BigDecimal.multiply(rate, BigDecimal.make(BigInt(count), decimalsOfMillion)))
  }
  return BigDecimal.normalize(cost)
}

// internal

const decimalsOfMillion = 6

const zero = BigDecimal.make(0n, 0)
