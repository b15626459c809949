/** A span, as one of Langfuse's kinds of observation. */
import * as BigDecimal from "effect/BigDecimal"
import type { ModelCall, Span } from "../../Observation.ts"
import { isEntry } from "../entrySpan.ts"
import type { Entry, EntryType, ModelFacts } from "./entry.ts"
import { MetadataBuilder } from "./entry.ts"
import { costOf, parametersOf, usageOf } from "./figures.ts"
import { content, cut, label } from "./text.ts"
import { addAll, addError, finalError, verdictOf } from "./verdicts.ts"

export const spanEntry = (span: Span): Entry => {
  const type = entryTypeOf(span)
  return {
    kind: span._tag,
    type,
    traceId: span.traceId,
    id: span.spanId,
    parentId: span.parentSpanId,
    revision: span.revision,
    isOpen: span.status === "in_progress",
    resource: span.resource,
    userId: span.userId,
    sessionId: span.sessionId,
    name: label(span.name, 1_000),
    startUnixMicros: span.startTimeUnixMicros,
    endUnixMicros: span.durationMicros === undefined ? undefined : span.startTimeUnixMicros + span.durationMicros,
    ...verdictOf(span.status, span.error),
    input: span.input === undefined ? undefined : content(span.input),
    output: span.output === undefined ? undefined : content(span.output),
    metadata: metadataOf(span, type),
    model: span.modelCall === undefined ? undefined : modelFacts(span, span.modelCall),
    trace: isEntry(span) ? traceOf(span) : undefined
  }
}

/** The facts of a trace that was begun elsewhere: no other process tells Langfuse its name and whom it was about. */
const traceOf = (span: Span): Entry["trace"] => ({
  name: label(span.name, 1_000),
  tags: undefined,
  metadata: new MetadataBuilder().add("serviceName", cut(span.resource.serviceName, 1_000)).build()
})

/** Whether a span becomes a plain observation, of type `span`, as long as it has no figures of a model call. */
export const isPlain = (span: Span): boolean => typesOf.get(span.type) === undefined

/** A plain span cannot have a model, tokens or a cost: a span that has them becomes a generation, whatever its type. */
const entryTypeOf = (span: Span): EntryType =>
  typesOf.get(span.type) ?? (span.modelCall === undefined ? "span" : "generation")

const typesOf: ReadonlyMap<string, EntryType> = new Map([
  ["llm", "generation"],
  ["embedding", "embedding"],
  ["retrieval", "retriever"],
  ["rerank", "retriever"],
  ["tool", "tool"],
  ["agent", "agent"],
  ["chain", "chain"],
  ["workflow", "chain"],
  ["guardrail", "guardrail"],
  ["evaluation", "evaluator"]
])

const modelFacts = (span: Span, call: ModelCall): ModelFacts => ({
  name: call.model === undefined ? undefined : label(call.model, 200),
  parameters: parametersOf(call),
  // figures that a span below has as well would be summed twice
  usage: call.isSubtotal ? undefined : usageOf(call.usage),
  cost: call.isSubtotal ? undefined : costOf(call.costUsd),
  firstTokenUnixMicros: call.timeToFirstTokenMicros === undefined
    ? undefined
    : span.startTimeUnixMicros + call.timeToFirstTokenMicros
})

const metadataOf = (span: Span, type: EntryType): Entry["metadata"] => {
  const metadata = new MetadataBuilder()
    .add("spanType", span.type === type || span.type === "llm" ? undefined : cut(span.type, 1_000))
    .add("kind", span.kind === "internal" ? undefined : span.kind)
    .add("links", span.links === undefined ? undefined : content(span.links))
    .add("events", span.events === undefined ? undefined : content(span.events))
    .add("kbId", span.kbId === undefined ? undefined : cut(span.kbId, 1_000))
    .addFigures({ ...span.metrics })
  if (span.modelCall !== undefined) addCall(metadata, span.modelCall)
  return addAll(addError(metadata, finalError(span)), span.attributes).build()
}

const addCall = (metadata: MetadataBuilder, call: ModelCall): void => {
  metadata
    .add("provider", call.provider === undefined ? undefined : cut(call.provider, 1_000))
    .add("priceId", call.isSubtotal || call.priceId === undefined ? undefined : cut(call.priceId, 1_000))
    .add("finishReason", call.finishReason === undefined ? undefined : cut(call.finishReason, 1_000))
  if (call.isSubtotal) {
    metadata
      .addFigures(Object.fromEntries(
        Object.entries(usageOf(call.usage) ?? {}).map(([bucket, tokens]) => [`subtotal.${bucket}`, tokens])
      ))
      .add("subtotal.costUsd", call.costUsd === undefined ? undefined : BigDecimal.format(call.costUsd))
  }
}
