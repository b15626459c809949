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
  let units = 0
  let scale = 0
  for (const bucket of buckets) {
    const count = tokens[bucket]
    if (count === undefined || count === 0) continue
    const rate = rates[bucket]
    if (rate === undefined) return "unpriced"
    if (rate.scale > scale) {
      units *= powerOfTen(rate.scale - scale)
      scale = rate.scale
    }
    units += Number(rate.value) * count * powerOfTen(scale - rate.scale)
  }
  // All of it is whole and nothing negative, so it is exact, or no safe integer.
  return Number.isSafeInteger(units) ? dollars(units, scale + decimalsOfMillion) : largeCost(rates, tokens)
}

// internal

const decimalsOfMillion = 6

const powersOfTen = Array.from({ length: 16 }, (_, power) => Number(`1e${power}`))

const powerOfTen = (power: number): number => powersOfTen[power] ?? Number.POSITIVE_INFINITY

/** In the form in which equal amounts look the same, as `BigDecimal.normalize` makes it, by way of a text. */
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

/** The same for what only large integers hold. In decimals altogether a cost takes three times as long, 0.25 µs. */
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
