/** PostgreSQL down, silent, crashed or changed under the provider: nothing hangs, and it heals by itself. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Redacted, Scope, TestClock } from "effect"
import * as EmbeddedPostgres from "../../src/EmbeddedPostgres.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { span, spanId } from "../observations.ts"
import { client, fixture } from "./pgFixture.ts"

/** A server of the test's own, to be stopped and paused, and a provider on it. */
const ownServer = Effect.gen(function*() {
  const { server, url } = yield* EmbeddedPostgres.make({ durable: true })
  const provider = yield* PgProvider.make({ url, connectTimeout: "1 second" })
  const write = (id: number) => provider.write([span({ spanId: spanId(id) })])
  const count = Effect.scoped(Effect.gen(function*() {
    const sql = yield* client(url)
    const [row] = yield* sql<{ readonly count: number }>`select count(*)::int as count from observability.spans`
    return row?.count
  }))
  return { server, url, provider, write, count }
})

const millisOf = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(Effect.exit(self), () => performance.now() - start)
  })

describe("building the provider", { timeout: 60_000 }, () => {
  it.scopedLive("neither fails nor waits when nobody answers; the next write tries again", () =>
    Effect.gen(function*() {
      const { server, url } = yield* EmbeddedPostgres.make()
      yield* server.stop
      const provider = yield* PgProvider.make({ url })
      expect(yield* Effect.flip(provider.write([span()]))).toMatchObject({ reason: "transient" })
      yield* server.start
      yield* provider.write([span()])
    }))

  it.scopedLive("waits for a connection as long as it may, also longer than a timer can be set for", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture({ connectTimeout: "30 days" })
      yield* provider.write([span()])
      expect(yield* rows("select count(*)::int as count from spans")).toEqual([{ count: 1 }])
    }))

  it.scopedLive("does not hold up the end of the scope, and leaves nobody waiting", () =>
    Effect.gen(function*() {
      const { server, url } = yield* EmbeddedPostgres.make()
      yield* server.pause
      const scope = yield* Scope.make()
      const provider = yield* Scope.extend(PgProvider.make({ url }), scope)
      const write = yield* Effect.fork(Effect.exit(provider.write([span()])))
      yield* Effect.yieldNow()
      expect(yield* millisOf(Scope.close(scope, Exit.void))).toBeLessThan(1000)
      expect(Exit.isFailure(yield* Effect.flatten(Fiber.join(write)).pipe(Effect.exit))).toBe(true)
      yield* server.resume
    }))

  it.scopedLive("fails for options that no server could make work", () =>
    Effect.gen(function*() {
      const url = Redacted.make("postgres://localhost/app")
      for (
        const [option, options] of [
          ["url", { url: Redacted.make("localhost:5432") }],
          ["url", { url: Redacted.make("mysql://localhost/app") }],
          ["url", { url: Redacted.make("postgres://local host/app") }],
          ["schema", { url, schema: "My Schema" }],
          ["partitionsAhead", { url, partitionsAhead: -1 }]
        ] as const
      ) {
        expect(yield* Effect.flip(PgProvider.make(options))).toMatchObject({ _tag: "PgOptionsError", option })
      }
    }))

  it("takes the addresses that the driver takes", () => {
    for (
      const url of [
        "postgres://user:p%40ss@host:5433/db?sslmode=require",
        "postgresql://host/db",
        "postgres://user@/db?host=/var/run/postgresql",
        "postgresql:///db?host=/var/run/postgresql"
      ]
    ) expect(PgProvider.isUrl(url)).toBe(true)
  })
})

describe("a server that stops answering", { timeout: 60_000 }, () => {
  it.scopedLive("lets go of an interrupted write at once, and writes again when it is back", () =>
    Effect.gen(function*() {
      const { count, server, write } = yield* ownServer
      yield* write(1)
      yield* server.pause
      expect(yield* millisOf(Effect.timeout(write(2), "1 second"))).toBeLessThan(1500)
      expect(yield* millisOf(Effect.timeout(write(3), "1 second"))).toBeLessThan(1500)
      yield* server.resume
      yield* write(4)
      expect(yield* count).toBeGreaterThanOrEqual(2)
    }))

  it.scopedLive("fails a write after the time it may take", () =>
    Effect.gen(function*() {
      const { server, url } = yield* ownServer
      const provider = yield* PgProvider.make({ url, writeTimeout: "3 seconds" })
      yield* provider.write([span()])
      yield* server.pause
      const failure = yield* Effect.flip(provider.write([span({ spanId: spanId(9) })]))
      expect(failure).toMatchObject({ reason: "transient", message: "PostgreSQL: no answer in time" })
      yield* server.resume
      // the request to cancel the first write may come late, and meet this one: then it is `transient`, too
      yield* Effect.retry(provider.write([span({ spanId: spanId(9) })]), {
        times: 2,
        while: ({ reason }) => reason === "transient"
      })
    }))

  it.scopedLive("does not hold up the end of the scope", () =>
    Effect.gen(function*() {
      const { server, url } = yield* EmbeddedPostgres.make()
      const elapsed = yield* millisOf(Effect.scoped(Effect.gen(function*() {
        const provider = yield* PgProvider.make({ url })
        yield* provider.write([span()])
        yield* server.pause
        yield* Effect.timeoutOption(provider.write([span({ spanId: spanId(9) })]), "100 millis")
      })))
      yield* server.resume
      expect(elapsed).toBeLessThan(4000)
    }))
})

describe("a server that went away", { timeout: 60_000 }, () => {
  it.scopedLive("by a restart is written to again", () =>
    Effect.gen(function*() {
      const { count, server, write } = yield* ownServer
      yield* write(1)
      yield* server.stop
      expect(yield* Effect.flip(write(2))).toMatchObject({ reason: "transient" })
      yield* server.start
      yield* write(3)
      expect(yield* count).toBe(2)
    }))

  it.scopedLive("by a crash is written to again, and has all that was acknowledged", () =>
    Effect.gen(function*() {
      const { count, server, write } = yield* ownServer
      yield* write(1)
      yield* server.kill
      expect(yield* Effect.flip(write(2))).toMatchObject({ reason: "transient" })
      yield* server.start
      yield* write(3)
      expect(yield* count).toBe(2)
    }))
})

describe("tables that somebody dropped", { timeout: 60_000 }, () => {
  it.scopedLive("are created again with the write after the one that found out", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      yield* provider.write([span()])
      yield* sql`drop schema observability cascade`
      expect(yield* Effect.flip(provider.write([span()]))).toMatchObject({ reason: "transient" })
      yield* provider.write([span()])
      expect(
        yield* rows(
          "select (select count(*)::int from spans) as spans, (select count(*)::int from processes) as processes"
        )
      )
        .toEqual([{ spans: 1, processes: 1 }])
    }))
})

describe("a test clock", { timeout: 60_000 }, () => {
  it.scoped("does not reach the provider: servers answer in real time", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* Effect.all([
        provider.write([span()]),
        TestClock.adjust("1 day")
      ], { concurrency: "unbounded" })
      expect((yield* rows("select 1 from spans")).length).toBe(1)
    }))
})
