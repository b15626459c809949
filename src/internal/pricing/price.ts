/** The price that a vendor charges for a model from a given day on. */
import * as BigDecimal from "effect/BigDecimal"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import type { Bucket, CostInput } from "../../Usage.ts"
import { costFrom } from "../../Usage.ts"

/**
 * US dollars per million tokens, by bucket; `undefined` where there is no price, which is not a price of 0.
 *
 * @since 0.1.0
 * @category models
 */
export type Rates = { readonly [Name in Bucket]: BigDecimal.BigDecimal | undefined }

/**
 * A price as it is written down.
 *
 * @since 0.1.0
 * @category models
 */
export interface PriceInput {
  /** Who bills the call, as a value of `gen_ai.provider.name`, for example `openai`. */
  readonly vendor: string
  /** The model's own name; `Pricing.namesOf` says which other names lead to it. */
  readonly model: string
  /** The first day (UTC) of the price, for example `2025-09-29`. A later price of the same model supersedes it. */
  readonly validFrom: string
  /** The first day (UTC) on which the price no longer holds. Default: it holds until it is superseded. */
  readonly validUntil?: string | undefined
  /**
   * The price holds for calls with more input tokens than this, cached ones included, and then for the whole call.
   * Default: 0, for every call. Of the prices that hold for a call, the one with the highest threshold is used.
   */
  readonly aboveInputTokens?: number | undefined
  /** Where the price is published. */
  readonly source: string
  /** US dollars per million tokens, by bucket. A bucket that is left out has no price. */
  readonly usdPerMillion: { readonly input: CostInput } & { readonly [Name in Bucket]?: CostInput | undefined }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Price {
  /** Unique among all prices; derived from the content of the price. */
  readonly id: string
  readonly vendor: string
  readonly model: string
  /** Microseconds since the Unix epoch. */
  readonly validFromUnixMicros: number
  /** Microseconds since the Unix epoch. */
  readonly validUntilUnixMicros: number | undefined
  /** 0 if the price holds for every call. */
  readonly aboveInputTokens: number
  readonly source: string
  readonly usdPerMillion: Rates
  /** Whether the price came with the library, and is not the program's own. */
  readonly isShipped: boolean
}

/**
 * Says why a price is invalid.
 *
 * @since 0.1.0
 * @category errors
 */
export class PricingError extends Schema.TaggedError<PricingError>("effect-observability/Pricing/PricingError")(
  "PricingError",
  {
    /** Which price it is, what is wrong and what is expected. */
    message: Schema.String
  }
) {}

/** All buckets, in the order of the columns in a store. */
export const buckets: ReadonlyArray<Bucket> = [
  "input",
  "audioInput",
  "imageInput",
  "cacheRead",
  "audioCacheRead",
  "cacheWrite",
  "longCacheWrite",
  "output",
  "audioOutput",
  "imageOutput"
]

export const priceFrom = (input: PriceInput, isShipped: boolean): Either.Either<Price, PricingError> =>
  Either.gen(function*() {
    const label = `${input.vendor}/${input.model}@${input.validFrom}`
    const refuse = (problem: string) => Either.left(new PricingError({ message: `${label}: ${problem}` }))
    for (const name of ["vendor", "model", "source"] as const) {
      if (!isName(input[name])) yield* refuse(`${name} is ${JSON.stringify(input[name])}; expected a name`)
    }
    const validFromUnixMicros = dayOf(input.validFrom) ??
      (yield* refuse(`validFrom is ${input.validFrom}; ${expectedDay}`))
    const validUntilUnixMicros = input.validUntil === undefined
      ? undefined
      : dayOf(input.validUntil) ?? (yield* refuse(`validUntil is ${input.validUntil}; ${expectedDay}`))
    if (validUntilUnixMicros !== undefined && validUntilUnixMicros <= validFromUnixMicros) {
      yield* refuse(`validUntil is ${input.validUntil}; expected a later day than validFrom`)
    }
    const aboveInputTokens = input.aboveInputTokens ?? 0
    if (!(Number.isSafeInteger(aboveInputTokens) && aboveInputTokens >= 0)) {
      yield* refuse(`aboveInputTokens is ${aboveInputTokens}; expected a whole number of zero or more`)
    }
    const rates: { [Name in Bucket]?: BigDecimal.BigDecimal | undefined } = {}
    for (const bucket of buckets) {
      const rate = input.usdPerMillion[bucket]
      if (rate === undefined) continue
      rates[bucket] = yield* Either.mapLeft(
        costFrom(rate),
        ({ message }) => new PricingError({ message: `${label}: usdPerMillion.${bucket}: ${message}` })
      )
    }
    if (rates.input === undefined) yield* refuse("usdPerMillion.input is missing")
    const usdPerMillion: Rates = Object.fromEntries(buckets.map((bucket) => [bucket, rates[bucket]])) as Rates
    return {
      id: `${label}${aboveInputTokens === 0 ? "" : `>${aboveInputTokens}`}#${
        digestOf(input, aboveInputTokens, usdPerMillion)
      }`,
      vendor: input.vendor,
      model: input.model,
      validFromUnixMicros,
      validUntilUnixMicros,
      aboveInputTokens,
      source: input.source,
      usdPerMillion,
      isShipped
    }
  })

// internal

const expectedDay = "expected a day such as 2025-09-29"

const dayOf = (text: string): number | undefined => {
  const millis = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN
  // 30 February would become 2 March
  return new Date(millis).getTime() === millis && new Date(millis).toISOString().startsWith(text)
    ? millis * 1_000
    : undefined
}

/** Names are limited in length, because stores keep them in an index. */
const isName = (text: string): boolean => text.trim() === text && text.length > 0 && text.length <= 400

/** Tells a price from its correction: a wrong and a right price from the same day on are two prices. */
const digestOf = (input: PriceInput, aboveInputTokens: number, rates: Rates): string =>
  createHash("sha256")
    .update(JSON.stringify([
      input.vendor,
      input.model,
      input.validFrom,
      input.validUntil ?? null,
      aboveInputTokens,
      buckets.map((bucket) => rates[bucket] === undefined ? null : BigDecimal.format(rates[bucket]))
    ]))
    .digest("hex")
    .slice(0, 8)
