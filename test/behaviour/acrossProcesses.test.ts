/** A trace that goes through several processes is one trace and one tree in the store, whatever becomes of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { client } from "../postgres/pgFixture.ts"
import { testDatabase } from "../postgres/testDatabase.ts"
import type { ChainOptions, ChainSaid } from "./fixtures/chain.ts"
import type { Program } from "./fixtures/processes.ts"
import { program } from "./fixtures/processes.ts"

interface StoredSpan {
  readonly span_id: string
  readonly parent_span_id: string
  readonly service_name: string
  readonly kind: string
  readonly name: string
  readonly status: string
}

type Omitting<A, Key extends PropertyKey> = A extends unknown ? Omit<A, Key> : never

const chain = Effect.gen(function*() {
  const url = yield* testDatabase
  const sql = yield* client(url)
  yield* sql`create table jobs (id serial primary key, headers jsonb not null, done bool not null default false)`
  const start = (options: Omitting<ChainOptions, "url">) =>
    program<ChainSaid>("chain.ts", { url: Redacted.value(url), ...options })
  const listening = (started: Program<ChainSaid>) =>
    Effect.map(started.says(({ _tag }) => _tag === "Listening"), (said) => said._tag === "Listening" ? said.port : 0)
  return {
    start,
    listening,
    traces: sql<
      { readonly trace_id: string; readonly span_id: string; readonly name: string; readonly status: string }
    >`
      select trace_id, span_id, name, status from observability.traces`,
    /** As soon as so many are stored, and the work among them is done. */
    settled: (count: number) =>
      Effect.repeat(
        Effect.delay(
          sql<
            StoredSpan
          >`select trace_id, span_id, parent_span_id, service_name, kind, name, status from observability.spans order by started_at`,
          "50 millis"
        ),
        {
          until: (spans) =>
            spans.length >= count && spans.some(({ name, status }) => name === "work" && status === "success")
        }
      )
  }
})

const kill = (victim: Program<ChainSaid>) =>
  Effect.gen(function*() {
    yield* victim.signal("SIGKILL")
    assert.strictEqual(yield* victim.ended, "SIGKILL")
  })

const get = (port: number, headers: Record<string, string> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/chat`, { headers })
    return { status: response.status, text: await response.text() }
  })

describe("front, back and worker, three processes", { timeout: 90_000 }, () => {
  it.scopedLive("make one tree, though the worker is killed at its work and another one does it", () =>
    Effect.gen(function*() {
      const { listening, settled, start, traces } = yield* chain
      const back = yield* start({ role: "back" })
      const front = yield* start({ role: "front", back: yield* listening(back) })
      const first = yield* start({ role: "worker", hangs: true })
      assert.deepStrictEqual(yield* get(yield* listening(front)), { status: 200, text: "accepted" })

      yield* first.says(({ _tag }) => _tag === "Began")
      yield* kill(first)
      const second = yield* start({ role: "worker", hangs: false })
      yield* second.says(({ _tag }) => _tag === "Done")

      const spans = yield* settled(8)
      const [trace, ...others] = yield* traces
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([trace!.name, trace!.status], ["GET /chat", "success"])
      const spanOf = (service: string, name: string, status = "success") => {
        const found = spans.filter((span) =>
          span.service_name === service && span.name === name && span.status === status
        )
        assert.strictEqual(found.length, 1, `${service} ${name} ${status}`)
        return found[0]!
      }
      const path = [
        spanOf("front", "GET /chat"),
        spanOf("front", "ask"),
        spanOf("front", "GET"),
        spanOf("back", "GET /answer"),
        spanOf("back", "enqueue"),
        spanOf("worker", "work"),
        spanOf("worker", "step")
      ]
      assert.deepStrictEqual(path.map((span) => span.parent_span_id), [
        trace!.span_id,
        ...path.slice(0, -1).map((span) => span.span_id)
      ])
      // the first attempt stands beside the second: nobody has ended it
      const enqueue = path[4]!
      assert.strictEqual(spanOf("worker", "work", "in_progress").parent_span_id, enqueue.span_id)
      assert.strictEqual(spans.length, path.length + 1)
      assert.deepStrictEqual(path.map(({ kind }) => kind), [
        "server",
        "internal",
        "client",
        "server",
        "internal",
        "consumer",
        "internal"
      ])
    }))

  it.scopedLive("continue the trace of a foreign caller, also by a back that was killed and has come again", () =>
    Effect.gen(function*() {
      const { listening, settled, start, traces } = yield* chain
      const back = yield* start({ role: "back" })
      const port = yield* listening(back)
      const front = yield* listening(yield* start({ role: "front", back: port }))
      yield* kill(back)
      const traceId = "0af7651916cd43dd8448eb211c80319c"
      const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: "congo=t61" }
      // nobody is there: the call fails, and with it the request
      assert.strictEqual((yield* get(front, headers)).status, 500)

      yield* listening(yield* start({ role: "back", port }))
      yield* start({ role: "worker", hangs: false })
      assert.strictEqual((yield* get(front, headers)).status, 200)

      const spans = yield* settled(10)
      assert.deepStrictEqual(yield* traces, [
        { trace_id: traceId, span_id: "b7ad6b7169203331", name: "GET /chat", status: "error" }
      ])
      assert.deepStrictEqual(
        spans.filter(({ kind }) => kind !== "internal").map((
          { kind, service_name, status }
        ) => [service_name, kind, status]),
        [
          ["front", "server", "error"],
          ["front", "client", "error"],
          ["front", "server", "success"],
          ["front", "client", "success"],
          ["back", "server", "success"],
          ["worker", "consumer", "success"]
        ]
      )
    }))
})
