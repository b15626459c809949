/**
 * The ingestion protocol: a list of events, each of which creates a trace or an observation.
 *
 * Each event is complete, so nothing depends on the order in which a server works through them. The envelope's id is
 * derived from the record: a retry sends the same event, byte for byte, as is expected by a server that remembers which
 * envelopes it has seen.
 */
import { closedRevision } from "../../Observation.ts"
import type { Entry, EntryType } from "./entry.ts"
import { isoOf } from "./instants.ts"
import type { Text } from "./text.ts"
import { environmentName, identifier, label } from "./text.ts"

export interface IngestionEvent {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly body: Readonly<Record<string, unknown>>
}

/** @param typed whether the server knows more types than the first three */
export const eventsOf = (entry: Entry, typed: boolean): ReadonlyArray<IngestionEvent> =>
  entry.trace === undefined
    ? [observationEvent(entry, typed)]
    : [traceEvent(entry, entry.trace), observationEvent(entry, typed)]

/** Whether the entry has a type that servers before 3.98.2 refuse. */
export const isTyped = (entry: Entry): boolean => !plainTypes.has(entry.type)

// internal

const plainTypes: ReadonlySet<EntryType> = new Set(["span", "generation", "event"])

const traceEvent = (entry: Entry, trace: NonNullable<Entry["trace"]>): IngestionEvent => ({
  // a trace that was begun elsewhere may come in by several spans
  id: `trace-${entry.kind === "Trace" ? entry.traceId : entry.id}-${entry.revision}`,
  type: "trace-create",
  timestamp: envelopeTime(entry),
  body: {
    id: entry.traceId,
    timestamp: isoOf(entry.startUnixMicros),
    name: trace.name,
    userId: entry.userId === undefined ? undefined : identifier(entry.userId),
    sessionId: entry.sessionId === undefined ? undefined : identifier(entry.sessionId),
    tags: trace.tags,
    metadata: objectOf(trace.metadata),
    input: entry.input,
    output: entry.output,
    environment: environmentName(entry.resource.environment),
    release: entry.resource.release === undefined ? undefined : label(entry.resource.release, 200)
  }
})

const observationEvent = (entry: Entry, typed: boolean): IngestionEvent => {
  const type = typed || !isTyped(entry) ? entry.type : entry.model === undefined ? "span" : "generation"
  return {
    id: `observation-${entry.id}-${entry.revision}`,
    type: `${type}-create`,
    timestamp: envelopeTime(entry),
    body: {
      id: entry.id,
      traceId: entry.traceId,
      parentObservationId: entry.parentId,
      name: entry.name,
      startTime: isoOf(entry.startUnixMicros),
      endTime: entry.endUnixMicros === undefined ? undefined : isoOf(entry.endUnixMicros),
      level: entry.level,
      // of a text that is left out the server keeps an earlier one: that of an error which was taken back
      statusMessage: entry.statusMessage ?? (entry.revision > closedRevision ? "" : undefined),
      input: entry.input,
      output: entry.output,
      metadata: { ...(type === entry.type ? {} : { observationType: entry.type }), ...objectOf(entry.metadata) },
      environment: environmentName(entry.resource.environment),
      ...modelOf(entry)
    }
  }
}

const modelOf = ({ model }: Entry): Readonly<Record<string, unknown>> =>
  model === undefined ? {} : {
    model: model.name,
    modelParameters: model.parameters,
    usageDetails: model.usage,
    costDetails: model.cost,
    completionStartTime: model.firstTokenUnixMicros === undefined ? undefined : isoOf(model.firstTokenUnixMicros)
  }

/**
 * The timestamp of the envelope. Of two events for the same id, the one with the later timestamp wins, so a later
 * revision gets a later timestamp: a final snapshot a later one than a snapshot of a running span, however short the
 * span was, and an addition after the end a later one than both. A lost span counts as ended, with the revision that it
 * had by then.
 */
const envelopeTime = (entry: Entry): string =>
  entry.isOpen
    ? isoOf(entry.startUnixMicros + Math.min(entry.revision, 999) * 1_000)
    : isoOf(
      Math.max(entry.endUnixMicros ?? 0, entry.startUnixMicros + 1_000_000) +
        Math.max(entry.revision - closedRevision, 0) * 1_000
    )

/** Without a prototype, `__proto__` is a key like any other. */
const objectOf = (pairs: Entry["metadata"]): Record<string, Text> => {
  const object: Record<string, Text> = Object.create(null)
  for (const [key, value] of pairs) object[key] = value
  return object
}
