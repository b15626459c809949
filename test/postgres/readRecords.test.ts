/** What was written is read back as the same: the readers are the inverse of the tables' descriptions. */
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, Effect, FastCheck, Runtime } from "effect"
import type { SpanId } from "../../src/Identifier.ts"
import { jsonText } from "../../src/internal/jsonText.ts"
import { chatMessageTable } from "../../src/internal/postgres/chatMessageTable.ts"
import { documentEventTable } from "../../src/internal/postgres/documentEventTable.ts"
import { apart } from "../../src/internal/postgres/isolation.ts"
import type { PrintedRow } from "../../src/internal/postgres/readCells.ts"
import { readPage } from "../../src/internal/postgres/readPages.ts"
import { readings } from "../../src/internal/postgres/readTables.ts"
import { withoutNul } from "../../src/internal/postgres/safeText.ts"
import { spanTable } from "../../src/internal/postgres/spanTable.ts"
import { traceTable } from "../../src/internal/postgres/traceTable.ts"
import type { Json, JsonObject, Observation, SpanKind, Trace } from "../../src/Observation.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as Observations from "../observations.ts"
import type { Fixture } from "./pgFixture.ts"
import { clear, fixture } from "./pgFixture.ts"

const { chatMessage, documentEvent, modelCall, resource, span, spanId, startTimeUnixMicros, trace, traceId, usage } =
  Observations

const maybe = <A>(arbitrary: FastCheck.Arbitrary<A>) => FastCheck.option(arbitrary, { nil: undefined })

/** Lone surrogates, NUL, quotes, backslashes and all that is not a letter. */
const text = FastCheck.oneof(
  FastCheck.string({ unit: "binary", maxLength: 40 }),
  FastCheck.constantFrom("", "\0", "\ud800", "a\0b\udc00", "null", "{}", "\\u0000", "'\"\\", "💥", "__proto__")
)
const count = FastCheck.nat({ max: Number.MAX_SAFE_INTEGER })
const figure = FastCheck.oneof(
  FastCheck.double(),
  FastCheck.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324, 0.1)
)
const money = FastCheck.tuple(FastCheck.bigInt({ min: 0n, max: 10n ** 40n }), FastCheck.integer({ min: -5, max: 30 }))
  .map(([digits, scale]) => BigDecimal.make(digits, scale))
const json = FastCheck.jsonValue().map((value) => value as Json)
const jsonObject = FastCheck.dictionary(text, json, { maxKeys: 4 }).map((value) => value as JsonObject)
const time = FastCheck.integer({ min: 0, max: 86_399_999_999 }).map((micros) => startTimeUnixMicros + micros)
const error = FastCheck.record({ type: text, message: text, cause: maybe(text) })
const id = FastCheck.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((value) => spanId(0).slice(1) + value.toString(16))
  .map((digits) => digits.slice(-16) as SpanId)

const common = {
  traceId: FastCheck.integer({ min: 1, max: 3 }).map(traceId),
  resource: FastCheck.constantFrom(resource, {
    ...resource,
    processId: "0195512f-6c00-7000-8000-000000000002",
    environment: undefined,
    release: undefined
  }),
  userId: maybe(text),
  sessionId: maybe(text),
  kbId: maybe(text)
}

const ended = {
  status: FastCheck.constantFrom("success" as const, "error" as const, "interrupted" as const, "lost" as const),
  revision: FastCheck.constantFrom(1, closedRevision, closedRevision + 3),
  startTimeUnixMicros: time,
  durationMicros: maybe(count),
  error: maybe(error),
  input: maybe(json),
  output: maybe(json)
}

const anyUsage = FastCheck.record(
  Object.fromEntries(Object.keys(usage()).map((name) => [name, maybe(count)]))
).map(usage)

const anyRecord: FastCheck.Arbitrary<Observation> = FastCheck.oneof(
  FastCheck.record({
    ...common,
    ...ended,
    spanId: id,
    parentSpanId: maybe(id),
    name: maybe(text),
    operationType: maybe(text),
    totals: maybe(FastCheck.record({
      inputTokens: maybe(count),
      outputTokens: maybe(count),
      costUsd: maybe(money),
      stated: FastCheck.boolean()
    })),
    tags: maybe(FastCheck.array(text, { maxLength: 3 })),
    metadata: maybe(jsonObject)
  }).map(trace),
  FastCheck.record({
    ...common,
    ...ended,
    spanId: id,
    parentSpanId: maybe(id),
    name: text,
    type: text,
    metrics: maybe(FastCheck.record({
      resultCount: maybe(count),
      topScore: maybe(figure),
      pageCount: maybe(count),
      chunkCount: maybe(count)
    })),
    modelCall: maybe(
      FastCheck.record({
        provider: maybe(text),
        model: maybe(text),
        temperature: maybe(figure),
        finishReason: maybe(text),
        timeToFirstTokenMicros: maybe(count),
        usage: maybe(anyUsage),
        costUsd: maybe(money),
        priceId: maybe(text),
        isSubtotal: FastCheck.boolean()
      }).map(modelCall)
    ),
    // what is stored as nothing comes back as nothing
    kind: maybe(FastCheck.constantFrom<SpanKind>("server", "client", "producer", "consumer")),
    links: maybe(
      FastCheck.array(FastCheck.record({ traceId: common.traceId, spanId: id, attributes: jsonObject }), {
        minLength: 1
      })
    ),
    events: maybe(
      FastCheck.array(FastCheck.record({ name: text, timeUnixMicros: time, attributes: jsonObject }), { minLength: 1 })
    ),
    attributes: maybe(jsonObject)
  }).map(span),
  FastCheck.record({
    ...common,
    revision: FastCheck.constant(closedRevision),
    messageId: id,
    spanId: id,
    timeUnixMicros: time,
    sequence: count,
    role: text,
    content: json,
    turnNumber: maybe(count),
    sources: maybe(json),
    citations: maybe(json),
    tokens: maybe(count),
    model: maybe(text),
    responseTimeMicros: maybe(count),
    metadata: maybe(jsonObject)
  }).map(chatMessage),
  FastCheck.record({
    ...common,
    revision: FastCheck.constant(closedRevision),
    eventId: id,
    spanId: id,
    timeUnixMicros: time,
    sequence: count,
    documentId: text,
    documentName: maybe(text),
    eventType: text,
    status: FastCheck.constantFrom("started" as const, "completed" as const, "failed" as const, "skipped" as const),
    durationMicros: maybe(count),
    metrics: maybe(jsonObject),
    error: maybe(
      FastCheck.record({
        type: text,
        message: text,
        cause: maybe(text),
        retryable: maybe(FastCheck.boolean()),
        retryCount: maybe(count)
      })
    ),
    metadata: maybe(jsonObject)
  }).map(documentEvent)
)

/** What a record means, in the forms that `docs/schema.md` promises. */
const meaningOf = (value: unknown): unknown => {
  if (typeof value === "string") return withoutNul(value).toWellFormed()
  if (BigDecimal.isBigDecimal(value)) return BigDecimal.format(BigDecimal.normalize(value))
  if (Array.isArray(value)) return value.map(meaningOf)
  if (typeof value !== "object" || value === null) return value
  // a group of figures of which none is known says nothing
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
    .map(([name, entry]) => [name, jsonFields.has(name) ? JSON.parse(jsonText(entry)) : meaningOf(entry)] as const)
    .filter(([, entry]) => entry !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const jsonFields = new Set(["input", "output", "metadata", "attributes", "tags", "content", "sources", "citations"])

const expected = (record: Observation): unknown => {
  const { size: _, ...rest } = record
  if (rest._tag === "DocumentEvent") return { ...meaningOf(rest) as object, ...jsonOf({ metrics: rest.metrics }) }
  return meaningOf(rest._tag === "Trace" && !isStated(rest.totals) ? { ...rest, totals: undefined } : rest)
}

/** What a program states of nothing is nothing. */
const isStated = (totals: Trace["totals"]) =>
  totals?.stated === true && (totals.inputTokens ?? totals.outputTokens ?? totals.costUsd) !== undefined

const jsonOf = (fields: Readonly<Record<string, Json | undefined>>) =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value === undefined ? undefined : JSON.parse(jsonText(value))])
  )

/** Everything that is stored of the traces, in pages of a few rows. */
const readAll = ({ sql }: Fixture, pageSize: number) =>
  Effect.gen(function*() {
    const found: Array<Observation> = []
    const selection = { traceIds: [1, 2, 3].map(traceId), sinceUnixMicros: 0 }
    for (const reading of readings) {
      let page = yield* readPage("observability", reading, selection, undefined, pageSize)
      for (;;) {
        for (const row of page.rows) found.push(reading.read(row))
        if (page.next === undefined) break
        page = yield* readPage("observability", reading, selection, page.next, pageSize)
      }
    }
    return found
  }).pipe(apart(sql))

const byId = (records: ReadonlyArray<Observation>): ReadonlyMap<string, Observation> =>
  new Map(records.map((record) => [`${record._tag} ${record.traceId} ${keyOf(record)}`, record]))

/** A trace has one row, whatever its span. */
const keyOf = (record: Observation): string =>
  record._tag === "Trace" ? "" : record._tag === "Span"
    ? `${record.spanId} ${record.startTimeUnixMicros}`
    : record._tag === "ChatMessage"
    ? `${record.messageId} ${record.timeUnixMicros}`
    : `${record.eventId} ${record.timeUnixMicros}`

describe("reading", () => {
  it.scopedLive(
    "gives back what was written, whatever the values and the size of a page",
    () =>
      Effect.gen(function*() {
        const store = yield* fixture()
        const runtime = yield* Effect.runtime()
        yield* store.provider.write([trace()])
        yield* Effect.promise(() =>
          FastCheck.assert(
            FastCheck.asyncProperty(
              FastCheck.array(anyRecord, { minLength: 1, maxLength: 12 }),
              FastCheck.integer({ min: 1, max: 5 }),
              (records, pageSize) =>
                Runtime.runPromise(runtime)(Effect.gen(function*() {
                  yield* clear(store)
                  const written = Array.from(byId(records).values())
                  yield* Effect.forEach(written, (record) => store.provider.write([record]))
                  const read = byId(yield* readAll(store, pageSize))
                  expect(read.size).toBe(written.length)
                  for (const [key, record] of byId(written)) expect(expected(read.get(key)!)).toEqual(expected(record))
                }))
            ),
            { numRuns: 100 }
          )
        )
      }),
    120_000
  )

  it("asks for every column of every table, but for what only storing needs", () => {
    const unread = [traceTable, spanTable, chatMessageTable, documentEventTable].flatMap((table, index) => {
      const asked = new Set<string>()
      const row: PrintedRow = new Proxy({}, {
        get: (_, name) => {
          asked.add(String(name))
          return printed(String(name))
        }
      })
      readings[index]!.read(row)
      return table.columns.map(({ name }) => name).filter((name) => !asked.has(name))
    })
    // a trace has a start that is more exact than the one it is stored under
    expect(unread).toEqual(["started_at", "begun_revision"])
  })
})

/** Something that can be read, in any column of that name. */
const printed = (column: string): string =>
  column === "trace_id"
    ? traceId(1)
    : /_id$/.test(column)
    ? spanId(1)
    : /^(?:temperature|top_score)$/.test(column)
    ? "3ff0000000000000"
    : column === "tags"
    ? "[]"
    : jsonFields.has(column) || column === "metrics"
    ? "{}"
    : "1"
