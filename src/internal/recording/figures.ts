/** Merges the figures that a program states for a span into the known ones; implausible figures are left out. */
import type * as Input from "../../Input.ts"
import type { ModelCall, SpanMetrics } from "../../Observation.ts"
import type { Capturing, Sized } from "./capturing.ts"
import { RecordedModelCall } from "./modelCall.ts"
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
  plausible: Plausible,
  capturing: Capturing,
  sized: Sized
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
  const stated = plausible.usage(update, known?.usage)
  const statedUsd = plausible.cost(update.costUsd)
  return new RecordedModelCall(
    {
      provider: capturing.text(sized, provider, known?.provider),
      model: capturing.text(sized, model, known?.model),
      temperature: plausible.finite("temperature", temperature) ?? known?.temperature,
      finishReason: capturing.text(sized, finishReason, known?.finishReason),
      timeToFirstTokenMicros: plausible.micros("timeToFirstToken", timeToFirstToken) ?? known?.timeToFirstTokenMicros,
      isSubtotal: false
    },
    stated,
    statedUsd ?? known?.costUsd,
    statedUsd === undefined ? known?.priceId : undefined
  )
}
