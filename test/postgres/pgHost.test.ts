/** The provider on the application's own client or pool: neither disturbs the other. */
import { PgClient } from "@effect/sql-pg"
import { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, String as Text, Tracer } from "effect"
import { Pool } from "pg"
import * as PgProvider from "../../src/PgProvider.ts"
import { span, spanId } from "../observations.ts"
import { client } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

describe("fromClient", () => {
  it.scopedLive("does without the host's name transforms", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* testDatabase, {
        transformQueryNames: Text.camelToSnake,
        transformResultNames: Text.snakeToCamel
      })
      const provider = yield* Effect.provideService(PgProvider.fromClient({ schema: "my_own" }), PgClient.PgClient, sql)
      yield* provider.write([span({ attributes: { snake_case: 1, camelCase: 2 } })])
      // the host still sees its own names
      expect(yield* sql`select span_id, attributes from my_own.spans`).toEqual([
        { spanId: spanId(2), attributes: { snakeCase: 1, camelCase: 2 } }
      ])
      expect(yield* sql`select attributes::text as text from my_own.spans`).toEqual([
        { text: "{\"camelCase\": 2, \"snake_case\": 1}" }
      ])
    }))

  it.scopedLive("does not join a transaction of the host's", () =>
    Effect.gen(function*() {
      const sql = yield* client(yield* testDatabase, { maxConnections: 4 })
      const provider = yield* Effect.provideService(PgProvider.fromClient(), PgClient.PgClient, sql)
      // begun within a transaction, so that even the first connecting and migrating is asked for in there
      yield* Effect.flip(sql.withTransaction(Effect.zipRight(
        provider.write([span()]),
        Effect.fail("rolled back")
      )))
      expect(yield* sql`select count(*)::int as count from observability.spans`).toEqual([{ count: 1 }])
    }))

  it.scopedLive("is not traced", () =>
    Effect.gen(function*() {
      const names: Array<string> = []
      const sql = yield* client(yield* testDatabase)
      const noticing = Tracer.make({
        context: (f) => f(),
        span: (name, parent, context, links, startTime, kind, options) => {
          names.push(name)
          return nativeSpan(name, parent, context, links, startTime, kind, options)
        }
      })
      const tracer = yield* Effect.tracer
      const nativeSpan: Tracer.Tracer["span"] = (...args) => tracer.span(...args)
      yield* Effect.gen(function*() {
        const provider = yield* Effect.provideService(PgProvider.fromClient(), PgClient.PgClient, sql)
        yield* provider.write([span()])
        yield* Effect.withSpan(sql`select 1`, "the application's")
      }).pipe(Effect.withTracer(noticing))
      expect(names).toEqual(["the application's", "sql.execute"])
    }))

  it.scopedLive("is a layer over the client's", () =>
    Effect.gen(function*() {
      const url = yield* testDatabase
      const name = yield* Effect.map(PgProvider.PgProvider, (provider) => provider.name).pipe(
        Effect.provide(PgProvider.layerFromClient().pipe(Layer.provide(PgClient.layer({ url }))))
      )
      expect(name).toBe("postgres")
    }))
})

describe("fromPool", () => {
  it.scopedLive("writes through the host's pool, and leaves it open", () =>
    Effect.gen(function*() {
      const url = yield* testDatabase
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => new Pool({ connectionString: Redacted.value(url) })),
        (pool) => Effect.promise(() => pool.end())
      )
      yield* Effect.scoped(Effect.gen(function*() {
        const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool) })
        yield* provider.write([span()])
      }))
      const { rows } = yield* Effect.promise(() => pool.query("select count(*)::int as count from observability.spans"))
      expect(rows).toEqual([{ count: 1 }])
    }))

  it.scopedLive("asks again for a pool that could not be had", () =>
    Effect.gen(function*() {
      const url = yield* testDatabase
      let asked = 0
      const provider = yield* PgProvider.fromPool({
        acquire: Effect.suspend(() =>
          ++asked === 1
            ? new SqlError({ cause: new Error("no pool yet"), message: "Failed" })
            : Effect.acquireRelease(
              Effect.sync(() => new Pool({ connectionString: Redacted.value(url) })),
              (pool) => Effect.promise(() => pool.end())
            )
        )
      })
      const failure = yield* Effect.flip(provider.write([span()]))
      expect(failure).toMatchObject({ reason: "transient", message: "PostgreSQL: no pool yet" })
      yield* provider.write([span()])
    }))
})
