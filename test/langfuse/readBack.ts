/** What a server shows of a record, in one form for both protocols. */
import type { Row } from "./ingestionRows.ts"
import type { MockLangfuse } from "./mockLangfuse.ts"

export interface Shown {
  readonly id: unknown
  readonly traceId: unknown
  readonly parent: unknown
  readonly type: unknown
  readonly name: unknown
  readonly environment: unknown
  readonly start: string
  readonly end: string | undefined
  readonly firstToken: string | undefined
  readonly level: unknown
  readonly statusMessage: unknown
  readonly input: unknown
  readonly output: unknown
  readonly metadata: Readonly<Record<string, unknown>>
  readonly model: unknown
  readonly parameters: unknown
  readonly usage: unknown
  readonly cost: unknown
}

export const readBack = (mock: MockLangfuse): ReadonlyMap<unknown, Shown> =>
  new Map(
    [...mock.ingestion.observations.map(ofIngestion), ...mock.otlp.rows.map(ofOtlp)].map((shown) => [shown.id, shown])
  )

const ofIngestion = (row: Row): Shown => ({
  id: row["id"],
  traceId: row["trace_id"],
  parent: row["parent_observation_id"],
  type: row["type"],
  name: row["name"],
  environment: row["environment"],
  start: String(row["start_time"]),
  end: text(row["end_time"]),
  firstToken: text(row["completion_start_time"]),
  level: row["level"],
  statusMessage: row["status_message"],
  input: row["input"],
  output: row["output"],
  metadata: (row["metadata"] ?? {}) as Shown["metadata"],
  model: row["provided_model_name"],
  parameters: row["model_parameters"],
  usage: row["usage_details"],
  cost: row["cost_details"]
})

const ofOtlp = (row: Row): Shown => ({
  id: row["span_id"],
  traceId: row["trace_id"],
  parent: filled(row["parent_span_id"]),
  type: row["type"],
  name: row["name"],
  environment: row["environment"],
  // nothing finer than what the other protocol's tables hold
  start: String(row["start_time"]).slice(0, -3),
  end: String(row["end_time"]).slice(0, -3),
  firstToken: row["completion_start_time"] === null
    ? undefined
    : String(row["completion_start_time"]).replace("T", " ").slice(0, 23),
  level: row["level"],
  statusMessage: filled(row["status_message"]),
  input: filled(row["input"]),
  output: filled(row["output"]),
  metadata: ownMetadata(row),
  model: filled(row["provided_model_name"]),
  parameters: row["model_parameters"] === "{}" ? undefined : row["model_parameters"],
  usage: filledObject(row["usage_details"]),
  cost: filledObject(row["cost_details"])
})

const ownMetadata = (row: Row): Shown["metadata"] => {
  const values = row["metadata_values"] as ReadonlyArray<string>
  return Object.fromEntries(
    (row["metadata_names"] as ReadonlyArray<string>)
      .map((name, at) => [name, values[at]] as const)
      // copies of what the row has in columns
      .filter(([name]) => !/^(?:attributes\.|resourceAttributes\.|scope\.)/.test(name))
  )
}

const text = (value: unknown): string | undefined => value === undefined ? undefined : String(value)

const filled = (value: unknown): unknown => value === "" ? undefined : value

const filledObject = (value: unknown): unknown => Object.keys(value as object).length === 0 ? undefined : value
