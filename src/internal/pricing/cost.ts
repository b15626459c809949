/** Calculates tokens times rates, exactly. */
import * as BigDecimal from "effect/BigDecimal"
import type { Split } from "../../Usage.ts"
import { buckets, type Rates } from "./price.ts"

/** Why there is no cost: a figure is missing, or the price of a bucket that was used. */
export type NoCost = "incomplete" | "unpriced"

/**
 * The cost in US dollars, or why it is not known. Never a part of the sum, which would pass for the whole.
 *
 * The figure of input, and that of output if it has a price, must be known; other unknown figures count as not used.
 */
export const costOf = (rates: Rates, tokens: Split): BigDecimal.BigDecimal | NoCost => {
  if (tokens.input === undefined) return "incomplete"
  if (tokens.output === undefined && rates.output !== undefined) return "incomplete"
  // each bucket by name, because this runs for every logged call: a loop over the buckets takes three times as long
  const sum = new Sum()
  sum.add(tokens.input, rates.input)
  sum.add(tokens.audioInput, rates.audioInput)
  sum.add(tokens.imageInput, rates.imageInput)
  sum.add(tokens.cacheRead, rates.cacheRead)
  sum.add(tokens.audioCacheRead, rates.audioCacheRead)
  sum.add(tokens.cacheWrite, rates.cacheWrite)
  sum.add(tokens.longCacheWrite, rates.longCacheWrite)
  sum.add(tokens.output, rates.output)
  sum.add(tokens.audioOutput, rates.audioOutput)
  sum.add(tokens.imageOutput, rates.imageOutput)
  if (sum.isUnpriced) return "unpriced"
  return sum.isExact ? dollars(sum.units, sum.scale + decimalsOfMillion) : largeCost(rates, tokens)
}

// internal

const decimalsOfMillion = 6

/** A sum, counted in whole units of the smallest decimal place among the rates. */
class Sum {
  units = 0
  scale = 0
  isUnpriced = false

  /** The sum is exact as long as it is a safe integer, because all summands are whole and none is negative. */
  get isExact(): boolean {
    return Number.isSafeInteger(this.units)
  }

  add(tokens: number | undefined, rate: BigDecimal.BigDecimal | undefined): void {
    if (tokens === undefined || tokens === 0) return
    if (rate === undefined) {
      this.isUnpriced = true
      return
    }
    if (rate.scale > this.scale) {
      this.units *= powerOfTen(rate.scale - this.scale)
      this.scale = rate.scale
    }
    this.units += Number(rate.value) * tokens * powerOfTen(this.scale - rate.scale)
  }
}

const powersOfTen = Array.from({ length: 16 }, (_, power) => Number(`1e${power}`))

const powerOfTen = (power: number): number => powersOfTen[power] ?? Number.POSITIVE_INFINITY

/** Removes trailing zeros, so that equal amounts look the same. `BigDecimal.normalize` does so by way of a text. */
const dollars = (units: number, scale: number): BigDecimal.BigDecimal => {
  if (units === 0) return zero
  let value = units
  let decimals = scale
  while (value % 10 === 0) {
    value /= 10
    decimals--
  }
  return BigDecimal.make(BigInt(value), decimals)
}

/** The cost for sums beyond safe integers. Calculating with decimals throughout takes four times as long. */
const largeCost = (rates: Rates, tokens: Split): BigDecimal.BigDecimal => {
  let cost = zero
  for (const bucket of buckets) {
    const rate = rates[bucket]
    const count = tokens[bucket]
    if (rate === undefined || count === undefined) continue
    cost = BigDecimal.sum(cost, BigDecimal.multiply(rate, BigDecimal.make(BigInt(count), decimalsOfMillion)))
  }
  return BigDecimal.normalize(cost)
}

const zero = BigDecimal.make(0n, 0)
