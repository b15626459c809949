/** Traces that were begun elsewhere, by somebody who records nothing here, are found among all others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Exit, Scope } from "effect"
import type { TraceId } from "../../src/Identifier.ts"
import { logLlmCall } from "../../src/Log.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Observation, Span } from "../../src/Observation.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { withTraceContext } from "../../src/Span.ts"
import { TraceContext } from "../../src/TraceContext.ts"
import { modelCall, resource, span, spanId, startTimeUnixMicros, trace, traceId, usage, usd } from "../observations.ts"
import type { Fixture } from "./pgFixture.ts"
import { fixture } from "./pgFixture.ts"

/** As most tracers draw them: random throughout. */
const foreignId = "0af7651916cd43dd8448eb211c80319c" as TraceId

const callerId = spanId(0xca11e4)

const received = (traceparent: string) => Either.getOrThrow(TraceContext.fromTraceparent(traceparent))

const seconds = (count: number) => startTimeUnixMicros + count * 1_000_000

const done = { revision: closedRevision, status: "success" } as const

/** What a request leaves behind at the service by which the trace comes in: its span, and that of a call to the next one. */
const request = span({
  ...done,
  traceId: foreignId,
  spanId: spanId(10),
  parentSpanId: callerId,
  parentIsRemote: true,
  name: "GET /chat",
  durationMicros: 2_000_000,
  userId: "ada",
  sessionId: "s"
})

const call = span({ ...done, traceId: foreignId, spanId: spanId(11), parentSpanId: request.spanId, name: "GET" })

/** And at the next one, in another process. */
const next: Span = {
  ...request,
  resource: { ...resource, processId: "0195512f-6c00-7000-8000-000000000002", serviceName: "next" },
  spanId: spanId(12),
  parentSpanId: call.spanId,
  name: "GET /answer",
  startTimeUnixMicros: seconds(1)
}

const stored = ({ rows }: Fixture) =>
  rows("select name, status, span_id, service_name, duration_ms from traces order by started_at")

const write = Effect.fnUntraced(function*(...batches: ReadonlyArray<readonly [Observation, ...Array<Observation>]>) {
  const database = yield* fixture()
  for (const batch of batches) yield* database.provider.write(batch)
  return database
})

const entry = {
  name: "GET /chat",
  status: "success",
  span_id: callerId,
  service_name: "test-service",
  duration_ms: 2_000
}

describe("a trace that was begun elsewhere", () => {
  it.scopedLive("is shown as the span by which it came in, below the caller's as its root", () =>
    Effect.gen(function*() {
      const answered = span({
        ...done,
        traceId: foreignId,
        spanId: spanId(13),
        parentSpanId: request.spanId,
        type: "llm",
        modelCall: modelCall({ usage: usage({ uncachedInputTokens: 5, outputTokens: 7 }), costUsd: usd("0.5") })
      })
      const database = yield* write([request, answered])
      const found = `select t.*, s.name as top from traces t
        join spans s on s.db_trace_id = t.db_trace_id and s.parent_span_id = t.span_id
        where t.db_trace_id = '${foreignId}' and t.session_id = 's'`
      const [row] = yield* database.rows(found)
      assert.deepInclude(row, {
        ...entry,
        trace_id: foreignId,
        parent_span_id: null,
        user_id: "ada",
        input_tokens: "5",
        output_tokens: "7",
        cost_usd: "0.5",
        top: "GET /chat",
        started_at: new Date(startTimeUnixMicros / 1_000)
      })
    }))

  it.scopedLive("is shown as running while that span runs, and as failed when it has failed", () =>
    Effect.gen(function*() {
      const running: Span = { ...request, revision: 1, status: "in_progress", durationMicros: undefined }
      const database = yield* write([running])
      assert.deepStrictEqual((yield* stored(database)).map(({ status }) => status), ["in_progress"])
      const error = { type: "500", message: "the response has status 500", cause: undefined }
      yield* database.provider.write([{ ...request, status: "error", error }])
      assert.deepInclude((yield* database.rows("select * from traces"))[0], { status: "error", error_type: "500" })
    }))

  it.scopedLive("is one, through however many services it goes, in whatever order they write", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* stored(yield* write([request, call, next])), [entry])
      assert.deepStrictEqual(yield* stored(yield* write([next], [call], [request])), [entry])
    }))

  it.scopedLive("is one, where the clock of the next service is behind", () =>
    Effect.gen(function*() {
      const early: Span = { ...next, startTimeUnixMicros: seconds(-5) }
      assert.deepStrictEqual(yield* stored(yield* write([request, call, early])), [entry])
    }))

  it.scopedLive("is one, where its caller calls twice: the first request stands for it", () =>
    Effect.gen(function*() {
      const second: Span = { ...request, spanId: spanId(20), name: "GET /again", startTimeUnixMicros: seconds(60) }
      assert.deepStrictEqual(yield* stored(yield* write([second, request])), [entry])
    }))

  it.scopedLive("is shown as what a program says of it as a whole, when one does", () =>
    Effect.gen(function*() {
      const ended = trace({
        ...done,
        traceId: foreignId,
        spanId: callerId,
        name: undefined,
        output: "done",
        startTimeUnixMicros: seconds(2)
      })
      const database = yield* write([request, ended])
      assert.deepStrictEqual(yield* database.rows("select name, output from traces"), [{ name: null, output: "done" }])
    }))
})

describe("a trace that a process of this library began", () => {
  it.scopedLive("is shown by that process alone, also where another one continues it", () =>
    Effect.gen(function*() {
      const continued: Span = { ...request, traceId: traceId(1), parentSpanId: spanId(2) }
      const database = yield* write([continued])
      assert.deepStrictEqual(yield* stored(database), [])
      yield* database.provider.write([trace({ ...done, durationMicros: 3_000_000 })])
      assert.deepStrictEqual((yield* stored(database)).map(({ name }) => name), ["answer"])
    }))

  it.scopedLive("keeps its root, when a process ends it that knows only another span of it", () =>
    Effect.gen(function*() {
      const begun = trace()
      const ended = trace({ ...done, spanId: spanId(99), name: undefined })
      for (const order of [[begun, ended], [ended, begun]]) {
        const database = yield* write(...order.map((record) => [record] as const))
        assert.deepStrictEqual(yield* database.rows("select name, status, span_id from traces"), [
          { name: "answer", status: "success", span_id: begun.spanId }
        ])
      }
    }))

  it.scopedLive("one that is ended twice is one row", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const service = yield* ObservabilityService.make({ providers: [provider] })
      const context = received(`00-${foreignId}-b7ad6b7169203331-01`)
      yield* logLlmCall({ model: "gpt-4o", costUsd: "0.5" }).pipe(
        withTraceContext(context),
        Effect.provideService(ObservabilityService, service)
      )
      yield* service.endTrace(context, { output: "done" })
      yield* Effect.sleep("2 millis")
      yield* service.endTrace(context)
      yield* service.flush()
      const found = yield* rows("select cost_usd::text as cost, output from traces")
      assert.deepStrictEqual(found, [{ cost: "0.5", output: "done" }])
    }))

  it.scopedLive("one whose first process is gone is as the one that ended it says, whoever comes first", () =>
    Effect.gen(function*() {
      for (const beginnerFirst of [true, false]) {
        const { provider, rows, url } = yield* fixture()
        const worker = yield* ObservabilityService.make({ providers: [provider] })
        const scope = yield* Scope.make()
        const beginner = yield* PgProvider.make({ url }).pipe(
          Effect.flatMap((own) => ObservabilityService.make({ providers: [own] })),
          Scope.extend(scope)
        )
        const context = yield* beginner.startTrace({ name: "process" })
        yield* beginner.flush()
        const end = worker.endTrace(received(TraceContext.toTraceparent(context)), { output: 2 }).pipe(
          Effect.zipRight(worker.flush())
        )
        const redeploy = Scope.close(scope, Exit.void)
        yield* beginnerFirst ? Effect.zipRight(redeploy, end) : Effect.zipRight(end, redeploy)
        const found = yield* rows("select name, status, output from traces")
        assert.deepStrictEqual(found, [{ name: "process", status: "success", output: 2 }])
      }
    }))
})
