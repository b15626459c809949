/**
 * Lets through the figures that can be true, and keeps a sentence about each that cannot.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type { JsonObject } from "../../Observation.ts"
import type { CostInput, Usage } from "../../Usage.ts"
import { costFrom, make } from "../../Usage.ts"
import { durationOf } from "../optionRules.ts"
import { problemsBeside } from "../problems.ts"
import { isKnown } from "../usage/usage.ts"

export class Plausible {
  private problems: Array<string> | undefined

  count(name: string, value: number | undefined): number | undefined {
    if (value === undefined || Number.isSafeInteger(value) && value >= 0) return value
    return this.refuse(`${name} is ${String(value)}; expected a whole number of zero or more`)
  }

  finite(name: string, value: number | undefined): number | undefined {
    if (value === undefined || Number.isFinite(value)) return value
    return this.refuse(`${name} is ${String(value)}; expected a finite number`)
  }

  micros(name: string, value: Duration.DurationInput | undefined): number | undefined {
    if (value === undefined) return undefined
    const duration = durationOf(value)
    if (Option.isSome(duration)) return Math.round(Duration.toMillis(duration.value) * 1_000)
    return this.refuse(`${name} is ${String(value)}; expected a duration of zero or more`)
  }

  /** How long ago something began, if only its length is known: an impossible length would place it in another age. */
  elapsedMicros(name: string, value: Duration.DurationInput | undefined): number | undefined {
    const micros = this.micros(name, value)
    if (micros === undefined || micros <= maxElapsedMicros) return micros
    return this.refuse(`${name} is ${String(value)}; expected 30 days at most, in milliseconds where it is a number`)
  }

  /** @param known the usage known before: it stays if no usage is stated, or none that can be true */
  usage(
    input: {
      /** `null` if a program hands over a response as it came. */
      readonly usage?: Partial<Usage> | null | undefined
      readonly promptTokens?: number | undefined
      readonly completionTokens?: number | undefined
    },
    known: Usage | undefined
  ): Usage | undefined {
    if (Predicate.isNotNullable(input.usage) && isKnown(input.usage)) return this.right(make(input.usage)) ?? known
    const promptTokens = this.count("promptTokens", input.promptTokens)
    const completionTokens = this.count("completionTokens", input.completionTokens)
    if (promptTokens === undefined && completionTokens === undefined) return known
    // a new figure replaces the whole, so its parts are not known any more
    const knownInput = promptTokens === undefined ? known : undefined
    const knownOutput = completionTokens === undefined ? known : undefined
    return this.right(make({
      uncachedInputTokens: promptTokens ?? knownInput?.uncachedInputTokens,
      cacheReadTokens: knownInput?.cacheReadTokens,
      cacheWriteTokens: knownInput?.cacheWriteTokens,
      outputTokens: completionTokens ?? knownOutput?.outputTokens,
      audioInputTokens: knownInput?.audioInputTokens,
      imageInputTokens: knownInput?.imageInputTokens,
      audioCacheReadTokens: knownInput?.audioCacheReadTokens,
      longCacheWriteTokens: knownInput?.longCacheWriteTokens,
      reasoningTokens: knownOutput?.reasoningTokens,
      audioOutputTokens: knownOutput?.audioOutputTokens,
      imageOutputTokens: knownOutput?.imageOutputTokens
    }))
  }

  cost(value: CostInput | undefined): BigDecimal.BigDecimal | undefined {
    return value === undefined ? undefined : this.right(costFrom(value))
  }

  /**
   * The sentences, as an object to be merged into the record's attributes; `undefined` when all is well.
   *
   * @param known the attributes so far: their sentences about earlier figures are kept
   */
  report(known?: JsonObject | undefined): JsonObject | undefined {
    return this.problems === undefined ? undefined : problemsBeside(known, this.problems)
  }

  private right<A>(result: Either.Either<A, { readonly message: string }>): A | undefined {
    return Either.isRight(result) ? result.right : this.refuse(result.left.message)
  }

  private refuse(problem: string): undefined {
    if (this.problems === undefined) this.problems = []
    this.problems.push(problem)
    return undefined
  }
}

/** Longer than any model takes, a batch of a week included. */
const maxElapsedMicros = 30 * 86_400_000_000
