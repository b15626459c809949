/**
 * A trace, as the root of its tree.
 *
 * In this library the trace itself is the top of the tree. In Langfuse it stands above all observations or, in newer
 * servers, consists only of what the observations say about it. So the trace becomes an observation under its own span
 * id, which the spans at the top name as their parent, and this observation has the name and tags of the whole trace.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Totals, Trace } from "../../Observation.ts"
import type { Entry, TraceFacts } from "./entry.ts"
import { MetadataBuilder } from "./entry.ts"
import { content, cut, label } from "./text.ts"
import { addAll, addError, finalError, verdictOf } from "./verdicts.ts"

export const traceEntry = (trace: Trace): Entry => ({
  kind: trace._tag,
  type: "span",
  traceId: trace.traceId,
  id: trace.spanId,
  parentId: trace.parentSpanId,
  revision: trace.revision,
  isOpen: trace.status === "in_progress",
  resource: trace.resource,
  userId: trace.userId,
  sessionId: trace.sessionId,
  name: trace.name === undefined ? undefined : label(trace.name, 1_000),
  startUnixMicros: trace.startTimeUnixMicros,
  endUnixMicros: trace.durationMicros === undefined ? undefined : trace.startTimeUnixMicros + trace.durationMicros,
  ...verdictOf(trace.status, trace.error),
  input: trace.input === undefined ? undefined : content(trace.input),
  output: trace.output === undefined ? undefined : content(trace.output),
  metadata: addError(addTotals(new MetadataBuilder(), trace.totals), finalError(trace)).build(),
  model: undefined,
  trace: {
    ...traceFacts(trace),
    metadata: addAll(
      new MetadataBuilder()
        .add("serviceName", cut(trace.resource.serviceName, 1_000))
        .add("operationType", trace.operationType === undefined ? undefined : cut(trace.operationType, 1_000))
        .add("kbId", trace.kbId === undefined ? undefined : cut(trace.kbId, 1_000)),
      trace.metadata
    ).build()
  }
})

export const traceFacts = (trace: Trace): TraceFacts => ({
  name: trace.name === undefined ? undefined : label(trace.name, 1_000),
  tags: trace.tags?.slice(0, maxTags).map((tag) => label(tag, 200)).filter((tag) => tag !== "")
})

/** Adds stated totals as metadata: a server sums the calls itself, and has no other place for totals of the program. */
const addTotals = (metadata: MetadataBuilder, totals: Totals | undefined): MetadataBuilder =>
  totals?.stated !== true ? metadata : metadata
    .addFigures({ statedInputTokens: totals.inputTokens, statedOutputTokens: totals.outputTokens })
    .add("statedCostUsd", totals.costUsd === undefined ? undefined : BigDecimal.format(totals.costUsd))

const maxTags = 100
