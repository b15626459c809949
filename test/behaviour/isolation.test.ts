/** A store that hangs for ever, over a real connection, next to a healthy PostgreSQL: that one has everything at once. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import type { Provider } from "../../src/Provider.ts"
import { ProviderError } from "../../src/Provider.ts"
import { recordCalls } from "./fixtures/calls.ts"
import { settled } from "./fixtures/spools.ts"
import { ownStore, upTo } from "./fixtures/stored.ts"

/** Takes requests, reads them, and never answers. */
const hangingServer = Effect.acquireRelease(
  Effect.promise(async () => {
    const server = createServer((request) => request.resume()).listen(0, "127.0.0.1")
    await once(server, "listening")
    return server
  }),
  (server) => Effect.sync(() => server.close().closeAllConnections())
)

/** Posts batches; what it has sent, and whether that is answered, is beyond its power. */
const posting = (port: number): Provider => ({
  name: "http",
  write: (batch) =>
    Effect.tryPromise({
      try: (signal) =>
        fetch(`http://127.0.0.1:${port}/`, {
          method: "POST",
          body: JSON.stringify(batch.map(({ size }) => size)),
          signal
        }),
      catch: (cause) => ProviderError.transient("no answer", { cause })
    })
})

const total = 1_000

describe("a provider that hangs for ever", { timeout: 60_000 }, () => {
  it.scopedLive("keeps nothing from a healthy PostgreSQL next to it, and holds up the end until the deadline at most", () =>
    Effect.gen(function*() {
      const { calls, url } = yield* ownStore
      const { port } = (yield* hangingServer).address() as AddressInfo
      let closing = 0
      const service = yield* Effect.scoped(Effect.gen(function*() {
        const postgres = yield* PgProvider.make({ url })
        const service = yield* ObservabilityService.make({
          providers: [posting(port), postgres],
          closeDeadline: "1 second"
        })
        yield* recordCalls(service, { total, perSecond: 500 })
        const recorded = performance.now()
        const { dropped, rejected } = yield* settled(service, ({ written }) => written >= 2 * total)
        assert.strictEqual(dropped + rejected, 0)
        assert.isBelow(performance.now() - recorded, 10_000, "as promptly as without the other")
        closing = performance.now()
        return service
      }))
      assert.isBelow(performance.now() - closing, 1_000 + 5_000)
      assert.deepStrictEqual((yield* calls).numbers, upTo(total))

      const { providers: { http, postgres } } = yield* service.stats
      assert.deepInclude(http, { accepted: postgres!.accepted, written: 0, dropped: postgres!.accepted, pending: 0 })
    }))
})
