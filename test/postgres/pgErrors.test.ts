/** What PostgreSQL's errors mean for a batch, by errors that a real server gives. */
import type { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import {
  isMissingPartition,
  isReadOnly,
  isUndefinedTable,
  toProviderError
} from "../../src/internal/postgres/sqlErrors.ts"
import { nameOfSeveral } from "../severalAddresses.ts"
import { client } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

describe("sqlErrors", () => {
  it.scopedLive("tells what will never work from what may the next time", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* testDatabase)
      yield* sql.unsafe(`
        create table checked (n int not null check (n > 0), d date);
        create table parted (n int, d date) partition by range (d)
      `)
      const failureOf = (statement: string, params: ReadonlyArray<unknown> = []) =>
        Effect.flip(sql.unsafe(statement, params)) as Effect.Effect<SqlError>
      const reasonOf = (statement: string, params?: ReadonlyArray<unknown>) =>
        Effect.map(failureOf(statement, params), (error) => toProviderError(error).reason)

      expect(yield* reasonOf("select 'x'::int")).toBe("rejected") // 22P02
      expect(yield* reasonOf("select $1::jsonb", ["\"\\u0000\""])).toBe("rejected") // 22P05
      expect(yield* reasonOf("insert into checked values (null)")).toBe("rejected") // 23502
      expect(yield* reasonOf("insert into checked values (-1)")).toBe("rejected") // 23514, with a constraint
      expect(
        yield* reasonOf("set local statement_timeout = 20; select pg_sleep(10)")
      )
        .toBe("transient") // 57014
      expect(yield* reasonOf("select * from nowhere")).toBe("transient") // 42P01
      expect(yield* reasonOf("insert into parted values (1, '2026-01-01')")).toBe("transient") // 23514, without

      expect(isMissingPartition(yield* failureOf("insert into parted values (1, '2026-01-01')"))).toBe(true)
      expect(isMissingPartition(yield* failureOf("insert into checked values (-1)"))).toBe(false)
      expect(isUndefinedTable(yield* failureOf("select * from nowhere"))).toBe(true)
      expect(isUndefinedTable(yield* failureOf("create table nowhere.at_all ()"))).toBe(true)
      expect(isReadOnly(yield* failureOf("set local transaction_read_only = on; create table more ()"))).toBe(true)
      // last, since it ends the connection
      expect(yield* reasonOf("select pg_terminate_backend(pg_backend_pid())")).toBe("transient") // 57P01
    }))

  it.scopedLive("quotes PostgreSQL's message, never the row", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* testDatabase)
      yield* sql`create table checked (secret text not null, n int not null)`
      const failure = yield* Effect.flip(sql`insert into checked values ('the secret', null)`)
      const { message } = toProviderError(failure)
      expect(message).toMatch(/null value in column "n".*\(23502\)/)
      expect(message).not.toMatch(/the secret/)
    }))

  it.scopedLive("says of a name of several addresses what each of them said", () =>
    Effect.gen(function*() {
      yield* nameOfSeveral("several.test", ["127.0.0.2", "127.0.0.3"])
      // nobody listens on port 1
      const failure = yield* Effect.flip(client(Redacted.make("postgres://several.test:1/x")))
      const { message, reason } = toProviderError(failure)
      expect(reason).toBe("transient")
      expect(message).toBe("PostgreSQL: connect ECONNREFUSED 127.0.0.2:1; connect ECONNREFUSED 127.0.0.3:1")
    }))
})
