/** For whom a trace was is found in the views, also where only what ran inside of it has learned that. */
import { HttpMiddleware, HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as HttpPropagation from "../../src/HttpPropagation.ts"
import { apart } from "../../src/internal/postgres/isolation.ts"
import { reap } from "../../src/internal/postgres/reaper.ts"
import { flush, logChatMessage, logDocumentEvent, logLlmCall } from "../../src/Log.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { annotateTrace, withSpan, withSubjects, withTrace } from "../../src/Span.ts"
import { fixture } from "./pgFixture.ts"

const logs = Effect.zipRight(
  logLlmCall({ model: "parrot" }),
  Effect.zipRight(
    logChatMessage({ role: "user", content: "hi" }),
    logDocumentEvent({ documentId: "d", eventType: "parse", status: "completed" })
  )
)

const whom = `
  select 'trace ' || name as record, status, user_id, session_id, kb_id from traces
  union all select 'span ' || name, status, user_id, session_id, kb_id from spans
  union all select 'message', null, user_id, session_id, kb_id from chat_messages
  union all select 'event', null, user_id, session_id, kb_id from document_events
  order by 1`

const ada = { user_id: "ada", session_id: "s", kb_id: "k" }
const nobody = { user_id: null, session_id: null, kb_id: null }

describe("a user who is learned inside of a trace", () => {
  it.scopedLive("is that of the trace, of the request that had begun, and of what came after", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const service = yield* ObservabilityService.make({ providers: [provider] })
      const authenticated = HttpMiddleware.make((app) =>
        // the request's record is written by then, for nobody
        Effect.zipRight(flush(), annotateTrace({ userId: "ada", sessionId: "s", kbId: "k" })).pipe(Effect.zipRight(app))
      )
      const answer = logs.pipe(withSpan("answer"), Effect.as(HttpServerResponse.text("ok")))
      const server = createServer()
      yield* Layer.build(
        HttpServer.serve(authenticated(HttpRouter.empty.pipe(HttpRouter.get("/ask", answer)))).pipe(
          Layer.provide(NodeHttpServer.layer(() => server, { port: 0 })),
          Layer.provide(HttpPropagation.layerServer()),
          Layer.provide(Layer.succeed(ObservabilityService, service))
        )
      )
      const { port } = server.address() as AddressInfo
      const ask = (headers: Record<string, string>) =>
        Effect.promise(() => fetch(`http://127.0.0.1:${port}/ask`, { headers }).then((response) => response.text()))
      const inRequest = [
        { record: "event", status: null, ...ada },
        { record: "message", status: null, ...ada },
        { record: "span GET /ask", status: "success", ...ada },
        { record: "span answer", status: "success", ...ada },
        { record: "span chat parrot", status: "success", ...ada },
        // of one that was begun elsewhere, as the span has it by which it came in
        { record: "trace GET /ask", status: "success", ...ada }
      ]
      yield* ask({})
      yield* service.flush()
      assert.deepStrictEqual(yield* rows(whom), inRequest)

      yield* rows("truncate trace_store, span_store, chat_message_store, document_event_store")
      yield* ask({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03" })
      yield* service.flush()
      assert.deepStrictEqual(yield* rows(whom), inRequest)
    }))

  it.scopedLive("is kept where the process dies before anything has ended", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      const service = yield* ObservabilityService.make({ providers: [provider] })
      const dies = Effect.gen(function*() {
        yield* service.flush()
        yield* annotateTrace({ userId: "ada", sessionId: "s", kbId: "k" })
        yield* service.flush()
        // as the process's row is when it has been silent for too long
        yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'`
        yield* apart(sql)(reap("observability"))
        return yield* rows(whom)
      })
      const lost = yield* dies.pipe(
        withSpan("request"),
        withTrace("trace"),
        Effect.provideService(ObservabilityService, service)
      )
      assert.deepStrictEqual(lost, [
        { record: "span request", status: "lost", ...ada },
        { record: "trace trace", status: "lost", ...ada }
      ])
    }))

  it.scopedLive("of a part of it is that of the part alone", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      const service = yield* ObservabilityService.make({ providers: [provider] })
      yield* logs.pipe(
        withSpan("digest"),
        withSubjects({ userId: "ada", sessionId: "s", kbId: "k" }),
        Effect.zipRight(Effect.void.pipe(withSpan("end"))),
        withTrace("nightly"),
        Effect.provideService(ObservabilityService, service)
      )
      yield* service.flush()
      assert.deepStrictEqual(yield* rows(whom), [
        { record: "event", status: null, ...ada },
        { record: "message", status: null, ...ada },
        { record: "span chat parrot", status: "success", ...ada },
        { record: "span digest", status: "success", ...ada },
        { record: "span end", status: "success", ...nobody },
        { record: "trace nightly", status: "success", ...nobody }
      ])
    }))
})
