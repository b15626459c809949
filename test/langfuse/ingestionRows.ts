/** What a Langfuse server stores of accepted ingestion events: rows merged as recorded from version 4.16.0. */
import { isObject } from "./eventSchema.ts"

export type Row = Readonly<Record<string, unknown>>

export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly body: Readonly<Record<string, unknown>>
}

export class IngestionRows {
  /** Events by what they are about; a thing that changes its type is another thing. */
  private readonly entities = new Map<string, Array<StoredEvent>>()
  private readonly keysOfId = new Map<string, ReadonlyArray<string>>()
  private readonly traceOfObservation = new Map<string, unknown>()
  private readonly firstSeen = new Map<string, { environment: unknown; start: unknown }>()

  /** The events of one request. One lone surrogate loses all of them. */
  add(events: ReadonlyArray<StoredEvent>): void {
    if (!isWellFormed(events)) return
    const touched = new Set<string>()
    for (const event of events) {
      const key = keyOf(event)
      if (key === undefined) continue
      const known = this.entities.get(key) ?? []
      if (known.length === 0) this.keysOfId.set(idOf(key), [...this.keysOfId.get(idOf(key)) ?? [], key])
      this.entities.set(key, [...known.filter((other) => other.id !== event.id), event])
      touched.add(key)
    }
    // what is never changed afterwards is fixed when a request has been worked through, not by the events' own times
    for (const key of touched) this.fix(key)
  }

  get traces(): ReadonlyArray<Row> {
    return Array.from(this.entities, ([key, events]) => key.startsWith("TRACE ") ? this.traceRow(key, events) : [])
      .flat()
  }

  get observations(): ReadonlyArray<Row> {
    return Array.from(
      this.entities,
      ([key, events]) => key.startsWith("TRACE ") ? [] : [this.observationRow(key, this.withEarlier(key, events))]
    ).flat().sort((left, right) => String(left["type"]) < String(right["type"]) ? -1 : 1)
  }

  private fix(key: string): void {
    if (this.firstSeen.has(key)) return
    const [first] = sorted(this.entities.get(key)!)
    const isTrace = key.startsWith("TRACE ")
    const id = String(first!.body["id"])
    if (!isTrace && !this.traceOfObservation.has(id)) this.traceOfObservation.set(id, first!.body["traceId"])
    const earlier = isTrace ? undefined : this.earlier(key)
    this.firstSeen.set(
      key,
      earlier ?? {
        environment: environmentOf(first!.body["environment"]),
        start: first!.body[isTrace ? "timestamp" : "startTime"] ?? first!.timestamp
      }
    )
  }

  /** A thing of another type under the same id, which began before. */
  private earlier(key: string) {
    const other = this.namesake(key)
    return other === undefined ? undefined : this.firstSeen.get(other)
  }

  /** A change of type starts from what is known of the id, and leaves the row that was there. */
  private withEarlier(key: string, events: ReadonlyArray<StoredEvent>): ReadonlyArray<StoredEvent> {
    if (events.some((event) => event.type.endsWith("-create"))) return events
    const other = this.namesake(key)
    return other === undefined ? events : [...this.entities.get(other)!, ...events]
  }

  private namesake(key: string): string | undefined {
    return this.keysOfId.get(idOf(key))?.find((known) => known !== key && this.firstSeen.has(known))
  }

  private traceRow(key: string, events: ReadonlyArray<StoredEvent>): Row {
    const merged = mergedBody(events)
    const { environment, start } = this.firstSeen.get(key)!
    return known({
      id: merged["id"],
      timestamp: clickhouse(start),
      name: merged["name"],
      user_id: merged["userId"],
      session_id: merged["sessionId"],
      release: merged["release"],
      tags: tagsOf(events),
      metadata: metadataOf(merged["metadata"]),
      environment,
      public: sorted(events).at(-1)!.body["public"] === true,
      input: textOf(merged["input"]),
      output: textOf(merged["output"])
    })
  }

  private observationRow(key: string, events: ReadonlyArray<StoredEvent>): Row {
    const merged = mergedBody(events)
    const { environment, start } = this.firstSeen.get(key)!
    const end = merged["endTime"] ?? undefined
    const usage = figures(merged["usageDetails"], Number.isInteger)
    const cost = figures(merged["costDetails"], Number.isFinite)
    return known({
      id: merged["id"],
      trace_id: this.traceOfObservation.get(String(merged["id"])),
      parent_observation_id: merged["parentObservationId"],
      type: key.split(" ")[0],
      name: merged["name"] ?? ("name" in merged ? "" : undefined),
      environment,
      start_time: clickhouse(start),
      end_time: end === undefined ? undefined : maxTime(clickhouse(end), clickhouse(start)),
      completion_start_time: merged["completionStartTime"] === undefined
        ? undefined
        : clickhouse(merged["completionStartTime"]),
      level: merged["level"] ?? "DEFAULT",
      status_message: merged["statusMessage"],
      metadata: metadataOf(merged["metadata"]),
      provided_model_name: merged["model"],
      model_parameters: merged["modelParameters"] === undefined ? undefined : JSON.stringify(merged["modelParameters"]),
      provided_usage_details: usage,
      usage_details: usage === undefined ? undefined : {
        ...usage,
        total: usage["total"] ?? Object.values(usage).reduce((sum, tokens) => sum + tokens, 0)
      },
      provided_cost_details: cost,
      cost_details: cost,
      total_cost: cost?.["total"],
      input: textOf(merged["input"]),
      output: textOf(merged["output"])
    })
  }
}

const keyOf = ({ body, type }: StoredEvent): string | undefined => {
  // an event without an id of what it is about is accepted, and goes nowhere
  if (body["id"] === undefined || type === "sdk-log" || type === "score-create") return undefined
  return `${type.replace(/-(?:create|update)$/, "").toUpperCase()} ${String(body["id"])}`
}

const idOf = (key: string): string => key.slice(key.indexOf(" ") + 1)

const sorted = (events: ReadonlyArray<StoredEvent>): ReadonlyArray<StoredEvent> =>
  Array.from(events).sort((left, right) =>
    Date.parse(left.timestamp) - Date.parse(right.timestamp) ||
    Number(right.type.endsWith("-create")) - Number(left.type.endsWith("-create"))
  )

/** Fields for which `null` means nothing, where for others it means that there is none. */
const nullIgnored = new Set(["statusMessage", "parentObservationId", "endTime", "completionStartTime", "model"])

const mergedBody = (events: ReadonlyArray<StoredEvent>): Record<string, unknown> => {
  const merged: Record<string, unknown> = {}
  for (const { body } of sorted(events)) {
    for (const [name, value] of Object.entries(body)) {
      if (value === undefined || (value === null && nullIgnored.has(name))) continue
      if ((name === "input" || name === "output") && !value) continue
      merged[name] = name === "metadata" ? deepMerge(merged[name], value) : value
    }
  }
  return merged
}

const deepMerge = (left: unknown, right: unknown): unknown => {
  if (!isObject(left) || !isObject(right)) return right
  const merged = new Map(Object.entries(left))
  for (const [key, value] of Object.entries(right)) merged.set(key, deepMerge(merged.get(key), value))
  return Object.fromEntries(merged)
}

const metadataOf = (metadata: unknown): unknown =>
  isObject(metadata) && Object.keys(metadata).length > 0
    ? Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, textOf(value) ?? ""]))
    : undefined

const tagsOf = (events: ReadonlyArray<StoredEvent>): ReadonlyArray<unknown> | undefined => {
  const tags = new Set(events.flatMap(({ body }) => Array.isArray(body["tags"]) ? body["tags"] as Array<unknown> : []))
  return tags.size === 0 ? undefined : Array.from(tags).sort()
}

const figures = (
  values: unknown,
  isValid: (value: number) => boolean
): Readonly<Record<string, number>> | undefined =>
  isObject(values)
    ? Object.fromEntries(
      Object.entries(values).filter((entry): entry is [string, number] =>
        typeof entry[1] === "number" && isValid(entry[1]) && entry[1] >= 0
      )
    )
    : undefined

/** Top-level values are stored as text. */
const textOf = (value: unknown): string | undefined =>
  value === undefined ? undefined : typeof value === "string" ? value : JSON.stringify(value)

export const environmentOf = (value: unknown): string => {
  const name = String(value ?? "").toLowerCase().replace(/^langfuse[-_]/, "").slice(0, 40)
  return /^[a-z0-9_-]+$/.test(name) ? name : "default"
}

/** To the millisecond; what is finer is cut off. */
const clickhouse = (iso: unknown): string =>
  new Date(Math.floor(Date.parse(String(iso)))).toISOString().replace("T", " ").slice(0, -1)

const maxTime = (left: string, right: string): string => left < right ? right : left

const known = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined && value !== null))

export const isWellFormed = (value: unknown): boolean => {
  if (typeof value === "string") return value.isWellFormed()
  if (Array.isArray(value)) return value.every(isWellFormed)
  return !isObject(value) || Object.entries(value).every(([key, item]) => key.isWellFormed() && isWellFormed(item))
}
