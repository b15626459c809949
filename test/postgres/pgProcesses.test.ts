/** A process's row says until when the process is known to live. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { apart } from "../../src/internal/postgres/isolation.ts"
import * as PartitionKeeper from "../../src/internal/postgres/partitionKeeper.ts"
import * as ProcessLog from "../../src/internal/postgres/processLog.ts"
import { processesOf } from "../../src/internal/postgres/processTable.ts"
import { reap } from "../../src/internal/postgres/reaper.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { resource, span, spanId, startTimeUnixMicros } from "../observations.ts"
import { fixture } from "./pgFixture.ts"

const other = { ...resource, processId: "0195512f-6c00-7000-8000-000000000002" }
const seconds = (count: number) => startTimeUnixMicros + count * 1_000_000

describe("processes", () => {
  it.scopedLive("this one is alive as long as its heart beats, another one as long as its records tell", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([span(), span({ resource: other })])
      const log = ProcessLog.make(
        "observability",
        resource.processId,
        PartitionKeeper.make({ schema: "observability" })
      )
      const row = (of: typeof resource, lastSeen: number) => ({
        resource: of,
        host: undefined,
        firstSeen: startTimeUnixMicros,
        lastSeen,
        openSince: undefined
      })
      const lastSeen = Effect.map(
        rows("select extract(epoch from last_seen_at)::float8 * 1e6 as seen from processes order by process_id"),
        (found) => found.map(({ seen }) => seen)
      )
      // nothing to beat for, before the process has written anything
      yield* apart(sql)(log.heartbeat)
      expect(yield* lastSeen).toEqual([startTimeUnixMicros, startTimeUnixMicros])

      yield* apart(sql)(log.write([row(resource, startTimeUnixMicros), row(other, startTimeUnixMicros)]))
      const before = yield* rows("select now() as now")
      yield* apart(sql)(log.heartbeat)
      const [own, others] = yield* lastSeen
      expect(own).toBeGreaterThanOrEqual((before[0]!["now"] as Date).getTime() * 1000)
      expect(others).toBe(startTimeUnixMicros)

      // not more often than every twelve seconds
      yield* apart(sql)(log.write([row(other, seconds(11))]))
      expect((yield* lastSeen)[1]).toBe(startTimeUnixMicros)
      yield* apart(sql)(log.write([row(other, seconds(13))]))
      expect((yield* lastSeen)[1]).toBe(seconds(13))
    }))

  it.scopedLive("one whose clock is ahead is known to live by the server's, once its heart has beaten", () =>
    Effect.gen(function*() {
      const { rows, sql, url } = yield* fixture()
      const provider = yield* PgProvider.make({ url, processId: resource.processId })
      yield* provider.write([span({ startTimeUnixMicros: Date.now() * 1000 + 86_400_000_000 })])
      const log = ProcessLog.make(
        "observability",
        resource.processId,
        PartitionKeeper.make({ schema: "observability" })
      )
      yield* apart(sql)(log.write(processesOf([span()])))
      yield* apart(sql)(log.heartbeat)
      expect(yield* rows("select last_seen_at <= now() as is_past from processes")).toEqual([{ is_past: true }])
    }))

  it.scopedLive("this one lives, however old the first of its records are", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture({ processId: resource.processId })
      yield* provider.write([span({ startTimeUnixMicros: (Date.now() - 120_000) * 1_000 })])
      yield* apart(sql)(reap("observability"))
      expect(yield* rows("select status from spans")).toEqual([{ status: "in_progress" }])
    }))

  it.scopedLive("gets its row again when somebody has deleted it", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([span()])
      const log = ProcessLog.make(
        "observability",
        resource.processId,
        PartitionKeeper.make({ schema: "observability" })
      )
      yield* apart(sql)(log.write(processesOf([span()])))
      yield* sql`delete from observability.process_store`
      yield* apart(sql)(log.heartbeat)
      yield* apart(sql)(log.write(processesOf([span()])))
      expect(yield* rows("select process_id from processes")).toEqual([{ process_id: resource.processId }])
    }))

  it.scopedLive("nobody has lived in a time to come, whatever a duration says", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      for (const [index, durationMicros] of [Date.now() * 1_000, 1e22].entries()) {
        yield* provider.write([
          span({ spanId: spanId(10 + index), status: "success", revision: closedRevision, durationMicros })
        ])
      }
      expect(yield* rows("select last_seen_at <= now() as is_past from processes")).toEqual([{ is_past: true }])
    }))
})
