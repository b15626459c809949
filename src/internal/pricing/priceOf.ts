/** The cost of a call: the price that holds for it, times its tokens. */
import type * as BigDecimal from "effect/BigDecimal"
import type { Usage } from "../../Usage.ts"
import { inputTokens, split } from "../../Usage.ts"
import { costOf, type NoCost } from "./cost.ts"
import type { Price } from "./price.ts"
import type { PriceIndex } from "./table.ts"

export interface Priced {
  readonly costUsd: BigDecimal.BigDecimal
  readonly price: Price
}

/** The cost of a call and its price, or why the call has no cost. */
export const priceOf = (index: PriceIndex, call: {
  readonly provider: string | undefined
  readonly model: string
  readonly usage: Usage
  readonly timeUnixMicros: number
}): Priced | NoCost => {
  const input = inputTokens(call.usage)
  if (input === undefined) return "incomplete"
  const price = index.find({
    provider: call.provider,
    model: call.model,
    timeUnixMicros: call.timeUnixMicros,
    inputTokens: input
  })
  if (price === undefined) return "unpriced"
  const costUsd = costOf(price.usdPerMillion, split(call.usage))
  return typeof costUsd === "string" ? costUsd : { costUsd, price }
}
