/** What a dead process left open is not shown as running for ever. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import type { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { apart } from "../../src/internal/postgres/isolation.ts"
import * as PartitionKeeper from "../../src/internal/postgres/partitionKeeper.ts"
import * as ProcessLog from "../../src/internal/postgres/processLog.ts"
import { processesOf } from "../../src/internal/postgres/processTable.ts"
import { reap } from "../../src/internal/postgres/reaper.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { resource, span, spanId, startTimeUnixMicros, trace } from "../observations.ts"
import { fixture } from "./pgFixture.ts"

const living = { ...resource, processId: "0195512f-6c00-7000-8000-000000000002" }
const unknown = { ...resource, processId: "0195512f-6c00-7000-8000-000000000003" }

/** Day by day, and says whether there was anything to look through. */
const reapAll = (sql: PgClient): Effect.Effect<boolean, SqlError> =>
  Effect.gen(function*() {
    let found = false
    while (yield* apart(sql)(reap("observability"))) found = true
    return found
  })

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
      // two processes have told of themselves: one long ago, one just now; of the third only records are known, as new
      // as those of one that is at work on something that takes long
      yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'
        where process_id = ${resource.processId}`
      yield* sql`update observability.process_store set pid = 2, last_seen_at = now() where process_id = ${living.processId}`
      yield* sql`update observability.process_store set last_seen_at = now() - interval '59 minutes'
        where process_id = ${unknown.processId}`
      const statuses = rows("select span_id, status from spans union all select span_id, status from traces order by 1")
      expect(yield* reapAll(sql)).toBe(true)
      expect((yield* statuses).map(({ status }) => status)).toEqual([
        "lost",
        "lost",
        "success",
        "in_progress",
        "in_progress"
      ])
      expect(yield* reapAll(sql)).toBe(false)
    }))

  it.scopedLive("leaves the error that something had stated before it was lost", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      const error = { type: "Refused", message: "not today", cause: undefined }
      yield* provider.write([trace({ error }), span({ error })])
      yield* sql`update observability.process_store set pid = 1`
      yield* reapAll(sql)
      const query = (view: string) => `select status, error_type, error_message from ${view}`
      expect(yield* rows(`${query("spans")} union all ${query("traces")}`)).toEqual([
        { status: "lost", error_type: "Refused", error_message: "not today" },
        { status: "lost", error_type: "Refused", error_message: "not today" }
      ])
    }))

  it.scopedLive("is overruled by what the process still has to say, through a spool or because it lives", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([span()])
      yield* sql`update observability.process_store set pid = 1`
      expect(yield* reapAll(sql)).toBe(true)
      yield* provider.write([span({ status: "success", revision: closedRevision, durationMicros: 5_000 })])
      expect(yield* rows("select status, duration_ms from spans")).toEqual([{ status: "success", duration_ms: 5 }])
    }))

  it.scopedLive("tries again with a process of which it could not mark everything", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([trace(), span()])
      yield* sql`update observability.process_store set pid = 1`
      yield* sql.unsafe(`
        create function observability.refuse() returns trigger language plpgsql as 'begin raise ''busy''; end';
        create trigger refuse before update on observability.trace_store for each row
          execute function observability.refuse()`)
      expect(yield* Effect.either(apart(sql)(reap("observability")))).toMatchObject({ _tag: "Left" })
      yield* sql`drop trigger refuse on observability.trace_store`
      expect(yield* reapAll(sql)).toBe(true)
      expect(yield* rows("select status from spans union all select status from traces")).toEqual([
        { status: "lost" },
        { status: "lost" }
      ])
    }))

  it.scopedLive("looks through a day at a time, for all processes at once, and goes on where it was cut short", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      const days = (count: number) => startTimeUnixMicros + count * 86_400_000_000
      // a day apart from all others, as a clock that was wrong makes it; then two that follow each other
      for (const [index, day] of [-20_000, 0, 1].entries()) {
        yield* provider.write([
          span({ spanId: spanId(10 + index), startTimeUnixMicros: days(day) }),
          span({ spanId: spanId(20 + index), startTimeUnixMicros: days(day), resource: living })
        ])
      }
      yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'`
      yield* sql.unsafe(`
        create function observability.refuse() returns trigger language plpgsql as 'begin raise ''busy''; end';
        create trigger refuse before update on observability.span_store for each row
          when (new.started_at > '2026-03-02') execute function observability.refuse()`)
      const lost = Effect.map(rows("select 1 from spans where status = 'lost'"), (found) => found.length)
      expect(yield* apart(sql)(reap("observability"))).toBe(true)
      expect(yield* lost).toBe(2)
      expect(yield* apart(sql)(reap("observability"))).toBe(true)
      expect(yield* lost).toBe(4)
      expect(yield* Effect.either(apart(sql)(reap("observability")))).toMatchObject({ _tag: "Left" })
      yield* sql`drop trigger refuse on observability.span_store`
      expect(yield* apart(sql)(reap("observability"))).toBe(true)
      expect(yield* lost).toBe(6)
      expect(yield* reapAll(sql)).toBe(true)
      expect(yield* reapAll(sql)).toBe(false)
    }))

  it.scopedLive("looks through a large day in parts, and from its beginning when more of it has come meanwhile", () =>
    Effect.gen(function*() {
      const { provider, rows, sql, url } = yield* fixture()
      const successor = yield* PgProvider.make({ url, processId: living.processId })
      const reapPart = apart(sql)(reap("observability", 1))
      const lost = Effect.map(rows("select 1 from spans where status = 'lost'"), (found) => found.length)
      // some blocks of 8 KiB, in the first of which is room for a new version of its first row
      const attributes = { text: "x".repeat(1_000) }
      const large = Array.from({ length: 29 }, (_, index) => span({ spanId: spanId(11 + index), attributes }))
      yield* provider.write([span({ spanId: spanId(10) }), ...large])
      yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'`
      expect(yield* reapPart).toBe(true)
      const first = yield* lost
      expect(first).toBeGreaterThan(0)
      expect(first).toBeLessThan(10)
      expect(yield* reapPart).toBe(true)
      const second = yield* lost
      expect(second).toBeGreaterThan(first)
      expect(second).toBeLessThan(20)

      // open again, in a block that has been looked through
      yield* successor.write([span({ spanId: spanId(10), revision: 2 })])
      expect(yield* lost).toBe(second - 1)
      for (let part = 0; part < 20; part++) yield* reapPart
      expect(yield* lost).toBe(30)
      expect(yield* reapPart).toBe(false)
    }))

  it.scopedLive("looks through all days once more when a process that it took for dead has lived on", () =>
    Effect.gen(function*() {
      const { rows, sql, url } = yield* fixture()
      const provider = yield* PgProvider.make({ url, processId: resource.processId })
      const log = ProcessLog.make(
        "observability",
        resource.processId,
        PartitionKeeper.make({ schema: "observability" })
      )
      yield* provider.write([span()])
      yield* apart(sql)(log.write(processesOf([span()])))
      yield* sql`update observability.process_store set last_seen_at = now() - interval '61 seconds'`
      yield* reapAll(sql)
      yield* provider.write([span({ revision: 2 })])
      expect(yield* rows("select status from spans")).toEqual([{ status: "in_progress" }])
      yield* apart(sql)(log.heartbeat)
      yield* sql`update observability.process_store set last_seen_at = now() - interval '61 seconds'`
      yield* reapAll(sql)
      expect(yield* rows("select status from spans")).toEqual([{ status: "lost" }])
    }))

  it.scopedLive("marks what a dead process left open in a spool that was sent on after it was reaped", () =>
    Effect.gen(function*() {
      const { provider, rows, sql, url } = yield* fixture()
      const successor = yield* PgProvider.make({ url, processId: living.processId })
      yield* provider.write([span({ spanId: spanId(5) })])
      yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'`
      expect(yield* reapAll(sql)).toBe(true)
      for (const id of [6, 7]) {
        yield* successor.write([span({ spanId: spanId(id) })])
        expect(yield* reapAll(sql)).toBe(true)
      }
      expect(yield* rows("select status from spans")).toEqual(Array(3).fill({ status: "lost" }))
      // what has ended gives no cause to look once more
      yield* successor.write([span({ spanId: spanId(7), status: "success", revision: closedRevision })])
      expect(yield* reapAll(sql)).toBe(false)
    }))

  it.scopedLive("marks what a process left open that is known by what another one sent on alone", () =>
    Effect.gen(function*() {
      const { rows, sql, url } = yield* fixture()
      const successor = yield* PgProvider.make({ url, processId: living.processId })
      yield* successor.write([trace(), span()])
      expect(yield* reapAll(sql)).toBe(true)
      expect(yield* rows("select status from spans union all select status from traces")).toEqual([
        { status: "lost" },
        { status: "lost" }
      ])
    }))

  it.scopedLive("marks what began before everything that was written first, and by a clock that was ahead", () =>
    Effect.gen(function*() {
      const { rows, sql, url } = yield* fixture()
      const provider = yield* PgProvider.make({ url, processId: resource.processId })
      const minutes = (count: number) => startTimeUnixMicros + count * 60_000_000
      for (const minute of [0, -300, 300]) {
        yield* provider.write([span({ spanId: spanId(1000 + minute), startTimeUnixMicros: minutes(minute) })])
      }
      yield* sql`update observability.process_store set last_seen_at = to_timestamp(${startTimeUnixMicros / 1e6})`
      expect(yield* reapAll(sql)).toBe(true)
      expect(yield* rows("select status from spans")).toEqual(Array(3).fill({ status: "lost" }))
    }))
})
