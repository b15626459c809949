/** PostgreSQL goes away under load: the application goes on as if nothing was, and every record arrives. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { ServerControl } from "../../src/EmbeddedPostgres.ts"
import { recordCalls } from "./fixtures/calls.ts"
import { serviceOn } from "./fixtures/service.ts"
import { ownStore, upTo } from "./fixtures/stored.ts"

const perSecond = 200
const total = 800

/** Four seconds of load; after one second the server goes away for two. */
const survives = (
  goAway: (server: ServerControl) => Effect.Effect<void>,
  comeBack: (server: ServerControl) => Effect.Effect<void, unknown>
) =>
  Effect.gen(function*() {
    const { calls, server, url } = yield* ownStore
    // below the length of the outage, so that writes fail, are tried again, and make nothing twice
    const service = yield* serviceOn(url, { delivery: { writeTimeout: "1 second", maxRetryDelay: "1 second" } })
    const load = yield* Effect.fork(recordCalls(service, { total, perSecond }))
    yield* Effect.sleep("1 second")
    yield* goAway(server)
    yield* Effect.sleep("2 seconds")
    const { providers } = yield* service.stats
    assert.isAbove(providers["postgres"]!.retries, 0, "the outage was noticed")
    yield* comeBack(server)
    yield* Fiber.join(load)

    const { postgres } = yield* service.flush({ timeout: "20 seconds" })
    const { numbers, rows } = yield* calls
    assert.deepStrictEqual(numbers, upTo(total))
    assert.strictEqual(rows, 2 * total)
    assert.deepInclude(postgres, { spooled: 0, dropped: 0, rejected: 0, pending: 0 })
    assert.strictEqual(postgres!.accepted, postgres!.written)
    // a trace that was cut in two by a batch is written twice, and is one row
    assert.isAtLeast(postgres!.written, rows)
  })

describe("an outage of PostgreSQL under load loses nothing, and the receipt is exact", { timeout: 60_000 }, () => {
  it.scopedLive("when the server is stopped and started again", () =>
    survives((server) => server.stop, (server) => server.start))

  it.scopedLive("when the server hangs: it takes connections and never answers", () =>
    survives((server) => server.pause, (server) => server.resume))

  it.scopedLive("when the server is killed, and recovers from its crash", () =>
    survives((server) => server.kill, (server) => server.start))
})
