/** Finds the price of a call. */
import { namesOf, vendorsOf } from "./names.ts"
import type { Price } from "./price.ts"

/** What the price of a call depends on. */
export interface Priceable {
  /** `gen_ai.provider.name`; `undefined` when any vendor may be meant. */
  readonly provider: string | undefined
  readonly model: string
  /** When the call began, in microseconds since the Unix epoch. */
  readonly timeUnixMicros: number
  /** All input tokens, cached ones included. */
  readonly inputTokens: number
}

/**
 * Looks prices up: the program's own before those that came with the library, then the more exact name first, then the
 * newest that held when the call began, then the highest tier that the call reaches.
 */
export class PriceIndex {
  private readonly byModel = new Map<string, Array<Price>>()
  /** The names by model: a program calls few models, and deriving their names takes longer than looking up prices. */
  private readonly names = new Map<string, ReadonlyArray<string>>()

  constructor(prices: ReadonlyArray<Price>) {
    for (const price of prices) {
      const known = this.byModel.get(price.model)
      if (known === undefined) this.byModel.set(price.model, [price])
      else known.push(price)
    }
  }

  /** `undefined` if there is no price, or if several vendors have one and the call does not say whose model it used. */
  find(call: Priceable): Price | undefined {
    const names = this.namesOf(call.model)
    for (const isShipped of ownFirst) {
      for (const name of names) {
        const found = this.best(name, isShipped, call)
        if (found !== undefined) return found === "ambiguous" ? undefined : found
      }
    }
    return undefined
  }

  /** In one pass: lists of the prices that hold were a twelfth of the memory that recording a call allocates. */
  private best(name: string, isShipped: boolean, call: Priceable): Price | "ambiguous" | undefined {
    let best: Price | undefined
    for (const price of this.byModel.get(name) ?? none) {
      if (price.isShipped !== isShipped || !holds(price, call)) continue
      if (best !== undefined && price.vendor !== best.vendor) return "ambiguous"
      if (best === undefined || isBetter(price, best)) best = price
    }
    return best
  }

  private namesOf(model: string): ReadonlyArray<string> {
    const known = this.names.get(model)
    if (known !== undefined) return known
    const names = namesOf(model)
    if (this.names.size < maxNames && model.length <= maxNameLength) this.names.set(model, names)
    return names
  }
}

// internal

const maxNames = 1_000

const maxNameLength = 400

/** A program's own prices go before those that come with the library. */
const ownFirst = [false, true]

const none: ReadonlyArray<Price> = []

const holds = (price: Price, call: Priceable): boolean =>
  price.validFromUnixMicros <= call.timeUnixMicros &&
  (price.validUntilUnixMicros === undefined || call.timeUnixMicros < price.validUntilUnixMicros) &&
  (price.aboveInputTokens === 0 || call.inputTokens > price.aboveInputTokens) &&
  (call.provider === undefined || isPricedBy(price.vendor, call.provider))

const isPricedBy = (vendor: string, provider: string): boolean =>
  vendorsOf.get(provider)?.includes(vendor) ?? provider === vendor

const isBetter = (price: Price, other: Price): boolean =>
  price.validFromUnixMicros !== other.validFromUnixMicros
    ? price.validFromUnixMicros > other.validFromUnixMicros
    : price.aboveInputTokens > other.aboveInputTokens
