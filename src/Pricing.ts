/**
 * What model calls cost: published prices, and the program's own.
 *
 * The cost of a call is its tokens times the price that its vendor published for the day on which it began, exact to
 * the last digit. It is unknown, never 0 and never a part of the sum, if the model is not in the table, if a bucket
 * that was used has no price, or if the vendor did not state the tokens. A cost that the program states itself
 * (`costUsd`) always wins.
 *
 * The shipped prices are those of the vendors' standard tiers. They do not cover batches, priority, your own discounts,
 * or anything billed per call; `docs/costs.md` says what to do then.
 *
 * @example
 * ```ts
 * import { Pricing, Usage } from "effect-observability"
 * import { BigDecimal, Effect, Option } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   // a price of one's own, which goes before those that come with the library
 *   const pricing = yield* Pricing.make([{
 *     vendor: "openai",
 *     model: "gpt-4o",
 *     validFrom: "2026-01-01",
 *     source: "our contract of December 2025",
 *     usdPerMillion: { input: "2.00", cacheRead: "1.00", output: "8.00" }
 *   }])
 *   const usage = yield* Usage.fromOpenAiChat({
 *     prompt_tokens: 2_006,
 *     prompt_tokens_details: { cached_tokens: 1_920 },
 *     completion_tokens: 300
 *   })
 *   const cost = Pricing.costOf(pricing, { model: "gpt-4o-2024-08-06", usage, time: new Date("2026-03-01") })
 *   // 86 * 2.00 + 1,920 * 1.00 + 300 * 8.00 millionths
 *   yield* Effect.log(Option.map(cost, ({ costUsd }) => BigDecimal.format(costUsd))) // 0.004492
 * })
 *
 * Effect.runPromise(program)
 * ```
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Price, PriceInput } from "./internal/pricing/price.ts"
import { priceFrom, PricingError } from "./internal/pricing/price.ts"
import { priceOf } from "./internal/pricing/priceOf.ts"
import { shippedPrices } from "./internal/pricing/shipped.ts"
import { PriceIndex } from "./internal/pricing/table.ts"
import type { Usage } from "./Usage.ts"

export { namesOf } from "./internal/pricing/names.ts"
export { type Price, type PriceInput, PricingError, type Rates } from "./internal/pricing/price.ts"

/**
 * A table of prices.
 *
 * @since 0.1.0
 * @category models
 */
export interface Table {
  /** The program's own prices first, in the order in which they were given. */
  readonly prices: ReadonlyArray<Price>
  /** @internal */
  readonly index: PriceIndex
}

/**
 * A table of the program's own prices, followed by those that came with the library. The own prices are looked up
 * first, under all names of a model; the shipped prices are used only if none of the own ones holds.
 *
 * Fails for an invalid price, and for two prices that hold for the same calls.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  prices: ReadonlyArray<PriceInput>,
  options?: {
    /** Whether to include the prices that came with the library. Default: `true`. */
    readonly shipped?: boolean | undefined
  }
): Either.Either<Table, PricingError> =>
  Either.gen(function*() {
    const own: Array<Price> = []
    for (const price of prices) own.push(yield* priceFrom(price, false))
    const places = new Set<string>()
    for (const price of own) {
      const place = JSON.stringify([price.vendor, price.model, price.validFromUnixMicros, price.aboveInputTokens])
      if (places.has(place)) {
        yield* Either.left(new PricingError({ message: `${price.id}: there is another price for the same calls` }))
      }
      places.add(place)
    }
    return tableOf(options?.shipped === false ? own : [...own, ...shippedPrices])
  })

/**
 * The prices that came with the library, each with the page it was taken from.
 *
 * @since 0.1.0
 * @category tables
 */
export const shipped: Table = tableOf(shippedPrices)

/**
 * A table without prices: the only costs are those that the program states.
 *
 * @since 0.1.0
 * @category tables
 */
export const empty: Table = tableOf([])

/**
 * The cost of a call, and the price from which it was calculated; none if the cost is not known.
 *
 * @since 0.1.0
 * @category getters
 */
export const costOf = (table: Table, call: {
  /** `gen_ai.provider.name`, for example `openai`. Left out, any vendor may be meant. */
  readonly provider?: string | undefined
  readonly model: string
  readonly usage: Usage
  /** When the call began. */
  readonly time: Date
}): Option.Option<{ readonly costUsd: BigDecimal.BigDecimal; readonly price: Price }> => {
  const found = priceOf(table.index, {
    provider: call.provider,
    model: call.model,
    usage: call.usage,
    timeUnixMicros: call.time.getTime() * 1_000
  })
  return typeof found === "string" ? Option.none() : Option.some(found)
}

// internal

function tableOf(prices: ReadonlyArray<Price>): Table {
  return { prices, index: new PriceIndex(prices) }
}
