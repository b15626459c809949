/** What a Langfuse server says about one ingestion event, issue for issue, as recorded from version 4.16.0. */

export interface Issue {
  readonly code: string
  readonly path: ReadonlyArray<string | number>
  readonly message: string
  readonly note?: string
}

type Path = ReadonlyArray<string | number>
type Check = (value: unknown, path: Path) => ReadonlyArray<Issue>

/** The issues of an event; none when it is accepted. */
export const issuesOf = (event: unknown, isTyped: boolean): ReadonlyArray<Issue> => {
  if (!isObject(event)) return [wrongType("object", event, [])]
  const body = bodies.get(String(event["type"]))
  if (body === undefined || (!isTyped && typedCreates.has(String(event["type"])))) {
    return [{ code: "invalid_union", note: "No matching discriminator", path: ["type"], message: "Invalid input" }]
  }
  return object({ id, timestamp: required(isoDateTime), body: required(body) })(event, [])
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const typeName = (value: unknown): string => value === null ? "null" : Array.isArray(value) ? "array" : typeof value

const wrongType = (expected: string, value: unknown, path: Path): Issue => ({
  code: "invalid_type",
  path,
  message: `Invalid input: expected ${expected}, received ${typeName(value)}`
})

const custom = (path: Path, message: string): Issue => ({ code: "custom", path, message })

const ofType = (type: "string" | "number" | "boolean"): Check => (value, path) =>
  typeof value === type ? [] : [wrongType(type, value, path)]

const string = ofType("string")

const anything: Check = () => []

/** Everything but the ids may be missing, or null. */
const optional = (check: Check): Check => (value, path) =>
  value === undefined || value === null ? [] : check(value, path)

const required = (check: Check): Check => check

const object = (fields: Readonly<Record<string, Check>>): Check => (value, path) =>
  isObject(value)
    ? Object.entries(fields).flatMap(([name, check]) => check(value[name], [...path, name]))
    : [wrongType("object", value, path)]

const lengthBetween = (least: number, most: number): Check => (value, path) => {
  if (typeof value !== "string") return [wrongType("string", value, path)]
  if (value.length < least) {
    return [{ code: "too_small", path, message: `Too small: expected string to have >=${least} characters` }]
  }
  return value.length > most
    ? [{ code: "too_big", path, message: `Too big: expected string to have <=${most} characters` }]
    : []
}

const id: Check = (value, path) => {
  const issues = lengthBetween(1, 800)(value, path)
  return issues.length === 0 && String(value).includes("\r")
    ? [custom(path, "ID cannot contain carriage return characters")]
    : issues
}

const isoPattern =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

const isoDateTime: Check = (value, path) => {
  if (typeof value !== "string") return [wrongType("string", value, path)]
  return isoPattern.test(value) ? [] : [{ code: "invalid_format", path, message: "Invalid ISO datetime" }]
}

const level: Check = (value, path) =>
  ["DEBUG", "DEFAULT", "WARNING", "ERROR"].includes(String(value)) ? [] : [{
    code: "invalid_value",
    path,
    message: "Invalid option: expected one of \"DEBUG\"|\"DEFAULT\"|\"WARNING\"|\"ERROR\""
  }]

const arrayOf = (check: Check): Check => (value, path) =>
  Array.isArray(value)
    ? value.flatMap((item, at) => check(item, [...path, at]))
    : [wrongType("array", value, path)]

const modelParameters: Check = (value, path) =>
  isObject(value)
    ? Object.entries(value).flatMap(([name, parameter]) =>
      isParameter(parameter) ? [] : [{ code: "invalid_union", path: [...path, name], message: "Invalid input" }]
    )
    : [wrongType("object", value, path)]

const isParameter = (value: unknown): boolean =>
  value === null || ["string", "number", "boolean"].includes(typeof value) ||
  (Array.isArray(value) && value.every((item) => typeof item === "string")) ||
  (isObject(value) && Object.values(value).every((item) => typeof item === "string"))

/** The old form of usage. `usageDetails` accepts anything, and drops what it cannot use. */
const usage: Check = (value, path) =>
  isObject(value)
    ? Object.entries(value).flatMap(([name, tokens]) =>
      typeof tokens === "number" && !Number.isInteger(tokens) ? [wrongType("int", tokens, [...path, name])] : []
    )
    : [wrongType("object", value, path)]

const traceFields = {
  id: optional(id),
  timestamp: optional(isoDateTime),
  name: optional(lengthBetween(0, 1_000)),
  userId: optional(string),
  sessionId: optional(string),
  release: optional(string),
  version: optional(string),
  public: optional(ofType("boolean")),
  tags: optional(arrayOf(string)),
  metadata: anything
}

const eventFields = {
  id,
  traceId: optional(string),
  parentObservationId: optional(string),
  name: optional(string),
  startTime: optional(isoDateTime),
  level: optional(level),
  statusMessage: optional(string),
  version: optional(string)
}

const spanFields = { ...eventFields, endTime: optional(isoDateTime) }

const generationFields = {
  ...spanFields,
  completionStartTime: optional(isoDateTime),
  model: optional(string),
  modelParameters: optional(modelParameters),
  usage: optional(usage)
}

const generation: Check = (value, path) => {
  const issues = object(generationFields)(value, path)
  if (issues.length > 0 || !isObject(value)) return issues
  const hasName = (value["promptName"] ?? undefined) !== undefined
  const version = value["promptVersion"] ?? undefined
  return hasName === (version !== undefined) && (version === undefined || Number(version) >= 1)
    ? []
    : [custom(path, "Invalid input")]
}

const score: Check = (value, path) => {
  const issues = object({ name: string })(value, path)
  if (issues.length > 0 || !isObject(value)) return issues
  const targets = ["traceId", "sessionId", "datasetRunId"].filter((name) => (value[name] ?? undefined) !== undefined)
  if (targets.length !== 1) {
    return [custom(
      [...path, "traceId", "sessionId", "datasetRunId", "observationId"],
      "Provide exactly one of the following: traceId (with optional observationId), sessionId or datasetRunId. " +
        "ObservationId requires traceId."
    )]
  }
  if (value["dataType"] === "NUMERIC") return ofType("number")(value["value"], [...path, "value"])
  return value["dataType"] === "BOOLEAN" && value["value"] !== 0 && value["value"] !== 1
    ? [custom([...path, "value"], "Value must be a number equal to either 0 or 1 for data type BOOLEAN")]
    : []
}

const types = ["agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail"]

const typedCreates: ReadonlySet<string> = new Set(types.map((type) => `${type}-create`))

const bodies: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["trace-create", object(traceFields)],
  ["event-create", object(eventFields)],
  ["span-create", object(spanFields)],
  ["span-update", object(spanFields)],
  ["generation-create", generation],
  ["generation-update", generation],
  ...types.map((type) => [`${type}-create`, generation] as const),
  ["observation-create", object({ id })],
  ["observation-update", object({ id })],
  ["sdk-log", anything],
  ["score-create", score],
  ["dataset-run-item-create", object({ datasetId: string, runId: string, datasetItemId: string })]
])
