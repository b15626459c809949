/** What a Langfuse server stores of an OTLP request: one row per span, replaced and never merged. */
import { isObject } from "./eventSchema.ts"
import type { Row } from "./ingestionRows.ts"
import { environmentOf, isWellFormed } from "./ingestionRows.ts"

export class OtlpRows {
  private readonly byKey = new Map<string, Row>()

  get rows(): ReadonlyArray<Row> {
    return Array.from(this.byKey.values())
  }

  /** @returns why the whole request is refused, if it is */
  add(request: unknown): string | undefined {
    const rows: Array<Row> = []
    for (const group of list(isObject(request) ? request["resourceSpans"] : undefined)) {
      const resource = attributesOf(field(group, "resource"))
      for (const scoped of list(field(group, "scopeSpans"))) {
        for (const span of list(field(scoped, "spans"))) {
          if (!isObject(span) || typeof span["traceId"] !== "string" || typeof span["spanId"] !== "string") {
            return "Invalid span"
          }
          if (!/^[0-9a-f]{32}$/.test(span["traceId"]) || !/^[0-9a-f]{16}$/.test(span["spanId"])) return "Invalid id"
          if (!Array.isArray(span["attributes"])) return "attributes is not iterable"
          rows.push(rowOf(span, resource, field(scoped, "scope")))
        }
      }
    }
    // the same span with another start is another row
    if (isWellFormed(rows)) { for (const row of rows) this.byKey.set(`${row["span_id"]} ${row["start_time"]}`, row) }
    return undefined
  }
}

const rowOf = (span: Record<string, unknown>, resource: Attributes, scope: unknown): Row => {
  const attributes = attributesOf(span)
  const text = (name: string) => String(attributes.get(name) ?? "")
  const either = (name: string) => attributes.get(name) ?? resource.get(name)
  const metadata: Array<readonly [string, string]> = [
    ...Array.from(attributes, ([key, value]) => [`attributes.${key}`, asText(value)] as const)
      .filter(([key]) => !isRead(key.slice("attributes.".length))),
    ...Array.from(resource, ([key, value]) => [`resourceAttributes.${key}`, asText(value)] as const),
    ["scope.name", String(field(scope, "name") ?? "")],
    ...(field(scope, "version") === undefined ? [] : [["scope.version", String(field(scope, "version"))] as const]),
    ...metadataOf(attributes, "langfuse.trace.metadata."),
    ...metadataOf(attributes, "langfuse.observation.metadata.")
  ]
  const completion = text("langfuse.observation.completion_start_time")
  return {
    span_id: span["spanId"],
    trace_id: span["traceId"],
    parent_span_id: span["parentSpanId"] ?? "",
    type: text("langfuse.observation.type").toUpperCase() || "SPAN",
    name: span["name"],
    environment: environmentOf(either("langfuse.environment")),
    release: String(either("langfuse.release") ?? ""),
    level: text("langfuse.observation.level") || (field(span["status"], "code") === 2 ? "ERROR" : "DEFAULT"),
    status_message: text("langfuse.observation.status_message"),
    trace_name: text("langfuse.trace.name"),
    user_id: text("user.id"),
    session_id: text("session.id"),
    tags: attributes.get("langfuse.trace.tags") ?? [],
    is_app_root: attributes.get("langfuse.internal.is_app_root") === true,
    provided_model_name: text("langfuse.observation.model.name"),
    model_parameters: text("langfuse.observation.model.parameters") || "{}",
    usage_details: JSON.parse(text("langfuse.observation.usage_details") || "{}") as unknown,
    cost_details: JSON.parse(text("langfuse.observation.cost_details") || "{}") as unknown,
    input: text("langfuse.observation.input"),
    output: text("langfuse.observation.output"),
    metadata_names: metadata.map(([name]) => name),
    metadata_values: metadata.map(([, value]) => value),
    start_time: timeOf(span["startTimeUnixNano"]),
    end_time: timeOf(span["endTimeUnixNano"]),
    completion_start_time: completion === "" ? null : completion,
    source: "otel"
  }
}

/** Attributes that become columns, or metadata of their own, and are not copied. */
const isRead = (name: string): boolean =>
  /^langfuse\.(?:observation\.(?:metadata\.|input$|output$)|trace\.metadata\.)/.test(name)

type Attributes = ReadonlyMap<string, unknown>

const metadataOf = (attributes: Attributes, prefix: string): ReadonlyArray<readonly [string, string]> =>
  Array.from(attributes).filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [
    key.slice(prefix.length),
    asText(value)
  ])

const attributesOf = (owner: unknown): Attributes =>
  new Map(
    list(field(owner, "attributes")).map((attribute) => [
      String(field(attribute, "key")),
      valueOf(field(attribute, "value"))
    ])
  )

const valueOf = (value: unknown): unknown =>
  field(value, "stringValue") ?? field(value, "boolValue") ??
    list(field(field(value, "arrayValue"), "values")).map(valueOf)

const field = (value: unknown, name: string): unknown => isObject(value) ? value[name] : undefined

const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value as Array<unknown> : []

const asText = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value)

const timeOf = (nanos: unknown): string => {
  const micros = BigInt(String(nanos)) / 1_000n
  const millis = micros / 1_000n
  const date = new Date(Number(millis)).toISOString().replace("T", " ").slice(0, -1)
  return `${date}${String(micros - millis * 1_000n).padStart(3, "0")}`
}
