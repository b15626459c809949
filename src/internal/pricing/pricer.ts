/** Prices calls as they are recorded, and counts those that have no price. */
import type { ModelCall } from "../../Observation.ts"
import type { Priced } from "./priceOf.ts"
import { priceOf } from "./priceOf.ts"
import type { PriceIndex } from "./table.ts"

export class Pricer {
  private readonly index: PriceIndex
  private readonly unpriced = new Map<string, number>()

  constructor(index: PriceIndex) {
    this.index = index
  }

  /** `undefined` when the cost is not known; see `Pricing`. */
  readonly price = (call: ModelCall, startTimeUnixMicros: number): Priced | undefined => {
    if (call.model === undefined || call.usage === undefined) return undefined
    const priced = priceOf(this.index, {
      provider: call.provider,
      model: call.model,
      usage: call.usage,
      timeUnixMicros: startTimeUnixMicros
    })
    if (typeof priced !== "string") return priced
    if (priced === "unpriced") this.count(call.model.slice(0, maxNameLength))
    return undefined
  }

  /** How many calls of each model had no price. */
  unpricedModels(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.unpriced)
  }

  /** Keeps a limited number of names, because they may come from users of the program. */
  private count(model: string): void {
    const name = this.unpriced.has(model) || this.unpriced.size < maxNames ? model : others
    this.unpriced.set(name, (this.unpriced.get(name) ?? 0) + 1)
  }
}

const maxNames = 100

const maxNameLength = 200

const others = "(others)"
