/** What a dead process left open is not shown as running for ever. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { apart } from "../../src/internal/postgres/isolation.ts"
import { reap } from "../../src/internal/postgres/reaper.ts"
import { closedRevision } from "../../src/Observation.ts"
import { resource, span, spanId, trace } from "../observations.ts"
import { fixture } from "./pgFixture.ts"

const living = { ...resource, processId: "0195512f-6c00-7000-8000-000000000002" }
const unknown = { ...resource, processId: "0195512f-6c00-7000-8000-000000000003" }

describe("the reaper", () => {
  it.scopedLive("marks what a silent process left open as lost, and nothing else", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([
        trace(),
        span({ spanId: spanId(2) }),
        span({ spanId: spanId(3), status: "success", revision: closedRevision }),
        span({ spanId: spanId(4), resource: living }),
        span({ spanId: spanId(5), resource: unknown })
      ])
      // two processes have told of themselves: one long ago, one just now; of the third only records are known
      yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'
        where process_id = ${resource.processId}`
      yield* sql`update observability.process_store set pid = 2, last_seen_at = now() where process_id = ${living.processId}`
      const statuses = rows("select span_id, status from spans union all select span_id, status from traces order by 1")
      expect(yield* apart(sql)(reap("observability"))).toBe(1)
      expect((yield* statuses).map(({ status }) => status)).toEqual([
        "lost",
        "lost",
        "success",
        "in_progress",
        "in_progress"
      ])
      expect(yield* apart(sql)(reap("observability"))).toBe(0)
    }))

  it.scopedLive("is overruled by what the process still has to say, through a spool or because it lives", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([span()])
      yield* sql`update observability.process_store set pid = 1`
      expect(yield* apart(sql)(reap("observability"))).toBe(1)
      yield* provider.write([span({ status: "success", revision: closedRevision, durationMicros: 5_000 })])
      expect(yield* rows("select status, duration_ms from spans")).toEqual([{ status: "success", duration_ms: 5 }])
    }))
})
