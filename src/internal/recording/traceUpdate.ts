/**
 * Updates a running trace with the fields of a span update. A trace has no columns for a model call or a retrieval:
 * tokens and cost become the totals that the program states, and other fields without a column are kept in the
 * metadata.
 */
import type * as Input from "../../Input.ts"
import type { JsonObject } from "../../Observation.ts"
import { inputTokens } from "../../Usage.ts"
import type { Capturing } from "./capturing.ts"
import { metricsOf, modelCallOf } from "./figures.ts"
import type { OpenTrace } from "./openTrace.ts"
import { Plausible } from "./plausible.ts"
import { statedErrorOf } from "./statedError.ts"

export const updateTrace = (trace: OpenTrace, update: Input.SpanUpdate, capturing: Capturing): void => {
  if (update.error !== undefined) trace.stateError(statedErrorOf(update.error))
  if (update.name !== undefined) trace.name = capturing.text(trace, update.name, trace.name)
  if (update.attributes !== undefined) trace.metadata = capturing.merged(trace, trace.metadata, update.attributes)
  if (update.input !== undefined) trace.input = capturing.replacement(trace, trace.input, update.input)
  if (update.output !== undefined) trace.output = capturing.replacement(trace, trace.output, update.output)
  const plausible = new Plausible()
  const metrics = metricsOf(undefined, update, plausible)
  const call = modelCallOf(undefined, update, plausible, capturing, { size: 0 })
  if (call !== undefined) {
    const { costUsd, usage } = call
    trace.state({
      inputTokens: usage === undefined ? undefined : inputTokens(usage),
      outputTokens: usage?.outputTokens,
      costUsd
    })
  }
  const rest = known({
    ...metrics,
    model: call?.model,
    provider: call?.provider,
    temperature: call?.temperature,
    finishReason: call?.finishReason,
    timeToFirstTokenMs: call?.timeToFirstTokenMicros === undefined ? undefined : call.timeToFirstTokenMicros / 1_000
  })
  if (rest !== undefined) trace.metadata = capturing.merged(trace, trace.metadata, rest)
  trace.addMetadata(plausible.report(trace.metadata?.values))
}

// internal

const known = (values: Readonly<Record<string, string | number | undefined>>): JsonObject | undefined => {
  const entries = Object.entries(values).filter((entry): entry is [string, string | number] => entry[1] !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
