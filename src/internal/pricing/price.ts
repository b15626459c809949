/** What a vendor asks for a model, from a day on. */
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
  /** Who bills it, as `gen_ai.provider.name` has it, for example `openai`. */
  readonly vendor: string
  /** The model's own name; `Pricing.namesOf` says which other names lead to it. */
  readonly model: string
  /** The first day (UTC) on which it holds, for example `2025-09-29`. A later one of the same model supersedes it. */
  readonly validFrom: string
  /** The first day (UTC) on which it does not hold any more. Default: it holds until it is superseded. */
  readonly validUntil?: string | undefined
  /**
   * Above how many input tokens, cached ones included, it holds for the whole call. Default: 0, for every call. Of those
   * that hold for a call the highest counts.
   */
  readonly aboveInputTokens?: number | undefined
  /** Where it is published. */
  readonly source: string
  /** US dollars per million tokens, by bucket. A bucket that is left out has no price. */
  readonly usdPerMillion: { readonly input: CostInput } & { readonly [Name in Bucket]?: CostInput | undefined }
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Price {
  /** Tells it from every other one; follows from its content. */
  readonly id: string
  readonly vendor: string
  readonly model: string
  /** Microseconds since the Unix epoch. */
  readonly validFromUnixMicros: number
  /** Microseconds since the Unix epoch. */
  readonly validUntilUnixMicros: number | undefined
  /** 0 when it holds for every call. */
  readonly aboveInputTokens: number
  readonly source: string
  readonly usdPerMillion: Rates
  /** Whether it came with the library, and is not the program's own. */
  readonly isShipped: boolean
}

/**
 * A price that cannot be meant.
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

/** Stores keep it in an index. */
const isName = (text: string): boolean => text.trim() === text && text.length > 0 && text.length <= 400

/** What was written down wrong and then right, from the same day on, are two prices. */
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
