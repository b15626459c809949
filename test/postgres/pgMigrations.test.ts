/** The schema is created and upgraded by whoever comes first, and left alone by all others. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as PgMigrations from "../../src/PgMigrations.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { span } from "../observations.ts"
import { client } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

const writeOnce = fileURLToPath(new URL("./fixtures/writeOnce.ts", import.meta.url))

const migrated = Effect.gen(function*() {
  const url = yield* testDatabase
  const sql = yield* client(url)
  const run = (schema?: string) => Effect.provideService(PgMigrations.run({ schema }), PgClient.PgClient, sql)
  return { url, sql, run }
})

describe("PgMigrations", () => {
  it.scopedLive("creates the schema once, and says what it did", () =>
    Effect.gen(function*() {
      const { run, sql } = yield* migrated
      expect(yield* run()).toEqual([[1, "stores"], [2, "views"], [3, "prices"], [4, "ledger"]])
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
      for (const schema of ["default", "team_a", "team_b"]) expect((yield* run(schema)).length).toBe(4)
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
        .toEqual([{ migration_id: 1 }, { migration_id: 2 }, { migration_id: 3 }, { migration_id: 4 }])
    }), 60_000)

  it.scopedLive("leaves a schema alone that a newer version of the library has upgraded", () =>
    Effect.gen(function*() {
      const { run, sql, url } = yield* migrated
      yield* run()
      yield* sql`insert into observability.migrations (migration_id, name) values (9999, 'from_the_future')`
      expect(yield* Effect.flip(run())).toMatchObject({ reason: "newer-schema" })
      const provider = yield* PgProvider.make({ url })
      const failure = yield* Effect.flip(provider.write([span()]))
      expect(failure).toMatchObject({ reason: "transient" })
      expect(failure.message).toMatch(/upgrade the library/)
      // the queued batch is written once the versions fit again
      yield* sql`delete from observability.migrations where migration_id = 9999`
      yield* provider.write([span()])
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
      expect((yield* run()).length).toBe(4)
    }))

  it.scopedLive("needs no rights where there is nothing to do, and the provider only those to write", () =>
    Effect.gen(function*() {
      const { run, sql, url } = yield* migrated
      yield* run()
      yield* Effect.provideService(PgMigrations.createPartitions({ daysAhead: 1 }), PgClient.PgClient, sql)
      const role = `writer_${Date.now()}`
      const writer = new URL(Redacted.value(url))
      writer.username = role
      writer.password = "secret"
      yield* Effect.acquireRelease(
        sql.unsafe(`create role ${role} login password 'secret'`),
        () => Effect.orDie(sql.unsafe(`drop owned by ${role}; drop role ${role}`))
      )
      yield* sql.unsafe(
        `grant usage on schema observability to ${role};
         grant select, insert, update on all tables in schema observability to ${role}`
      )
      const provider = yield* PgProvider.make({ url: Redacted.make(writer.toString()) })
      const now = Date.now() * 1000
      yield* provider.write([span({ startTimeUnixMicros: now })])
      const failure = yield* Effect.flip(provider.write([span({ startTimeUnixMicros: now - 10 * 86_400_000_000 })]))
      expect(failure.reason).toBe("transient")
      expect(failure.message).toMatch(/permission denied|must be owner/)
    }))
})
