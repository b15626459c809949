/** What goes into the provider comes out of the views, on a real server. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Logger } from "effect"
import type { TraceId } from "../../src/Identifier.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgMigrations from "../../src/PgMigrations.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import * as Observations from "../observations.ts"
import { client, contents, fixture } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

const {
  chatMessage,
  documentEvent,
  modelCall,
  resource,
  span,
  spanId,
  startTimeUnixMicros,
  trace,
  traceId,
  usage,
  usd
} = Observations

const start = new Date(startTimeUnixMicros / 1000)
const after = (millis: number) => new Date(start.getTime() + millis)

const subjects = { userId: "user-1", sessionId: "session-1", kbId: "kb-1" }
const storedSubjects = { user_id: "user-1", session_id: "session-1", kb_id: "kb-1" }
const storedTrace = {
  trace_id: "019ca8d72d0070008000000000000001",
  db_trace_id: "019ca8d7-2d00-7000-8000-000000000001"
}
const storedResource = {
  service_name: "test-service",
  environment: "test",
  release: "1.0.0",
  process_id: resource.processId
}
const error = { type: "TimeoutError", message: "too late", cause: "TimeoutError: too late\n    at main" }
const storedError = {
  error_type: "TimeoutError",
  error_message: "too late",
  error_cause: "TimeoutError: too late\n    at main"
}
const json = { a: [1, "two", null, true, { b: 0.25 }] }

describe("every column", () => {
  it.scopedLive("of a trace", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        trace({
          ...subjects,
          revision: closedRevision,
          parentSpanId: spanId(7),
          operationType: "chat",
          status: "error",
          error,
          durationMicros: 2_500_250,
          totals: { inputTokens: 12, outputTokens: 34, costUsd: usd("0.0123"), stated: true },
          tags: ["a", "b"],
          metadata: json,
          input: "question",
          output: ["answer"]
        })
      ])
      expect(yield* rows("select * from traces")).toEqual([{
        ...storedTrace,
        ...storedSubjects,
        ...storedResource,
        ...storedError,
        span_id: "0000000000000001",
        parent_span_id: "0000000000000007",
        name: "answer",
        operation_type: "chat",
        status: "error",
        started_at: start,
        ended_at: after(2500),
        duration_ms: 2500.25,
        input_tokens: "12",
        output_tokens: "34",
        cost_usd: "0.0123",
        tags: ["a", "b"],
        metadata: json,
        input: "question",
        output: ["answer"]
      }])
    }))

  it.scopedLive("of a span, and of a model call", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        span({
          ...subjects,
          revision: closedRevision,
          type: "llm",
          status: "interrupted",
          error,
          durationMicros: 1500,
          modelCall: {
            provider: "anthropic",
            model: "claude",
            temperature: 0.7,
            finishReason: "stop",
            timeToFirstTokenMicros: 250,
            usage: {
              uncachedInputTokens: 1,
              cacheReadTokens: 20,
              cacheWriteTokens: 300,
              outputTokens: 4000,
              audioInputTokens: 1,
              imageInputTokens: 0,
              audioCacheReadTokens: 2,
              longCacheWriteTokens: 30,
              reasoningTokens: 50,
              audioOutputTokens: 60,
              imageOutputTokens: 70
            },
            costUsd: usd("0.000000125"),
            priceId: "anthropic/claude@2026-01-01",
            isSubtotal: false
          },
          metrics: { resultCount: 5, topScore: 0.875, pageCount: 6, chunkCount: 7 },
          kind: "client",
          links: [{ traceId: traceId(9), spanId: spanId(9), attributes: { why: "follows" } }],
          events: [{ name: "first token", timeUnixMicros: startTimeUnixMicros, attributes: {} }],
          attributes: json,
          input: { prompt: "question" },
          output: null
        })
      ])
      const common = {
        ...storedTrace,
        ...storedSubjects,
        ...storedResource,
        ...storedError,
        span_id: "0000000000000002",
        parent_span_id: "0000000000000001",
        name: "step",
        status: "interrupted",
        started_at: start,
        ended_at: after(1),
        provider: "anthropic",
        model: "claude",
        temperature: 0.7,
        finish_reason: "stop",
        time_to_first_token_ms: 0.25,
        cache_write_tokens: "300",
        reasoning_tokens: "50",
        cost_usd: "0.000000125",
        price_id: "anthropic/claude@2026-01-01",
        is_subtotal: false,
        attributes: json
      }
      expect(yield* rows("select * from spans")).toEqual([{
        ...common,
        type: "llm",
        duration_ms: 1.5,
        input_tokens: "321",
        uncached_input_tokens: "1",
        cache_read_tokens: "20",
        output_tokens: "4000",
        audio_input_tokens: "1",
        image_input_tokens: "0",
        audio_cache_read_tokens: "2",
        long_cache_write_tokens: "30",
        audio_output_tokens: "60",
        image_output_tokens: "70",
        result_count: "5",
        top_score: 0.875,
        page_count: "6",
        chunk_count: "7",
        kind: "client",
        links: [{ traceId: traceId(9), spanId: spanId(9), attributes: { why: "follows" } }],
        events: [{ name: "first token", timeUnixMicros: startTimeUnixMicros, attributes: {} }],
        input: { prompt: "question" },
        output: null
      }])
      // a JSON null that was recorded is not the absence of a value
      expect(yield* rows("select output is null as absent, output::text as text from spans")).toEqual([
        { absent: false, text: "null" }
      ])
      expect(yield* rows("select * from llm_calls")).toEqual([{
        ...common,
        latency_ms: 1.5,
        prompt_tokens: "321",
        completion_tokens: "4000",
        total_tokens: "4321",
        cached_tokens: "20",
        prompt: { prompt: "question" },
        completion: null
      }])
    }))

  it.scopedLive("of a chat message", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        chatMessage({
          ...subjects,
          sequence: 3,
          role: "assistant",
          content: "An answer",
          turnNumber: 2,
          sources: ["document-1"],
          citations: [{ start: 0 }],
          tokens: 3,
          model: "gpt-4o",
          responseTimeMicros: 1_250_000,
          metadata: json
        })
      ])
      expect(yield* rows("select * from chat_messages")).toEqual([{
        ...storedTrace,
        ...storedSubjects,
        ...storedResource,
        message_id: "0000000000000003",
        span_id: "0000000000000002",
        occurred_at: start,
        sequence: "3",
        role: "assistant",
        content: "An answer",
        content_text: "An answer",
        turn_number: "2",
        sources: ["document-1"],
        citations: [{ start: 0 }],
        tokens: "3",
        model: "gpt-4o",
        response_time_ms: 1250,
        metadata: json
      }])
    }))

  it.scopedLive("of a document event", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        documentEvent({
          ...subjects,
          documentName: "Manual.pdf",
          status: "failed",
          durationMicros: 10,
          metrics: { pages: 3 },
          error: { ...error, retryable: true, retryCount: 2 },
          metadata: json
        })
      ])
      expect(yield* rows("select * from document_events")).toEqual([{
        ...storedTrace,
        ...storedSubjects,
        ...storedResource,
        ...storedError,
        event_id: "0000000000000004",
        span_id: "0000000000000002",
        occurred_at: start,
        sequence: "1",
        document_id: "document-1",
        document_name: "Manual.pdf",
        event_type: "parse",
        status: "failed",
        duration_ms: 0.01,
        metrics: { pages: 3 },
        error_retryable: true,
        error_retry_count: "2",
        metadata: json
      }])
    }))

  it.scopedLive("of the process: where it runs is known of this process only", () =>
    Effect.gen(function*() {
      const other = { ...resource, processId: "0195512f-6c00-7000-8000-000000000002", environment: undefined }
      const { provider, rows } = yield* fixture({ processId: resource.processId })
      yield* provider.write([
        span({ durationMicros: 5_000_000 }),
        span({ resource: other, spanId: spanId(9) })
      ])
      expect(yield* rows("select * from processes order by process_id")).toEqual([
        {
          ...storedResource,
          host_name: expect.any(String),
          pid: String(process.pid),
          started_at: start,
          // it has just written, whatever its records say
          last_seen_at: expect.any(Date)
        },
        {
          ...storedResource,
          process_id: other.processId,
          environment: null,
          host_name: null,
          pid: null,
          started_at: start,
          last_seen_at: start
        }
      ])
    }))
})

describe("snapshots of one span", () => {
  const open = span({ attributes: { step: 1 } })
  const closed = span({ revision: closedRevision, status: "success", durationMicros: 5, attributes: { step: 2 } })
  const state = "select status, duration_ms, attributes from spans"
  const final = [{ status: "success", duration_ms: 0.005, attributes: { step: 2 } }]

  for (
    const [name, batches] of [
      ["open, then closed", [[open], [closed]]],
      ["closed, then open", [[closed], [open]]],
      ["both in one batch", [[closed, open, closed]]],
      ["each twice", [[open, open], [open], [closed], [closed, closed], [open]]]
    ] as const
  ) {
    it.scopedLive(name, () =>
      Effect.gen(function*() {
        const { provider, rows } = yield* fixture()
        for (const batch of batches) yield* provider.write([...batch])
        expect(yield* rows(state)).toEqual(final)
      }))
  }
})

describe("a trace begun by one process and ended by another", () => {
  const worker = { ...resource, processId: "0195512f-6c00-7000-8000-000000000002", serviceName: "worker" }
  const begun = trace({ metadata: { step: 1 }, input: "question", userId: "user-1" })
  const annotated = trace({ ...begun, revision: 2, metadata: { step: 2 } })
  const ended = trace({
    resource: worker,
    // the worker knows when it took over, not when the trace began
    startTimeUnixMicros: startTimeUnixMicros + 3_600_000_000,
    name: undefined,
    revision: closedRevision,
    status: "success",
    durationMicros: 7,
    output: "answer"
  })

  it.scopedLive("has what each of them knew, in any order of arrival", () =>
    Effect.gen(function*() {
      for (
        const order of [
          [begun, annotated, ended],
          [begun, ended, annotated],
          [ended, begun, annotated],
          [ended, annotated, begun],
          [annotated, ended, begun]
        ]
      ) {
        const { provider, rows } = yield* fixture()
        yield* Effect.forEach(order, (snapshot) => provider.write([snapshot]))
        expect(
          yield* rows("select started_at, name, status, user_id, metadata, input, output, service_name from traces")
        )
          .toEqual([{
            started_at: start,
            name: "answer",
            status: "success",
            user_id: "user-1",
            metadata: { step: 2 },
            input: "question",
            output: "answer",
            service_name: "test-service"
          }])
      }
    }))

  it.scopedLive("is one row for an id of another make too, as long as both state one start", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      // looks like a UUIDv7 of the year 5138
      const foreign = "5af3107a400070008000000000000001" as TraceId
      yield* provider.write([{ ...begun, traceId: foreign }])
      yield* provider.write([{ ...ended, traceId: foreign, startTimeUnixMicros }])
      expect(yield* rows("select started_at, name, status from traces")).toEqual([
        { started_at: start, name: "answer", status: "success" }
      ])
    }))
})

describe("totals of a trace", () => {
  const call = (id: number, fields: Parameters<typeof modelCall>[0]) =>
    span({ spanId: spanId(id), type: "llm", modelCall: modelCall(fields) })

  it.scopedLive("are the exact sum over its spans, subtotals left out, whoever recorded them", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        trace({ totals: { inputTokens: 1, outputTokens: 1, costUsd: usd("1"), stated: false } }),
        call(11, { costUsd: usd("0.1"), usage: usage({ uncachedInputTokens: 1, outputTokens: 10 }) }),
        call(12, { costUsd: usd("0.2"), usage: usage({ cacheReadTokens: 2, cacheWriteTokens: 3 }) }),
        call(13, { isSubtotal: true, costUsd: usd("0.3"), usage: usage({ uncachedInputTokens: 6, outputTokens: 10 }) })
      ])
      expect(yield* rows("select input_tokens, output_tokens, cost_usd, cost_usd = 0.3 as exact from traces")).toEqual([
        { input_tokens: "6", output_tokens: "10", cost_usd: "0.3", exact: true }
      ])
    }))

  it.scopedLive("are what the caller stated, where he did", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([
        trace({ totals: { inputTokens: 100, outputTokens: undefined, costUsd: usd("9.99"), stated: true } }),
        call(11, { costUsd: usd("0.1"), usage: usage({ uncachedInputTokens: 1, outputTokens: 10 }) })
      ])
      expect(yield* rows("select input_tokens, output_tokens, cost_usd from traces")).toEqual([
        { input_tokens: "100", output_tokens: "10", cost_usd: "9.99" }
      ])
    }))

  it.scopedLive("are unknown, not 0, where nothing is known", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([trace(), span({ modelCall: modelCall() })])
      expect(yield* rows("select input_tokens, output_tokens, cost_usd from traces")).toEqual([
        { input_tokens: null, output_tokens: null, cost_usd: null }
      ])
    }))
})

describe("days", () => {
  const day = 86_400_000_000
  const onDays = [0, 1, 400].map((days) =>
    span({ spanId: spanId(20 + days), startTimeUnixMicros: startTimeUnixMicros + days * day })
  )
  const partitions = `select count(*)::int as count from pg_inherits where inhparent = 'span_store'::regclass`

  it.scopedLive("get their partitions when a row needs them, today's and a week's ahead of that", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([onDays[0]!])
      expect(yield* rows(partitions)).toEqual([{ count: 8 + 1 }])
      yield* provider.write([onDays[0]!, onDays[1]!, onDays[2]!])
      expect(yield* rows(partitions)).toEqual([{ count: 8 + 3 }])
      expect(yield* rows("select count(*)::int as count from spans")).toEqual([{ count: 3 }])
    }))

  it.scopedLive(
    "ahead are created step by step: one that is not there in time undoes none before it, and is told",
    () =>
      Effect.gen(function*() {
        const url = yield* testDatabase
        const sql = yield* client(url)
        yield* Effect.provideService(PgMigrations.run(), PgClient.PgClient, sql)
        const held = yield* Deferred.make<void>()
        const other = yield* client(url, { maxConnections: 1 })
        const inTwentyDays = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "")
        yield* other.unsafe(`create table observability.span_store_${inTwentyDays} ()`).pipe(
          Effect.zipRight(Deferred.succeed(held, undefined)),
          Effect.zipRight(Effect.never),
          other.withTransaction,
          Effect.forkScoped
        )
        yield* Deferred.await(held)

        const warning = yield* Deferred.make<unknown>()
        const logger = Logger.make(({ message }) => Deferred.unsafeDone(warning, Effect.succeed(message)))
        yield* Effect.gen(function*() {
          const provider = yield* PgProvider.make({ url, partitionsAhead: 30, writeTimeout: "5 seconds" })
          yield* provider.write([span({ startTimeUnixMicros: Date.now() * 1000 })])
        }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger)))
        expect(String(yield* Deferred.await(warning))).toMatch(/days ahead could not be created: no answer in time/)
        expect(
          yield* sql`select count(*)::int as count from pg_inherits where inhparent = 'observability.span_store'::regclass`
        ).toEqual([{ count: 20 }])
      }),
    30_000
  )

  it.scopedLive("get them again when somebody dropped one", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([onDays[0]!])
      yield* rows("drop table span_store_20260301")
      yield* provider.write([onDays[0]!, onDays[1]!])
      expect(yield* rows("select count(*)::int as count from spans")).toEqual([{ count: 2 }])
    }))

  it.scopedLive("that cannot be created are refused by name; all others are written", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([onDays[1]!])
      yield* rows("create view span_store_20260301 as select 1 as mine")
      const failure = yield* Effect.flip(provider.write([onDays[1]!, onDays[0]!, onDays[2]!]))
      expect(failure).toMatchObject({ reason: "rejected", rejections: [{ index: 1 }] })
      expect(yield* rows("select count(*)::int as count from spans")).toEqual([{ count: 2 }])
    }))

  it.scopedLive("keep room on their pages for the update that closes a row", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([span()])
      expect(yield* rows("select relname, reloptions from pg_class where relname = 'span_store_20260301'")).toEqual([
        { relname: "span_store_20260301", reloptions: ["fillfactor=90"] }
      ])
    }))
})

describe("two writers at once", () => {
  it.scopedLive("close and open the same spans in opposite order without a deadlock", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      const ids = Array.from({ length: 300 }, (_, index) => index + 1)
      const open = ids.map((id) => span({ traceId: traceId(id % 7), spanId: spanId(id) }))
      const closed = ids.map((id) => ({ ...open[id - 1]!, revision: closedRevision, status: "success" as const }))
        .reverse()
      for (let round = 0; round < 10; round++) {
        yield* Effect.all([
          store.provider.write([open[0]!, ...open]),
          store.provider.write([closed[0]!, ...closed]),
          store.provider.write([open[0]!, ...[...open].reverse()])
        ], { concurrency: "unbounded" })
      }
      expect(yield* store.rows("select status, count(*)::int as count from spans group by status")).toEqual([
        { status: "success", count: 300 }
      ])
      expect((yield* contents(store)).length).toBe(300)
    }))
})
