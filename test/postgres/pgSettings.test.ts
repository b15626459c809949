/** Servers and roles whose settings are not the default ones: what is stored and read is the same. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Redacted } from "effect"
import { apart } from "../../src/internal/postgres/isolation.ts"
import { readBeginning } from "../../src/internal/postgres/readExtent.ts"
import { reap } from "../../src/internal/postgres/reaper.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgPricing from "../../src/PgPricing.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { modelCall, span, spanId, startTimeUnixMicros, trace, usage } from "../observations.ts"
import { client } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

const microsPerDay = 86_400_000_000

/** A database with settings of its own, which hold for whoever connects later. */
const databaseWith = (...settings: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const url: Redacted.Redacted = yield* testDatabase
    yield* Effect.scoped(Effect.gen(function*() {
      const sql = yield* client(url)
      const [row] = yield* sql<{ readonly name: string }>`select current_database() as name`
      for (const setting of settings) yield* sql.unsafe(`alter database ${row!.name} set ${setting}`)
    }))
    return { provider: yield* PgProvider.make({ url }), sql: yield* client(url) }
  })

describe.each([
  ["strings in which a backslash escapes", ["standard_conforming_strings = off"]],
  // Printed with the zone's abbreviation, which servers before version 18 read as that of another zone: CST is America's.
  ["dates that are printed another way", ["datestyle = 'SQL, DMY'", "timezone = 'Asia/Shanghai'"]],
  ["a stricter isolation", ["default_transaction_isolation = serializable", "search_path = ''"]]
])("with %s", (_, settings) => {
  it.scopedLive("the store begins where it does, and what dead processes left open is marked day by day", () =>
    Effect.gen(function*() {
      const { provider, sql } = yield* databaseWith(...settings)
      yield* provider.write([
        trace(),
        span(),
        span({ spanId: spanId(3), startTimeUnixMicros: startTimeUnixMicros + microsPerDay })
      ])
      expect(new Date((yield* apart(sql)(readBeginning("observability"))) / 1_000).toISOString())
        .toBe("2026-03-01T00:00:00.000Z")
      yield* sql`update observability.process_store set pid = 1, last_seen_at = now() - interval '61 seconds'`
      const lost = Effect.map(sql`select 1 from observability.spans where status = 'lost'`, (rows) => rows.length)
      for (const count of [1, 2]) {
        expect(yield* apart(sql)(reap("observability"))).toBe(true)
        expect(yield* lost).toBe(count)
      }
    }))

  it.scopedLive("a model is looked up by its own name", () =>
    Effect.gen(function*() {
      const { provider, sql } = yield* databaseWith(...settings)
      const models = ["us.gpt-4o", "us-gpt-4o"]
      yield* Effect.forEach(models, (model, index) =>
        provider.write([span({
          spanId: spanId(10 + index),
          status: "success",
          revision: closedRevision,
          modelCall: modelCall({ model, usage: usage({ uncachedInputTokens: 1_000, outputTokens: 1 }) })
        })]))
      const changed = yield* Effect.provideService(
        PgPricing.recomputeCosts({ since: new Date("2026-03-01"), until: new Date("2026-03-02") }),
        PgClient.PgClient,
        sql
      )
      expect(changed).toBe(1)
      expect(yield* sql`select model from observability.spans where cost_usd is not null`).toEqual([{
        model: models[0]
      }])
    }))
})
