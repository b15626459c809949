/**
 * Every field that is sent is one that the server's own API description knows. The descriptions are too large to be kept
 * here; with `LANGFUSE_OPENAPI_DIR` naming a folder with `openapi-*.yml` of Langfuse, they are compared.
 */
import { describe, expect, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { entryOf } from "../../../src/internal/langfuse/entryOf.ts"
import { eventsOf } from "../../../src/internal/langfuse/ingestionEvents.ts"
import { otlpRequest } from "../../../src/internal/langfuse/otlpRequest.ts"
import { closedSpan, closedTrace } from "../../langfuse/records.ts"
import * as Records from "../../observations.ts"
import { run } from "../steps.ts"

const folder = process.env["LANGFUSE_OPENAPI_DIR"] ?? ""
const files = folder !== "" && existsSync(folder)
  ? readdirSync(folder).filter((name) => /^openapi-.*\.yml$/.test(name))
  : []

const common = { userId: "u", sessionId: "s", kbId: "k" }
const records = [
  closedTrace({ ...common, tags: ["t"], metadata: { a: 1 }, input: "i", output: "o" }),
  closedSpan({
    ...common,
    type: "llm",
    status: "error",
    error: { type: "E", message: "m", cause: "c" },
    input: "i",
    output: "o",
    modelCall: Records.modelCall({
      temperature: 0,
      timeToFirstTokenMicros: 1,
      usage: Records.usage({ outputTokens: 1 }),
      costUsd: Records.usd("1")
    })
  }),
  Records.chatMessage(common),
  Records.documentEvent(common)
]

/** What is not known is not sent. */
const sentKeys = (body: object): Array<string> => Object.keys(JSON.parse(JSON.stringify(body)) as object)

/** Names of a schema's properties, with those of the schemas that it extends. The files are as regular as generated text is. */
const propertiesOf = (lines: ReadonlyArray<string>, schema: string): ReadonlyArray<string> => {
  const start = lines.indexOf(`    ${schema}:`)
  const length = lines.slice(start + 1).findIndex((line) => /^ {4}\S/.test(line))
  const own = lines.slice(start + 1, start + 1 + length)
  const inherited = own.join("\n").match(/allOf:(?:\n {8}- .*)+/)?.[0].match(/(?<=schemas\/)\w+/g) ?? []
  return [
    ...own.map((line) => /^ {8}(\w+):$/.exec(line)?.[1]).filter((name) => name !== undefined),
    ...inherited.flatMap((parent) => propertiesOf(lines, parent))
  ]
}

const schemas = new Map([
  ["trace-create", "TraceBody"],
  ["span-create", "CreateSpanBody"],
  ["generation-create", "CreateGenerationBody"],
  ["event-create", "CreateEventBody"]
])

describe("the API description", () => {
  it.skipIf(files.length === 0)("is in the folder that LANGFUSE_OPENAPI_DIR names", () => {
    expect(files).not.toEqual([])
  })

  for (const file of files) {
    const lines = readFileSync(join(folder, file), "utf8").split("\n")

    it(`${file} knows every field of every event`, () => {
      const events = records.flatMap((record) => eventsOf(run(entryOf(record)), true))
      expect(new Set(events.map(({ type }) => type))).toEqual(new Set(schemas.keys()))
      for (const { body, type } of events) {
        expect(propertiesOf(lines, schemas.get(type)!)).toEqual(expect.arrayContaining(sentKeys(body)))
      }
    })

    it(`${file} knows every field of a span of OTLP`, () => {
      const { resourceSpans } = otlpRequest(records.map((record) => run(entryOf(record))), () => undefined) as {
        readonly resourceSpans: ReadonlyArray<{ readonly scopeSpans: ReadonlyArray<{ readonly spans: Array<object> }> }>
      }
      const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scoped) => scoped.spans))
      expect(spans.length).toBe(records.length)
      for (const span of spans) {
        expect(propertiesOf(lines, "OtelSpan")).toEqual(expect.arrayContaining(sentKeys(span)))
      }
    })
  }
})
