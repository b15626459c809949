/** The schema is created and upgraded by whoever comes first, and left alone by all others. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Option, Redacted } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import type { TraceId } from "../../src/Identifier.ts"
import { apart } from "../../src/internal/postgres/isolation.ts"
import { reap } from "../../src/internal/postgres/reaper.ts"
import type { Observation } from "../../src/Observation.ts"
import * as PgMigrations from "../../src/PgMigrations.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { chatMessage, documentEvent, span, spanId, trace, traceId } from "../observations.ts"
import { client } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

const writeOnce = fileURLToPath(new URL("./fixtures/writeOnce.ts", import.meta.url))

const migrated = Effect.gen(function*() {
  const url = yield* testDatabase
  const sql = yield* client(url)
  const run = (schema?: string) => Effect.provideService(PgMigrations.run({ schema }), PgClient.PgClient, sql)
  return { url, sql, run }
})

/** The address for a role that owns nothing, and may do what `docs/schema.md` says that it must. */
const writerUrl = (sql: PgClient.PgClient, url: Redacted.Redacted) =>
  Effect.gen(function*() {
    const role = `writer_${randomUUID().replaceAll("-", "")}`
    yield* Effect.acquireRelease(
      sql.unsafe(`create role ${role} login password 'secret'`),
      () => Effect.orDie(sql.unsafe(`drop owned by ${role}; drop role ${role}`))
    )
    yield* sql.unsafe(
      `grant usage on schema observability to ${role};
       grant select, insert, update on all tables in schema observability to ${role}`
    )
    const writer = new URL(Redacted.value(url))
    writer.username = role
    writer.password = "secret"
    return Redacted.make(writer.href)
  })

/** One that carries no time, so that the trace is stored under the time that it states. */
const w3cTraceId = "0af7651916cd43dd8448eb211c80319c" as TraceId

describe("PgMigrations", () => {
  it.scopedLive("creates the schema once, and says what it did", () =>
    Effect.gen(function*() {
      const { run, sql } = yield* migrated
      expect(yield* run()).toEqual([[1, "stores"], [2, "views"], [3, "prices"], [4, "ledger"], [5, "reaped_blocks"]])
      expect(yield* run()).toEqual([])
      expect(
        yield* sql`select table_name from information_schema.views where table_schema = 'observability' order by 1`
      )
        .toEqual(
          [
            "chat_messages",
            "deliveries",
            "document_events",
            "llm_calls",
            "processes",
            "record_store",
            "spans",
            "traces"
          ].map((name) => ({
            table_name: name
          }))
        )
    }))

  it.scopedLive("takes a schema of any plain name, beside others, even a reserved word", () =>
    Effect.gen(function*() {
      const { run, sql } = yield* migrated
      for (const schema of ["default", "team_a", "team_b"]) expect((yield* run(schema)).length).toBe(5)
      expect(yield* sql`select count(*)::int as count from team_b.traces`).toEqual([{ count: 0 }])
      for (const schema of ["Team", "a b", "a\"b", "pg_mine", "", "a".repeat(64)]) {
        expect(yield* Effect.flip(run(schema))).toMatchObject({ reason: "invalid-schema-name" })
      }
    }))

  it.scopedLive("is run by eight processes at once", () =>
    Effect.gen(function*() {
      const url = yield* testDatabase
      const started = Array.from({ length: 8 }, (_, index) =>
        promisify(execFile)(process.execPath, ["--import", "tsx", writeOnce, Redacted.value(url), String(index + 1)]))
      yield* Effect.promise(() =>
        Promise.all(started)
      )
      const sql = yield* client(url)
      expect(yield* sql`select count(*)::int as count from observability.spans`).toEqual([{ count: 8 }])
      expect(yield* sql`select migration_id from observability.migrations order by 1`)
        .toEqual([{ migration_id: 1 }, { migration_id: 2 }, { migration_id: 3 }, { migration_id: 4 }, {
          migration_id: 5
        }])
    }), 60_000)

  it.scopedLive("writes into a schema to which a newer version has added something", () =>
    Effect.gen(function*() {
      const { run, sql, url } = yield* migrated
      yield* run()
      yield* sql`insert into observability.migrations (migration_id, name) values (9999, 'from_the_future')`
      yield* sql`alter table observability.process_store add column later_number int8 not null default 0`
      yield* sql`alter table observability.span_store add column later_text text`
      expect(yield* run()).toEqual([])
      const provider = yield* PgProvider.make({ url })
      yield* provider.write([span()])
      yield* provider.write([span()])
      expect(yield* sql`select later_text from observability.span_store`).toEqual([{ later_text: null }])
    }))

  it.scopedLive("leaves a schema alone with which a newer version of the library has broken", () =>
    Effect.gen(function*() {
      const { run, sql, url } = yield* migrated
      yield* run()
      yield* sql`insert into observability.migrations (migration_id, name) values (9998, 'breaking_from_the_future')`
      yield* sql`insert into observability.migrations (migration_id, name) values (9999, 'from_the_future')`
      expect(yield* Effect.flip(run())).toMatchObject({ reason: "newer-schema" })
      const provider = yield* PgProvider.make({ url })
      const failure = yield* Effect.flip(provider.write([span()]))
      expect(failure).toMatchObject({ reason: "transient" })
      expect(failure.message).toMatch(/upgrade the library/)
      // the queued batch is written once the versions fit again
      yield* sql`delete from observability.migrations where migration_id = 9998`
      yield* provider.write([span()])
    }))

  it.scopedLive("refuses a database that cannot hold every character, and the provider's records wait", () =>
    Effect.gen(function*() {
      const { sql, url } = yield* migrated
      const latin = new URL(Redacted.value(url))
      latin.pathname += "_latin1"
      const name = latin.pathname.slice(1)
      yield* Effect.acquireRelease(
        sql.unsafe(`create database ${name} encoding 'LATIN1' locale 'C' template template0`),
        () => Effect.orDie(sql.unsafe(`drop database ${name} with (force)`))
      )
      const failure = yield* Effect.flip(
        Effect.provideService(PgMigrations.run(), PgClient.PgClient, yield* client(Redacted.make(latin.href)))
      )
      expect(failure).toMatchObject({ reason: "unfit-encoding" })
      expect(failure.message).toContain("LATIN1")
      const provider = yield* PgProvider.make({ url: Redacted.make(latin.href) })
      expect(yield* Effect.flip(provider.write([span({ input: "“quoted”" })]))).toMatchObject({ reason: "transient" })
    }))

  it.scopedLive("leaves nothing behind when it fails, and says why", () =>
    Effect.gen(function*() {
      const { run, sql } = yield* migrated
      yield* sql`create schema observability`
      yield* sql`create view observability.traces as select 1 as mine`
      const failure = yield* Effect.flip(run())
      expect(failure).toMatchObject({ reason: "failed" })
      expect(failure.message).toMatch(/relation "traces" already exists/)
      expect(yield* sql`select to_regclass('observability.span_store') as created`).toEqual([{ created: null }])
      yield* sql`drop view observability.traces`
      expect((yield* run()).length).toBe(5)
    }))

  it.scopedLive("needs no rights where there is nothing to do, and the provider only those to write", () =>
    Effect.gen(function*() {
      const { run, sql, url } = yield* migrated
      yield* run()
      yield* Effect.provideService(PgMigrations.createPartitions({ daysAhead: 1 }), PgClient.PgClient, sql)
      const provider = yield* PgProvider.make({ url: yield* writerUrl(sql, url) })
      const now = Date.now() * 1000
      yield* provider.write([span({ startTimeUnixMicros: now })])

      // days without a partition keep nothing else from being written
      const ago = (days: number) => now - days * 86_400_000_000
      const spansOf = sql`select count(*)::int as count from observability.spans`
      const failure = yield* Effect.flip(provider.write([
        span({ startTimeUnixMicros: ago(10) }),
        span({ spanId: spanId(11), startTimeUnixMicros: now }),
        span({ spanId: spanId(12), startTimeUnixMicros: NaN }),
        // the older of two snapshots has no place, either
        span({ startTimeUnixMicros: ago(10), revision: 0 }),
        span({ spanId: spanId(13), startTimeUnixMicros: ago(-10) }),
        chatMessage({ timeUnixMicros: ago(20) }),
        documentEvent({ timeUnixMicros: now }),
        trace({ traceId: traceId(2), startTimeUnixMicros: ago(20) })
      ]))
      expect(failure.reason).toBe("rejected")
      expect([...failure.rejections ?? []].map(({ index }) => index).sort()).toEqual([0, 2, 3, 4, 5, 7])
      const day = new Date(ago(10) / 1000).toISOString().slice(0, 10)
      expect(failure.rejections?.find(({ index }) => index === 0)?.message).toBe(
        `PostgreSQL: span_store has no partition for ${day}, and this role cannot create it: the tables' owner can, by ` +
          "PgMigrations.createPartitions for today and the days ahead"
      )
      expect(yield* spansOf).toEqual([{ count: 2 }])
      expect(yield* sql`select count(*)::int as count from observability.document_events`).toEqual([{ count: 1 }])

      // today's is waited for, and then takes everything
      yield* sql.unsafe(
        `drop table observability.span_store_${new Date(now / 1000).toISOString().slice(0, 10).replaceAll("-", "")}`
      )
      const late: NonEmptyReadonlyArray<Observation> = [
        span({ spanId: spanId(14), startTimeUnixMicros: now }),
        chatMessage({ messageId: spanId(15), timeUnixMicros: now })
      ]
      expect(yield* Effect.flip(provider.write(late))).toMatchObject({ reason: "transient" })
      expect(yield* sql`select count(*)::int as count from observability.chat_messages`).toEqual([{ count: 1 }])
      yield* Effect.provideService(PgMigrations.createPartitions({ daysAhead: 1 }), PgClient.PgClient, sql)
      yield* provider.write(late)
      expect(yield* spansOf).toEqual([{ count: 1 }])
    }))

  it.scopedLive("stores what has a place in a partition that somebody made of another extent, also where it may make none", () =>
    Effect.gen(function*() {
      const { run, sql, url } = yield* migrated
      yield* run()
      const lastYear = new Date().getUTCFullYear() - 1
      for (const table of ["trace_store", "span_store", "chat_message_store", "document_event_store"]) {
        yield* sql.unsafe(
          `create table observability.${table}_two_years partition of observability.${table}
            for values from ('${lastYear}-01-01 00:00:00+00') to ('${lastYear + 2}-01-01 00:00:00+00')`
        )
      }
      const owner = yield* PgProvider.make({ url })
      const writer = yield* PgProvider.make({ url: yield* writerUrl(sql, url) })
      const now = Date.now() * 1000
      const ago = (days: number) => now - days * 86_400_000_000
      yield* owner.write([trace({ startTimeUnixMicros: now, traceId: w3cTraceId }), span({ startTimeUnixMicros: now })])
      const failure = yield* Effect.flip(writer.write([
        trace({ startTimeUnixMicros: now, traceId: w3cTraceId }),
        span({ spanId: spanId(10), startTimeUnixMicros: now }),
        span({ spanId: spanId(11), startTimeUnixMicros: ago(1) }),
        span({ spanId: spanId(12), startTimeUnixMicros: ago(1_000) }),
        chatMessage({ timeUnixMicros: now }),
        documentEvent({ timeUnixMicros: ago(1) })
      ]))
      expect(failure.rejections?.map(({ index }) => index)).toEqual([3])
      expect(
        yield* sql`select (select count(*)::int from observability.spans) as spans,
          (select count(*)::int from observability.traces) as traces,
          (select count(*)::int from observability.chat_messages) as messages,
          (select count(*)::int from observability.document_events) as events`
      ).toEqual([{ spans: 3, traces: 1, messages: 1, events: 1 }])
    }))

  it.scopedLive("creates partitions for a whole number of days from 0 to 365, and says so of any other", () =>
    Effect.gen(function*() {
      const { sql } = yield* migrated
      for (const daysAhead of [NaN, -1, Infinity, 366, 0.5]) {
        const failure = yield* Effect.flip(
          Effect.provideService(PgMigrations.createPartitions({ daysAhead }), PgClient.PgClient, sql)
        )
        expect(failure).toMatchObject({ reason: "invalid-option" })
        expect(failure.message).toContain(`got ${daysAhead}`)
      }
    }))
})

describe("dropPartitions", () => {
  const dayMillis = 86_400_000
  const names = (sql: PgClient.PgClient) =>
    Effect.map(
      sql<{ readonly name: string }>`select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent::regclass::text like 'observability.%' and relkind = 'r' order by 1`,
      (rows) => rows.map(({ name }) => name)
    )

  const filled = Effect.gen(function*() {
    const { run, sql, url } = yield* migrated
    yield* run()
    const provider = yield* PgProvider.make({ url, partitionsAhead: 0 })
    const today = Math.floor(Date.now() / dayMillis)
    const write = (day: number) => {
      const at = day * dayMillis * 1_000
      return provider.write([
        trace({ startTimeUnixMicros: at }),
        span({ startTimeUnixMicros: at }),
        chatMessage({ timeUnixMicros: at }),
        documentEvent({ timeUnixMicros: at })
      ])
    }
    for (const ago of [3, 2, 1, 0]) yield* write(today - ago)
    const drop = (before: Date) =>
      Effect.provideService(PgMigrations.dropPartitions({ before }), PgClient.PgClient, sql)
    const iso = (day: number) => new Date(day * dayMillis).toISOString().slice(0, 10)
    return { sql, today, write, drop, iso }
  })

  it.scopedLive("drops the days that have ended by then in every table, says which, and leaves all others", () =>
    Effect.gen(function*() {
      const { drop, iso, sql, today, write } = yield* filled
      // the day of the moment itself is not over
      const before = new Date((today - 1) * dayMillis + 3_600_000)
      expect(yield* drop(before)).toEqual([iso(today - 3), iso(today - 2)])
      const left = yield* names(sql)
      expect(left.filter((name) => name.endsWith(iso(today - 2).replaceAll("-", "")))).toEqual([])
      expect(left.filter((name) => name.endsWith(iso(today - 1).replaceAll("-", ""))).length).toBe(4)
      expect(yield* sql`select count(*)::int as count from observability.spans`).toEqual([{ count: 2 }])
      expect(yield* drop(before)).toEqual([])
      // who looks for what dead processes left open passes over them, and a late record brings its day back
      yield* sql`update observability.process_store set last_seen_at = now() - interval '3 days', reaped_at = null`
      yield* apart(sql)(Effect.repeat(reap("observability"), { while: (found) => found }))
      yield* write(today - 3)
      expect(yield* sql`select count(*)::int as count from observability.traces`).toEqual([{ count: 3 }])
    }))

  it.scopedLive("waits for who reads a day without holding up who writes", () =>
    Effect.gen(function*() {
      const { drop, iso, sql, today, write } = yield* filled
      const reading = yield* Deferred.make<void>()
      const read = yield* Deferred.make<void>()
      const reader = yield* Effect.fork(sql.withTransaction(
        sql`select count(*) from observability.traces`.pipe(
          Effect.zipRight(Deferred.succeed(reading, undefined)),
          Effect.zipRight(Deferred.await(read))
        )
      ))
      yield* Deferred.await(reading)
      const dropping = yield* Effect.fork(drop(new Date((today - 2) * dayMillis)))
      for (let round = 0; round < 5; round++) yield* Effect.timeout(write(today), "3 seconds")
      expect(yield* Fiber.poll(dropping)).toEqual(Option.none())
      yield* Deferred.succeed(read, undefined)
      yield* Fiber.join(reader)
      expect(yield* Fiber.join(dropping)).toEqual([iso(today - 3)])
    }))

  it.scopedLive("takes a moment that has passed", () =>
    Effect.gen(function*() {
      const { drop } = yield* filled
      for (const before of [new Date(NaN), new Date(Date.now() + dayMillis)]) {
        expect(yield* Effect.flip(drop(before))).toMatchObject({ reason: "invalid-option" })
      }
    }))
})
