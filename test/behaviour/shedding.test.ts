/** Memory and disk are spent: whole traces go, and the store says in the end exactly what is missing in it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Delivery from "../../src/Delivery.ts"
import type { Span } from "../../src/Observation.ts"
import { memory } from "../../src/Provider.ts"
import { span, spanId, traceId } from "../observations.ts"
import { recordCall } from "./fixtures/calls.ts"
import { serviceOn } from "./fixtures/service.ts"
import { emptyFolder, settled, statsOnce } from "./fixtures/spools.ts"
import { ownStore } from "./fixtures/stored.ts"

const traces = 150
const callsPerTrace = 8
const messagesPerTrace = 2

interface StoredTrace {
  readonly name: string
  readonly status: string
  readonly calls: number
  readonly messages: number
  readonly droppedCalls: number
  readonly droppedMessages: number
}

const storedTraces = `
  with noted as (
    select db_trace_id, attributes->>'kind' as kind, (attributes->>'count')::int as count
    from observability.spans where type = 'dropped' and status = 'lost' and attributes->>'reason' = 'budget'
  )
  select t.name, t.status,
    (select count(*)::int from observability.llm_calls c where c.db_trace_id = t.db_trace_id) as calls,
    (select count(*)::int from observability.chat_messages m where m.db_trace_id = t.db_trace_id) as messages,
    (select coalesce(sum(count), 0)::int from noted n where n.db_trace_id = t.db_trace_id and kind = 'Span')
      as "droppedCalls",
    (select coalesce(sum(count), 0)::int from noted n where n.db_trace_id = t.db_trace_id and kind = 'ChatMessage')
      as "droppedMessages"
  from observability.traces t order by t.started_at, t.name`

describe("when neither memory nor disk has room", { timeout: 60_000 }, () => {
  it.scopedLive("whole traces are dropped, their roots are kept, and the store has notes that add up to what is missing", () =>
    Effect.gen(function*() {
      const { rows, server, url } = yield* ownStore
      yield* server.stop
      const service = yield* serviceOn(url, {
        delivery: {
          spoolDirectory: yield* emptyFolder,
          queueBytes: 1024 * 1024,
          spoolBytes: 1024 * 1024,
          batchBytes: 128 * 1024,
          maxRetryDelay: "500 millis"
        }
      })
      for (let number = 1; number <= traces; number++) {
        const trace = yield* service.startTrace({ name: `trace ${number}` })
        for (let call = 1; call <= callsPerTrace; call++) yield* recordCall(service, call, trace)
        for (let turn = 1; turn <= messagesPerTrace; turn++) {
          yield* service.logChatMessage(trace, { role: "user", content: "and then?", turnNumber: turn })
        }
        yield* service.endTrace(trace)
        yield* Effect.sleep("10 millis")
      }
      const full = yield* statsOnce(service, ({ dropped, spooled }) => dropped > 0 && spooled > 0)
      assert.isAbove(full.droppedByReason["Span/budget"]!, 0)

      yield* server.start
      // the last of what is on the disk may come long after the last of what was in memory
      const after = yield* settled(service, ({ written }) => written > 0)
      yield* service.flush()
      const found = yield* rows<StoredTrace>(storedTraces)

      assert.strictEqual(found.length, traces, "every root is there")
      let partial = 0
      for (const trace of found) {
        assert.strictEqual(trace.status, "success", trace.name)
        assert.strictEqual(trace.calls + trace.droppedCalls, callsPerTrace, trace.name)
        assert.strictEqual(trace.messages + trace.droppedMessages, messagesPerTrace, trace.name)
        const missing = trace.droppedCalls + trace.droppedMessages
        if (missing > 0 && missing < callsPerTrace + messagesPerTrace) partial++
      }
      // those that the end of the room cut in two: what of them was on the disk stays
      assert.isBelow(partial, traces / 5)
      const sum = (kind: "droppedCalls" | "droppedMessages") => found.reduce((sum, trace) => sum + trace[kind], 0)
      assert.deepStrictEqual(after.droppedByReason, {
        "Span/budget": sum("droppedCalls"),
        "ChatMessage/budget": sum("droppedMessages")
      })
      assert.strictEqual(after.accepted, after.written + after.dropped)
    }))

  it.scopedLive("the notes add up, too, when there are more of them than memory holds at a time", () =>
    Effect.gen(function*() {
      const { records, write } = memory()
      const isUp = yield* Effect.makeLatch(false)
      const delivery = yield* Delivery.make(
        { name: "gated", write: (batch) => isUp.whenOpen(write(batch)) },
        { queueBytes: 50_000 }
      )
      for (let number = 1; number <= 1_000; number++) {
        for (let part = 1; part <= 3; part++) {
          delivery.offer(span({
            traceId: traceId(number),
            spanId: spanId(number * 10 + part),
            status: "success",
            size: 1_000
          }))
        }
      }
      yield* isUp.open
      const receipt = yield* delivery.close("10 seconds")
      assert.isAbove(receipt.dropped, 2_900)
      assert.strictEqual(receipt.accepted, receipt.written + receipt.dropped)
      const notes = records.filter((record): record is Span => record._tag === "Span" && record.type === "dropped")
      assert.strictEqual(notes.reduce((sum, { attributes }) => sum + Number(attributes?.["count"]), 0), receipt.dropped)
    }))
})
