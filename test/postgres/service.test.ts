/** The main job on a real server: what a program does is found in the views. */
import { Reactivity } from "@effect/experimental"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Redacted } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { logChatMessage, logDocumentEvent, logLlmCall } from "../../src/Log.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { annotate, span, withSpan, withTrace, withTraceContext } from "../../src/Span.ts"
import { TraceContext } from "../../src/TraceContext.ts"
import { testDatabase } from "./testDatabase.ts"

interface Stored {
  readonly sql: PgClient.PgClient
  readonly url: Redacted.Redacted
  /** The rows of a query, once everything that was recorded is written. */
  readonly rows: <Row extends object>(
    query: string,
    parameters?: ReadonlyArray<unknown>
  ) => Effect.Effect<ReadonlyArray<Row>, unknown, ObservabilityService>
}

const onDatabase = <A, E>(use: (stored: Stored) => Effect.Effect<A, E, ObservabilityService>) =>
  Effect.gen(function*() {
    const url = yield* testDatabase
    const sql = yield* PgClient.make({ url })
    const service = Layer.scoped(
      ObservabilityService,
      Effect.flatMap(PgProvider.make({ url }), (postgres) => ObservabilityService.make({ providers: [postgres] }))
    )
    const rows = <Row extends object>(query: string, parameters: ReadonlyArray<unknown> = []) =>
      Effect.gen(function*() {
        const { flush } = yield* ObservabilityService
        const { postgres } = yield* flush()
        assert.strictEqual(postgres?.pending, 0)
        assert.strictEqual(postgres?.accepted, postgres?.written)
        return yield* sql.unsafe<Row>(query, parameters as Array<string>)
      })
    return yield* Effect.provide(use({ sql, url, rows }), service)
  }).pipe(Effect.provide(Reactivity.layer))

describe("the service on PostgreSQL", () => {
  it.scopedLive("a trace is visible as in_progress after startTrace, and has its end after endTrace", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        const service = yield* ObservabilityService
        const context = yield* service.startTrace({
          name: "chat",
          operationType: "question",
          userId: "ada",
          sessionId: "session",
          kbId: "kb",
          tags: ["a", "b"],
          metadata: { tenant: 7 },
          input: "why?"
        })
        const query = "select * from observability.traces where db_trace_id = $1"
        assert.deepNestedInclude((yield* rows(query, [context.dbTraceId]))[0], {
          trace_id: context.traceId,
          span_id: context.spanId,
          status: "in_progress",
          name: "chat",
          operation_type: "question",
          user_id: "ada",
          session_id: "session",
          kb_id: "kb",
          duration_ms: null,
          "tags[1]": "b",
          "metadata.tenant": 7,
          input: "why?"
        })
        yield* service.endTrace(context, {
          duration: "1500 millis",
          inputTokens: 12,
          costUsd: "0.25",
          metadata: { answered: true },
          output: "because"
        })
        const stored = yield* rows<Record<string, unknown>>(query, [context.dbTraceId])
        assert.strictEqual(stored.length, 1)
        assert.deepNestedInclude(stored[0], {
          status: "success",
          name: "chat",
          duration_ms: 1500,
          input_tokens: "12",
          output_tokens: null,
          cost_usd: "0.25",
          "metadata.tenant": 7,
          "metadata.answered": true,
          output: "because"
        })
      })
    ))

  it.scopedLive("an error that a program states is that of its rows, until it is taken back", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        const { updateSpan } = yield* ObservabilityService
        const stored = (traceId: string) =>
          rows<Record<string, unknown>>(
            "select 1 as at, status, error_type, error_message, error_cause from observability.traces " +
              "where trace_id = $1 union all " +
              "select 2, status, error_type, error_message, error_cause from observability.spans " +
              "where trace_id = $1 order by at",
            [traceId]
          )
        const error = new TypeError("no model is left")
        const both = (status: string, fields: object) => [{ at: 1, status, ...fields }, { at: 2, status, ...fields }]
        const none = { error_type: null, error_message: null, error_cause: null }
        const its = { error_type: "TypeError", error_message: "no model is left" }
        const handle = yield* Effect.scoped(Effect.gen(function*() {
          const handle = yield* span("agent", { type: "agent" })
          yield* updateSpan(handle, { error })
          for (const [at, row] of (yield* stored(handle.traceId)).entries()) {
            assert.deepInclude(row, { at: at + 1, status: "in_progress", ...its })
          }
          return handle
        }))
        const ended = yield* stored(handle.traceId)
        assert.strictEqual(ended.length, 2)
        for (const row of ended) {
          assert.deepInclude(row, { status: "error", ...its })
          assert.include(row["error_cause"], "no model is left")
        }
        yield* updateSpan(handle, { error: null })
        assert.deepStrictEqual(yield* stored(handle.traceId), both("success", none))
      })
    ))

  it.scopedLive("the handle of a scoped span is the reference of its row, first running and then ended", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        const query =
          "select status, duration_ms, result_count, top_score, attributes from observability.spans where " +
          "db_trace_id = $1 and span_id = $2"
        const handle = yield* Effect.scoped(Effect.gen(function*() {
          const handle = yield* span("retrieve", { type: "retrieval", attributes: { topK: 3 } })
          const running = yield* rows<Record<string, unknown>>(query, [handle.context.dbTraceId, handle.spanId])
          assert.deepInclude(running[0], { status: "in_progress", duration_ms: null })
          const { updateSpan } = yield* ObservabilityService
          yield* updateSpan(handle, { resultCount: 3, topScore: 0.5, attributes: { rerank: true } })
          return handle
        }))
        const [ended] = yield* rows<Record<string, unknown>>(query, [handle.context.dbTraceId, handle.spanId])
        assert.deepInclude(ended, {
          status: "success",
          result_count: "3",
          top_score: 0.5,
          attributes: { topK: 3, rerank: true }
        })
        assert.isAtLeast(ended?.["duration_ms"] as number, 0)
      })
    ))

  it.scopedLive("nested and concurrent spans have their parents, and errors and interruptions their status", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        class Refused extends Error {
          readonly _tag = "Refused"
        }
        yield* Effect.all([
          Effect.fail(new Refused("no")).pipe(withSpan("failed"), Effect.ignore),
          Effect.die(new TypeError("bug")).pipe(withSpan("died"), Effect.catchAllCause(() => Effect.void)),
          Effect.never.pipe(
            withSpan("interrupted"),
            Effect.fork,
            Effect.tap(Effect.yieldNow()),
            Effect.flatMap(Fiber.interrupt)
          ),
          Effect.void.pipe(withSpan("inner"), withSpan("outer"))
        ], { concurrency: "unbounded" }).pipe(withTrace("tree"))
        const found = yield* rows<Record<string, unknown>>(
          "select s.name, coalesce(p.name, t.name) as parent, s.status, s.error_type, s.error_message from observability.spans s " +
            "join observability.traces t using (db_trace_id) left join observability.spans p " +
            "on p.db_trace_id = s.db_trace_id and p.span_id = s.parent_span_id order by s.name"
        )
        assert.deepStrictEqual(found.map((row) => Object.values(row)), [
          ["died", "tree", "error", "TypeError", "bug"],
          ["failed", "tree", "error", "Refused", "no"],
          ["inner", "outer", "success", null, null],
          ["interrupted", "tree", "interrupted", null, null],
          ["outer", "tree", "success", null, null]
        ])
      })
    ))

  it.scopedLive("no trace ends before its spans, to the microsecond", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        yield* Effect.yieldNow().pipe(withSpan("step"), withTrace("answer"), Effect.replicateEffect(50))
        assert.deepStrictEqual(
          yield* rows(
            "select count(*)::int as late from observability.traces t join observability.spans s using (db_trace_id) " +
              "where s.ended_at > t.ended_at"
          ),
          [{ late: 0 }]
        )
      })
    ))

  it.scopedLive("the totals of a trace are the sum over its model calls, each counted once, exactly", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        const call = { model: "m", provider: "p", promptTokens: 10, completionTokens: 2 }
        yield* Effect.gen(function*() {
          yield* logLlmCall({ ...call, costUsd: 0.1, latency: "20 millis" })
          // the span repeats what the call below it says
          yield* logLlmCall({ ...call, costUsd: 0.2 }).pipe(
            Effect.zipRight(annotate({ ...call, costUsd: 0.2 })),
            withSpan("agent", { type: "agent" })
          )
        }).pipe(withTrace("chat"))
        const totals = yield* rows("select input_tokens, output_tokens, cost_usd from observability.traces")
        assert.deepStrictEqual(totals, [{ input_tokens: "20", output_tokens: "4", cost_usd: "0.3" }])
        const calls = yield* rows(
          "select name, prompt_tokens, completion_tokens, cost_usd, latency_ms, status from observability.llm_calls " +
            "order by cost_usd"
        )
        assert.deepStrictEqual(calls, [
          {
            name: "chat m",
            prompt_tokens: "10",
            completion_tokens: "2",
            cost_usd: "0.1",
            latency_ms: 20,
            status: "success"
          },
          // nobody said how long the second one took, and so nobody says it was nothing
          {
            name: "chat m",
            prompt_tokens: "10",
            completion_tokens: "2",
            cost_usd: "0.2",
            latency_ms: null,
            status: "success"
          }
        ])
      })
    ))

  it.scopedLive("the messages of a session come back in their order", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        yield* Effect.gen(function*() {
          yield* logChatMessage({ role: "user", content: "What is Effect?", turnNumber: 1, tokens: 4 })
          yield* logChatMessage({
            role: "assistant",
            content: "A library.",
            turnNumber: 1,
            sources: [{ documentId: "readme" }],
            citations: [{ source: 0, start: 0, end: 9 }],
            responseTime: "250 millis"
          })
          yield* logChatMessage({ role: "user", content: [{ type: "text", text: "And then?" }], turnNumber: 2 })
        }).pipe(withTrace("chat", { sessionId: "session-1" }))
        const messages = yield* rows(
          "select role, content, turn_number, sources, citations, tokens, response_time_ms from observability.chat_messages " +
            "where session_id = 'session-1' order by occurred_at, sequence"
        )
        assert.deepStrictEqual(messages.map((row) => Object.values(row)), [
          ["user", "What is Effect?", "1", null, null, "4", null],
          ["assistant", "A library.", "1", [{ documentId: "readme" }], [{ source: 0, start: 0, end: 9 }], null, 250],
          ["user", [{ type: "text", text: "And then?" }], "2", null, null, null, null]
        ])
      })
    ))

  it.scopedLive("a document is followed through all of its steps", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        const step = (eventType: string, rest: object = {}) =>
          logDocumentEvent({ documentId: "doc-1", eventType, status: "completed", duration: "10 millis", ...rest })
        yield* Effect.gen(function*() {
          yield* step("upload", { documentName: "a.md" })
          yield* step("parse", { metrics: { pageCount: 3 } })
          yield* step("chunk", { metrics: { chunkCount: 12 } })
          yield* step("embed", { status: "failed", error: new RangeError("too long"), retryable: true, retryCount: 2 })
          yield* step("embed")
          yield* step("index", { status: "skipped", duration: undefined })
        }).pipe(withTrace("ingest", { kbId: "kb-1" }))
        const events = yield* rows(
          "select event_type, status, duration_ms, metrics, error_type, error_retryable, error_retry_count, kb_id " +
            "from observability.document_events where document_id = 'doc-1' order by occurred_at, sequence"
        )
        assert.deepStrictEqual(events.map((row) => Object.values(row)), [
          ["upload", "completed", 10, null, null, null, null, "kb-1"],
          ["parse", "completed", 10, { pageCount: 3 }, null, null, null, "kb-1"],
          ["chunk", "completed", 10, { chunkCount: 12 }, null, null, null, "kb-1"],
          ["embed", "failed", 10, null, "RangeError", true, "2", "kb-1"],
          ["embed", "completed", 10, null, null, null, null, "kb-1"],
          ["index", "skipped", null, null, null, null, null, "kb-1"]
        ])
      })
    ))

  it.scopedLive("a call that began a day before its trace counts into it", () =>
    onDatabase(({ rows }) =>
      Effect.gen(function*() {
        yield* logLlmCall({ model: "gpt-4o", costUsd: "0.5", promptTokens: 10, latency: "25 hours" }).pipe(
          withTrace("batch")
        )
        assert.deepStrictEqual(
          yield* rows("select cost_usd::text as cost, input_tokens::int as input from observability.traces"),
          [{ cost: "0.5", input: 10 }]
        )
      })
    ))

  it.scopedLive("what is recorded in a transaction of the application outlives its rollback, and does not disturb it", () =>
    onDatabase(({ rows, sql }) =>
      Effect.gen(function*() {
        yield* sql`create table orders (id int)`
        const outcome = yield* sql`insert into orders values (1)`.pipe(
          withSpan("insert"),
          // the database refuses nothing of this, and must not be asked to within the transaction
          Effect.zipRight(logChatMessage({ role: "user", content: "in a transaction \0" })),
          Effect.zipRight(Effect.fail("rolled back" as const)),
          sql.withTransaction,
          withTrace("order"),
          Effect.exit
        )
        assert.deepStrictEqual(outcome, Exit.fail("rolled back" as const))
        assert.deepStrictEqual(yield* rows("select count(*)::int as n from orders"), [{ n: 0 }])
        assert.deepStrictEqual(
          yield* rows(
            "select t.name, t.status, s.name as span, m.content from observability.traces t " +
              "join observability.spans s using (db_trace_id) join observability.chat_messages m using (db_trace_id)"
          ),
          [{ name: "order", status: "error", span: "insert", content: "in a transaction \ufffd" }]
        )
      })
    ))

  it.scopedLive("a process that knows only the context of a trace ends it, and keeps its name and input", () =>
    onDatabase(({ rows, url }) =>
      Effect.gen(function*() {
        const service = yield* ObservabilityService
        const context = yield* service.startTrace({ name: "job", input: { id: 1 } })
        yield* service.flush()
        const worker = Layer.scoped(
          ObservabilityService,
          Effect.flatMap(PgProvider.make({ url }), (postgres) =>
            ObservabilityService.make({ providers: [postgres], serviceName: "worker" }))
        )
        yield* Effect.gen(function*() {
          const received = yield* TraceContext.make({ ...context, traceState: undefined })
          yield* Effect.void.pipe(withSpan("work"), withTraceContext(received))
          const { endTrace } = yield* ObservabilityService
          yield* endTrace(received, { output: "done" })
        }).pipe(Effect.provide(worker))
        assert.deepStrictEqual(
          yield* rows(
            "select t.name, t.status, t.input, t.output, s.name as span, s.service_name from observability.traces t " +
              "join observability.spans s on s.db_trace_id = t.db_trace_id and s.parent_span_id = t.span_id"
          ),
          [{ name: "job", status: "success", input: { id: 1 }, output: "done", span: "work", service_name: "worker" }]
        )
      })
    ))

  it.scopedLive(
    "1,000 traces of 10 spans from 4 processes at once are all there, once",
    () =>
      onDatabase(({ rows, url }) =>
        Effect.gen(function*() {
          const fixture = fileURLToPath(new URL("./fixtures/recordTraces.ts", import.meta.url))
          const address = Redacted.value(url)
          const receipts = yield* Effect.forEach(
            [1, 2, 3, 4],
            () =>
              Effect.promise(() => promisify(execFile)(process.execPath, ["--import", "tsx", fixture, address, "250"]))
                .pipe(
                  Effect.map(({ stdout }) =>
                    // the last line: where a write was tried again, a warning comes before it
                    JSON.parse(stdout.trimEnd().split("\n").at(-1)!) as {
                      postgres: { accepted: number; written: number }
                    }
                  )
                ),
            { concurrency: "unbounded" }
          )
          for (const { postgres } of receipts) assert.strictEqual(postgres.written, postgres.accepted)
          assert.deepStrictEqual(
            yield* rows(
              "select count(*)::int as spans, count(distinct (trace_id, span_id))::int as ids, " +
                "count(distinct trace_id)::int as traces, count(*) filter (where status = 'success')::int as ended, " +
                "count(distinct process_id)::int as processes from observability.spans"
            ),
            [{ spans: 10_000, ids: 10_000, traces: 1_000, ended: 10_000, processes: 4 }]
          )
          assert.deepStrictEqual(
            yield* rows(
              "select count(*)::int as n, min(spans)::int as least, max(spans)::int as most from (" +
                "select t.trace_id, count(*) as spans from observability.traces t join observability.spans s using (db_trace_id) " +
                "where t.status = 'success' group by 1) by_trace"
            ),
            [{ n: 1_000, least: 10, most: 10 }]
          )
        })
      ),
    60_000
  )
})
