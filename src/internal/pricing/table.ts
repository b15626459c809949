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
  /** A program calls few models: looking for their names takes longer than looking up their prices. */
  private readonly names = new Map<string, ReadonlyArray<string>>()

  constructor(prices: ReadonlyArray<Price>) {
    for (const price of prices) {
      const known = this.byModel.get(price.model)
      if (known === undefined) this.byModel.set(price.model, [price])
      else known.push(price)
    }
  }

  /** `undefined` when there is none, or when several vendors ask different prices and the call does not say whose it is. */
  find(call: Priceable): Price | undefined {
    const names = this.namesOf(call.model)
    for (const isShipped of [false, true]) {
      for (const name of names) {
        const found = this.byModel.get(name)?.filter((price) => price.isShipped === isShipped && holds(price, call))
        if (found === undefined || found.length === 0) continue
        const best = found.reduce((best, price) => isBetter(price, best) ? price : best)
        return found.every(({ vendor }) => vendor === best.vendor) ? best : undefined
      }
    }
    return undefined
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

const holds = (price: Price, call: Priceable): boolean =>
  price.validFromUnixMicros <= call.timeUnixMicros &&
  (price.validUntilUnixMicros === undefined || call.timeUnixMicros < price.validUntilUnixMicros) &&
  (price.aboveInputTokens === 0 || call.inputTokens > price.aboveInputTokens) &&
  (call.provider === undefined || (vendorsOf.get(call.provider) ?? [call.provider]).includes(price.vendor))

const isBetter = (price: Price, other: Price): boolean =>
  price.validFromUnixMicros !== other.validFromUnixMicros
    ? price.validFromUnixMicros > other.validFromUnixMicros
    : price.aboveInputTokens > other.aboveInputTokens
