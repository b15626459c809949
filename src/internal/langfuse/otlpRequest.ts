/**
 * OpenTelemetry's protocol, OTLP/HTTP with JSON: a list of complete spans. A server replaces a span by one with the
 * same id that arrives later, so a span is sent once, when it has ended.
 */
import type { Resource } from "../../Observation.ts"
import type { Entry, TraceFacts } from "./entry.ts"
import { isoOf, nanosOf } from "./instants.ts"
import type { Text } from "./text.ts"
import { cut, environmentName, identifier, label } from "./text.ts"

/** @param factsOf returns the name and tags of a trace, if they are known */
export const otlpRequest = (
  entries: ReadonlyArray<Entry>,
  factsOf: (traceId: string) => TraceFacts | undefined
): unknown => ({
  resourceSpans: Array.from(byResource(entries), (group) => ({
    resource: { attributes: resourceAttributes(group[0]!.resource) },
    scopeSpans: [{ scope: { name: "effect-observability" }, spans: group.map((entry) => spanOf(entry, factsOf)) }]
  }))
})

// internal

/**
 * Groups entries by resource. All records of a process have the same resource, but after an outage records of another
 * process may be among them.
 */
const byResource = (entries: ReadonlyArray<Entry>): Iterable<ReadonlyArray<Entry>> => {
  const groups = new Map<string, Array<Entry>>()
  for (const entry of entries) {
    const key = JSON.stringify(entry.resource)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return groups.values()
}

const resourceAttributes = ({ environment, processId, release, serviceName }: Resource) =>
  new Attributes()
    .text("service.name", cut(serviceName, 1_000))
    .text("service.instance.id", processId)
    .text("langfuse.environment", environmentName(environment))
    .text("langfuse.release", release === undefined ? undefined : label(release, 200))
    .all

const spanOf = (entry: Entry, factsOf: (traceId: string) => TraceFacts | undefined) => {
  const facts = factsOf(entry.traceId) ?? entry.trace
  return {
    traceId: entry.traceId,
    spanId: entry.id,
    ...(entry.parentId === undefined ? {} : { parentSpanId: entry.parentId }),
    name: entry.name ?? facts?.name ?? "trace",
    kind: internalSpan,
    startTimeUnixNano: nanosOf(entry.startUnixMicros),
    endTimeUnixNano: nanosOf(Math.max(entry.endUnixMicros ?? 0, entry.startUnixMicros)),
    attributes: attributesOf(entry, facts),
    status: entry.level === "ERROR" ? { code: errorStatus } : {}
  }
}

const internalSpan = 1
const errorStatus = 2

const attributesOf = (entry: Entry, facts: TraceFacts | undefined): ReadonlyArray<unknown> => {
  const attributes = new Attributes()
    .text("langfuse.observation.type", entry.type)
    .text("langfuse.trace.name", facts?.name)
    .texts("langfuse.trace.tags", facts?.tags)
    .text("user.id", entry.userId === undefined ? undefined : identifier(entry.userId))
    .text("session.id", entry.sessionId === undefined ? undefined : identifier(entry.sessionId))
    .text("langfuse.observation.level", entry.level)
    .text("langfuse.observation.status_message", entry.statusMessage)
    .text("langfuse.observation.input", entry.input)
    .text("langfuse.observation.output", entry.output)
  for (const [key, value] of entry.metadata) attributes.text(`langfuse.observation.metadata.${key}`, value)
  if (entry.trace !== undefined) {
    for (const [key, value] of entry.trace.metadata) attributes.text(`langfuse.trace.metadata.${key}`, value)
    // A trace that continues one of another process has a parent, and is still a root here. Depending on how a server
    // writes, it reads one or the other of these attributes, as a boolean or as text.
    attributes.flag("langfuse.internal.is_app_root").text("langfuse.internal.as_root", "true")
  }
  return addModel(attributes, entry).all
}

const addModel = (attributes: Attributes, { model }: Entry): Attributes =>
  model === undefined ? attributes : attributes
    .text("langfuse.observation.model.name", model.name)
    .json("langfuse.observation.model.parameters", model.parameters)
    .json("langfuse.observation.usage_details", model.usage)
    .json("langfuse.observation.cost_details", model.cost)
    .text(
      "langfuse.observation.completion_start_time",
      model.firstTokenUnixMicros === undefined ? undefined : isoOf(model.firstTokenUnixMicros)
    )

type Value =
  | { readonly stringValue: Text }
  | { readonly boolValue: boolean }
  | { readonly arrayValue: { readonly values: ReadonlyArray<Value> } }

/** OTLP's list of typed values. Values that are not known are left out. */
class Attributes {
  readonly all: Array<{ readonly key: string; readonly value: Value }> = []

  text(key: string, value: Text | undefined): this {
    if (value !== undefined) this.all.push({ key, value: { stringValue: value } })
    return this
  }

  json(key: string, value: Readonly<Record<string, number>> | undefined): this {
    return this.text(key, value === undefined ? undefined : JSON.stringify(value))
  }

  texts(key: string, values: ReadonlyArray<string> | undefined): this {
    if (values !== undefined && values.length > 0) {
      this.all.push({ key, value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } } })
    }
    return this
  }

  flag(key: string): this {
    this.all.push({ key, value: { boolValue: true } })
    return this
  }
}
