/** Values that PostgreSQL, or a column, refuses: each is stored in its documented safe form and harms no other record. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck, Runtime } from "effect"
import type { SpanId, TraceId } from "../../src/Identifier.ts"
import type { Json, JsonObject } from "../../src/Observation.ts"
import * as Observations from "../observations.ts"
import { clear, fixture } from "./pgFixture.ts"

const { chatMessage, documentEvent, modelCall, span, spanId, startTimeUnixMicros, trace, usage, usd } = Observations

/** The safe form, as documented: NUL and lone surrogates become U+FFFD, in values and in keys. */
const safeText = (text: string) =>
  text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\0/g, "\uFFFD")

const safe = (value: Json): Json =>
  typeof value === "string"
    ? safeText(value)
    : Array.isArray(value)
    ? value.map((element: Json) => safe(element))
    : typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, element]) => [safeText(key), safe(element)]))
    : Object.is(value, -0)
    ? 0
    : value

const hostileString = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.string({
    unit: FastCheck.constantFrom("\0", "\ud800", "\udfff", "\\", "u0000", "\\u0000", "\"", "😀", "a")
  }),
  FastCheck.constantFrom("__proto__", "constructor", "toJSON", "", "\0", "\\u0000", "\u2028", "\x7f\x1b[0m")
)

const hostileJson = FastCheck.letrec<{ readonly json: Json; readonly object: JsonObject }>((tie) => ({
  json: FastCheck.oneof(
    { maxDepth: 4 },
    hostileString,
    FastCheck.double({ noNaN: true, noDefaultInfinity: true }),
    FastCheck.boolean(),
    FastCheck.constant(null),
    FastCheck.array(tie("json"), { maxLength: 4 }),
    tie("object")
  ),
  // own properties, `__proto__` included, as a capture makes them
  object: FastCheck.array(FastCheck.tuple(hostileString, tie("json")), { maxLength: 4 }).map((entries) =>
    Object.fromEntries(entries)
  )
}))

describe("hostile content", () => {
  it.scopedLive("any metadata, input and text is stored in its safe form", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      const runtime = yield* Effect.runtime()
      yield* store.provider.write([trace(), span(), chatMessage(), documentEvent()])
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(hostileJson.object, hostileJson.json, hostileString, (metadata, content, text) =>
            Runtime.runPromise(runtime)(Effect.gen(function*() {
              yield* clear(store)
              yield* store.provider.write([chatMessage({ metadata, content, role: text, userId: text })])
              const [row] = yield* store.rows("select * from chat_messages")
              expect(row).toMatchObject({ role: safeText(text), user_id: safeText(text) })
              // two keys may have one safe form, and then the last one wins, as it does in JavaScript
              expect(row!["metadata"]).toEqual(safe(metadata))
              expect(row!["content"]).toEqual(safe(content))
            }))),
          { numRuns: 150 }
        )
      )
    }), 120_000)

  it.scopedLive("any number is stored exactly", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const numbers = [0.1, 1e21, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53 + 2, 1 / 3]
      yield* provider.write([
        span({ attributes: { numbers }, modelCall: modelCall({ temperature: NaN }) }),
        span({ spanId: spanId(9), modelCall: modelCall({ temperature: -Infinity }) })
      ])
      expect(yield* rows("select attributes, temperature from spans order by span_id")).toEqual([
        { attributes: { numbers }, temperature: NaN },
        { attributes: null, temperature: -Infinity }
      ])
    }))

  it.scopedLive("what a column cannot hold is kept, as text, beside the attributes and what was wrong before", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        span({
          attributes: { kept: true, "observability.problems": ["topScore is NaN; expected a finite number"] },
          durationMicros: Infinity,
          metrics: { resultCount: 1.5, pageCount: 2 ** 60, chunkCount: 3, topScore: undefined },
          modelCall: modelCall({ costUsd: usd("1e-2000"), usage: usage({ outputTokens: NaN }) })
        }),
        span({ spanId: spanId(9), durationMicros: 1.6 })
      ])
      expect(
        yield* rows(
          "select duration_ms, result_count, page_count, chunk_count, cost_usd, output_tokens, attributes " +
            "from spans order by span_id"
        )
      ).toEqual([
        {
          duration_ms: null,
          result_count: null,
          page_count: null,
          chunk_count: "3",
          cost_usd: null,
          output_tokens: null,
          attributes: {
            kept: true,
            "observability.problems": [
              "topScore is NaN; expected a finite number",
              "duration_us is Infinity, which its column cannot hold",
              "output_tokens is NaN, which its column cannot hold",
              "cost_usd is 1e-2000, which its column cannot hold",
              "result_count is 1.5, which its column cannot hold",
              `page_count is ${2 ** 60}, which its column cannot hold`
            ]
          }
        },
        {
          duration_ms: 0.002,
          result_count: null,
          page_count: null,
          chunk_count: null,
          cost_usd: null,
          output_tokens: null,
          attributes: null
        }
      ])
    }))

  it.scopedLive("identifiers too long for an index are cut, and stay different", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const long = "漢".repeat(500_000)
      const ids = [`${long}1`, `${long}2`]
      yield* provider.write([
        trace({ userId: long, sessionId: long, kbId: long }),
        span({ type: long, modelCall: modelCall({ model: long }) }),
        chatMessage({ sessionId: long, model: long }),
        ...ids.map((documentId, index) => documentEvent({ eventId: spanId(index + 1), documentId }))
      ])
      const found = yield* rows("select document_id from document_events order by event_id")
      expect(found.map(({ document_id: id }) => String(id).length)).toEqual([800, 800])
      expect(found[0]!["document_id"]).toMatch(/^漢+\.\.\.\[cut, 500001 characters, sha256 [0-9a-f]{16}\]$/)
      expect(found[0]).not.toEqual(found[1])
    }))

  it.scopedLive("a value of several megabytes is stored whole, and timers go on meanwhile", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const large = "0123456789abcdef\0".repeat(65_536)
      let longest = 0
      let last = performance.now()
      const timer = setInterval(() => {
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
      }, 1)
      yield* provider.write([
        span({ spanId: spanId(99) }),
        ...Array.from({ length: 40 }, (_, index) => span({ spanId: spanId(index + 1), output: large }))
      ])
      clearInterval(timer)
      expect(
        yield* rows(
          "select count(*)::int as count, min(length(output #>> '{}')) as length from spans where output is not null"
        )
      )
        .toEqual([{ count: 40, length: large.length }])
      // 45 MB at once would stop the loop for half a second; this is far from both, for slow machines
      expect(longest).toBeLessThan(250)
    }))
})

describe("records without a valid key", () => {
  it.scopedLive("are refused by name; all others are written", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const failure = yield* Effect.flip(provider.write([
        span(),
        span({ traceId: "not hex" as TraceId }),
        chatMessage({ messageId: "" as SpanId }),
        span({ spanId: spanId(9), startTimeUnixMicros: NaN }),
        span({ spanId: spanId(10), startTimeUnixMicros: -1 }),
        span({ spanId: spanId(11), revision: 0.5 }),
        documentEvent()
      ]))
      expect(failure.reason).toBe("rejected")
      expect(failure.rejections?.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5])
      expect(
        yield* rows(
          "select (select count(*)::int from spans) as spans, (select count(*)::int from document_events) as events"
        )
      )
        .toEqual([{ spans: 1, events: 1 }])
    }))

  it.scopedLive("what only PostgreSQL finds is refused without a list, for the delivery to halve the batch", () =>
    Effect.gen(function*() {
      const { provider } = yield* fixture()
      const nameless = { ...span(), name: undefined as unknown as string, startTimeUnixMicros }
      const failure = yield* Effect.flip(provider.write([nameless, span({ spanId: spanId(9) })]))
      expect(failure).toMatchObject({ reason: "rejected", rejections: undefined })
      expect(failure.message).toMatch(/null value in column "name".*\(23502\)/)
    }))
})
