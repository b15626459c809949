/** Native spans in PostgreSQL: those of the application's statements, and none of the library's own. */
import { SqlClient } from "@effect/sql"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as EffectTracer from "../../src/EffectTracer.ts"
import { flush } from "../../src/Log.ts"
import * as ObservabilityLive from "../../src/ObservabilityLive.ts"
import { withSpan } from "../../src/Span.ts"
import { layerTestDatabase } from "./testDatabase.ts"

const Recorded = EffectTracer.layer().pipe(
  Layer.provideMerge(ObservabilityLive.layerFromClient()),
  // the very pool that the library writes through
  Layer.provideMerge(layerTestDatabase)
)

describe("the spans of @effect/sql", () => {
  it.scopedLive("are recorded where they were made, the library's own statements never", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const numbers = sql`select 1 as one`.pipe(
        Effect.zipRight(sql.withTransaction(sql`select 2 as two`)),
        withSpan("own"),
        Effect.withSpan("native")
      )
      yield* numbers
      yield* flush()
      yield* numbers
      yield* flush()
      const found = yield* sql<{ readonly path: string; readonly kind: string; readonly text: string | null }>`
        with recursive tree as (
          select span_id, name as path, kind, attributes ->> 'db.query.text' as text from observability.spans
          where name = 'native'
          union all
          select s.span_id, tree.path || '/' || s.name, s.kind, s.attributes ->> 'db.query.text'
          from observability.spans s join tree on s.parent_span_id = tree.span_id
        )
        select path, kind, text, count(*)::int as count from tree group by 1, 2, 3 order by 1, 3`
      expect(found).toEqual([
        { path: "native", kind: "internal", text: null, count: 2 },
        { path: "native/own", kind: "internal", text: null, count: 2 },
        { path: "native/own/sql.execute", kind: "client", text: "select 1 as one", count: 2 },
        { path: "native/own/sql.transaction", kind: "client", text: null, count: 2 },
        { path: "native/own/sql.transaction/sql.execute", kind: "client", text: "select 2 as two", count: 2 }
      ])
      const all = yield* sql`select count(*)::int as count from observability.spans`
      expect(all).toEqual([{ count: 10 }])
    }).pipe(Effect.provide(Recorded)))
})

describe("native spans of the GenAI conventions", () => {
  it.scopedLive("are model calls in the views, priced, and counted once", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const asked = {
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini"
      }
      const answered = { "gen_ai.usage.input_tokens": 1_000, "gen_ai.usage.output_tokens": 100 }
      const call = Effect.annotateCurrentSpan(answered).pipe(Effect.withSpan("call", { attributes: asked }))
      yield* Effect.zipRight(call, call).pipe(
        Effect.zipRight(
          Effect.annotateCurrentSpan({ "gen_ai.usage.input_tokens": 2_000, "gen_ai.usage.output_tokens": 200 })
        ),
        Effect.withSpan("agent", { attributes: { ...asked, "gen_ai.operation.name": "invoke_agent" } })
      )
      yield* flush()
      expect(
        yield* sql`select name, provider, model, prompt_tokens, completion_tokens, cost_usd, is_subtotal
          from observability.llm_calls`
      ).toEqual(
        Array(2).fill({
          name: "call",
          provider: "openai",
          model: "gpt-4o-mini",
          prompt_tokens: "1000",
          completion_tokens: "100",
          cost_usd: "0.00021",
          is_subtotal: false
        })
      )
      expect(yield* sql`select name, type, is_subtotal from observability.spans where type <> 'llm'`).toEqual([
        { name: "agent", type: "agent", is_subtotal: true }
      ])
      expect(yield* sql`select name, input_tokens, output_tokens, cost_usd from observability.traces`).toEqual([
        { name: "agent", input_tokens: "2000", output_tokens: "200", cost_usd: "0.00042" }
      ])
    }).pipe(Effect.provide(Recorded)))
})
