/** The provider on the application's own client or pool: neither disturbs the other. */
import { PgClient } from "@effect/sql-pg"
import { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Redacted, String as Text, Tracer } from "effect"
import { Pool, type PoolConfig } from "pg"
import { closedRevision } from "../../src/Observation.ts"
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

const poolOf = (options: PoolConfig) =>
  Effect.flatMap(testDatabase, (url) =>
    Effect.acquireRelease(
      Effect.sync(() => new Pool({ connectionString: Redacted.value(url), ...options })),
      (pool) => Effect.promise(() => pool.end())
    ))

const otherPool = (pool: Pool) =>
  Effect.acquireRelease(Effect.sync(() => new Pool(pool.options)), (other) => Effect.promise(() => other.end()))

const connectionOf = (pool: Pool) =>
  Effect.acquireRelease(Effect.promise(() => pool.connect()), (connection) => Effect.sync(() => connection.release()))

/** Nobody else gets at the table. */
const locked = (pool: Pool) =>
  Effect.flatMap(connectionOf(pool), (locking) =>
    Effect.acquireRelease(
      Effect.promise(() => locking.query("begin; lock table observability.span_store in access exclusive mode")),
      () => Effect.promise(() => locking.query("rollback"))
    ))

/** Enough of them for a `COPY`, if they are new. */
const manySpans = (name: string, from: number) =>
  Array.from({ length: 30 }, (_, index) => span({ name, spanId: spanId(from + index), revision: closedRevision })) as [
    ReturnType<typeof span>
  ]

const until = <E>(holds: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.asVoid(Effect.repeat(Effect.zipLeft(holds, Effect.sleep("10 millis")), { until: (it) => it }))

describe("fromPool", () => {
  it.scopedLive("writes through the host's pool, and leaves it open", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({})
      yield* Effect.scoped(Effect.gen(function*() {
        const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool) })
        yield* provider.write([span()])
      }))
      const { rows } = yield* Effect.promise(() => pool.query("select count(*)::int as count from observability.spans"))
      expect(rows).toEqual([{ count: 1 }])
    }))

  it.scopedLive("gives back a connection that it gets when it has been interrupted", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({ max: 1 })
      const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool), writeTimeout: "5 seconds" })
      yield* provider.write([span()])
      for (const [from, isKnown] of [[100, false], [200, true]] as const) {
        const batch = manySpans("interrupted", from)
        // one that was attempted goes another way
        if (isKnown) yield* provider.write(batch)
        const waiting = yield* Effect.scoped(Effect.gen(function*() {
          yield* connectionOf(pool)
          const waiting = yield* Effect.fork(provider.write(batch))
          yield* until(Effect.sync(() => pool.waitingCount === 1))
          yield* Fiber.interruptFork(waiting)
          // a turn of the event loop, in which it takes its effect
          yield* Effect.async<void>((resume) => void setImmediate(() => resume(Effect.void)))
          return waiting
        }))
        yield* Fiber.await(waiting)
        yield* provider.write(manySpans("later", from))
      }
      expect(pool.totalCount).toBe(1)
    }))

  it.scopedLive("has the server cancel what takes too long, and then gives back the connection", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({ max: 4 })
      const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool), writeTimeout: "1 second" })
      yield* provider.write([span()])
      yield* Effect.scoped(Effect.gen(function*() {
        yield* locked(pool)
        const batch = manySpans("locked out", 100)
        const idle = Effect.sync(() => pool.idleCount === pool.totalCount - 1)
        let closed = 0
        pool.on("remove", () => closed++)
        for (const verb of ["copy", "insert"]) {
          const failed = yield* Effect.fork(Effect.flip(provider.write(batch)))
          yield* until(Effect.promise(async () => {
            const { rows } = await pool.query(
              "select 1 from pg_stat_activity where wait_event_type = 'Lock' and starts_with(query, $1)",
              [verb]
            )
            return rows.length === 1
          }))
          expect(yield* Fiber.join(failed)).toMatchObject({ reason: "transient" })
          yield* until(idle)
        }
        expect(closed).toBe(0)
      }))
      yield* provider.write(manySpans("later", 100))
    }))

  it.scopedLive("closes the connection of what takes too long, where nothing is left to cancel it with", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({ max: 1 })
      const other = yield* otherPool(pool)
      const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool), writeTimeout: "1 second" })
      yield* provider.write([span()])
      yield* Effect.scoped(Effect.gen(function*() {
        yield* locked(other)
        yield* Effect.flip(provider.write(manySpans("locked out", 100)))
        const { rows } = yield* Effect.promise(() => pool.query("select 1 as answer"))
        expect(rows).toEqual([{ answer: 1 }])
      }))
      yield* provider.write(manySpans("later", 100))
    }))

  it.scopedLive("is written to in the driver's way where that sends one statement before another is answered", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({ pipeline: true } as PoolConfig)
      const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool) })
      yield* provider.write(manySpans("new", 100))
      yield* provider.write(manySpans("new", 100))
      const { rows } = yield* Effect.promise(() => pool.query("select count(*)::int as count from observability.spans"))
      expect(rows).toEqual([{ count: 30 }])
    }))

  it.scopedLive("leaves no timer of the driver's behind", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({ query_timeout: 3_600_000 })
      const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool) })
      const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length
      yield* provider.write(manySpans("new", 100))
      const before = timers()
      for (let round = 1; round < 20; round++) yield* provider.write(manySpans("new", 100 + round * 30))
      expect(timers() - before).toBeLessThan(10)
    }))

  it.scopedLive("survives that the server ends its idle connections, where the host does not listen to its pool", () =>
    Effect.gen(function*() {
      const pool = yield* poolOf({})
      const provider = yield* PgProvider.fromPool({ acquire: Effect.succeed(pool) })
      yield* provider.write([span()])
      const administrator = yield* otherPool(pool)
      yield* Effect.promise(() =>
        administrator.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()`
        )
      )
      // an error that nobody hears ends the process
      yield* until(Effect.sync(() => pool.totalCount === 0))
      yield* provider.write([span({ revision: 2 })])
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
