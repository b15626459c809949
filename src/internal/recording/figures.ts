/** The figures that a program says of a span: those that can be true, beside those that were known before. */
import type { BigDecimal } from "effect/BigDecimal"
import type * as Input from "../../Input.ts"
import type { ModelCall, SpanMetrics } from "../../Observation.ts"
import type { Usage } from "../../Usage.ts"
import type { Plausible } from "./plausible.ts"

export const metricsOf = (
  known: SpanMetrics | undefined,
  update: Input.SpanUpdate,
  plausible: Plausible
): SpanMetrics | undefined => {
  const { chunkCount, pageCount, resultCount, topScore } = update
  if ((resultCount ?? topScore ?? pageCount ?? chunkCount) === undefined) return known
  return {
    resultCount: plausible.count("resultCount", resultCount) ?? known?.resultCount,
    topScore: plausible.finite("topScore", topScore) ?? known?.topScore,
    pageCount: plausible.count("pageCount", pageCount) ?? known?.pageCount,
    chunkCount: plausible.count("chunkCount", chunkCount) ?? known?.chunkCount
  }
}

export const modelCallOf = (
  known: ModelCall | undefined,
  update: Input.SpanUpdate,
  plausible: Plausible
): ModelCall | undefined => {
  const {
    completionTokens,
    costUsd,
    finishReason,
    model,
    promptTokens,
    provider,
    temperature,
    timeToFirstToken,
    usage
  } = update
  if (
    (model ?? provider ?? temperature ?? finishReason ?? timeToFirstToken ?? usage ?? promptTokens ??
      completionTokens ?? costUsd) === undefined
  ) {
    return known
  }
  return new StatedModelCall(known, update, plausible)
}

/** By a constructor and not as a literal: docs/decisions/0010. */
class StatedModelCall implements ModelCall {
  readonly provider: string | undefined
  readonly model: string | undefined
  readonly temperature: number | undefined
  readonly finishReason: string | undefined
  readonly timeToFirstTokenMicros: number | undefined
  readonly usage: Usage | undefined
  readonly costUsd: BigDecimal | undefined
  readonly priceId: string | undefined
  readonly isSubtotal = false

  constructor(known: ModelCall | undefined, update: Input.SpanUpdate, plausible: Plausible) {
    const { finishReason, model, provider, temperature, timeToFirstToken } = update
    this.usage = plausible.usage(update, known?.usage)
    const statedUsd = plausible.cost(update.costUsd)
    this.provider = provider ?? known?.provider
    this.model = model ?? known?.model
    this.temperature = plausible.finite("temperature", temperature) ?? known?.temperature
    this.finishReason = finishReason ?? known?.finishReason
    this.timeToFirstTokenMicros = plausible.micros("timeToFirstToken", timeToFirstToken) ??
      known?.timeToFirstTokenMicros
    this.costUsd = statedUsd ?? known?.costUsd
    this.priceId = statedUsd === undefined ? known?.priceId : undefined
  }
}
