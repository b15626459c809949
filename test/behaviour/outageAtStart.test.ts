/** PostgreSQL is down when the application starts: the application does not notice, and nothing is lost for it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { annotate, withSpan, withTrace } from "../../src/Span.ts"
import { recordCall } from "./fixtures/calls.ts"
import { serviceOn } from "./fixtures/service.ts"
import { emptyFolder, settled } from "./fixtures/spools.ts"
import { ownStore, upTo } from "./fixtures/stored.ts"

const total = 200

/** An application with a result of its own, and the time it took to get there. */
const application = Effect.gen(function*() {
  const started = performance.now()
  const service = yield* ObservabilityService
  for (let number = 1; number <= total; number++) yield* recordCall(service, number)
  const answer = yield* Effect.succeed(42).pipe(
    Effect.tap(annotate({ attributes: { seen: true } })),
    withSpan("think"),
    withTrace("answer")
  )
  const failure = yield* Effect.fail("no").pipe(withTrace("refuse"), Effect.flip)
  return { answer, failure, millis: performance.now() - started, service }
})

const result = ({ answer, failure }: Effect.Effect.Success<typeof application>) => ({ answer, failure })

const withoutLibrary = Effect.provide(application, ObservabilityService.layerNoop)

/** Nobody listens there. */
const nowhere = Redacted.make("postgres://nobody@localhost:1/nothing")

describe("PostgreSQL that is down when the application starts", { timeout: 60_000 }, () => {
  it.scopedLive("and comes later gets everything that was recorded before", () =>
    Effect.gen(function*() {
      const { calls, rows, server, url } = yield* ownStore
      yield* server.stop
      const observed = yield* Effect.provide(
        application.pipe(
          Effect.tap(server.start),
          Effect.tap(({ service }) => service.flush())
        ),
        Layer.scoped(ObservabilityService, serviceOn(url))
      )
      assert.deepStrictEqual(result(observed), result(yield* withoutLibrary))
      assert.deepStrictEqual((yield* calls).numbers, upTo(total))
      assert.deepStrictEqual(
        yield* rows(
          "select t.name, t.status, s.attributes->'seen' as seen from observability.traces t " +
            "left join observability.spans s using (db_trace_id) where t.name in ('answer', 'refuse') order by 1"
        ),
        [{ name: "answer", status: "success", seen: true }, { name: "refuse", status: "error", seen: null }]
      )
    }))

  it.scopedLive("and never comes changes no result; the end comes by the deadline, and the counts are exact", () =>
    Effect.gen(function*() {
      const started = performance.now()
      let ended = 0
      const observed = yield* Effect.provide(
        Effect.tap(application, () => Effect.sync(() => (ended = performance.now()))),
        Layer.scoped(ObservabilityService, serviceOn(nowhere, { closeDeadline: "1 second" }))
      )
      assert.deepStrictEqual(result(observed), result(yield* withoutLibrary))
      assert.isBelow(ended - started, 3_000, "it ran at once")
      assert.isBelow(performance.now() - ended, 1_000 + 5_000)

      const { providers: { postgres } } = yield* observed.service.stats
      assert.isAtLeast(postgres!.accepted, 2 * total + 3)
      assert.deepInclude(postgres, { written: 0, spooled: 0, rejected: 0, pending: 0, dropped: postgres!.accepted })
      const byReason = Object.entries(postgres!.droppedByReason)
      assert.deepStrictEqual(byReason.map(([reason]) => reason).sort(), ["Span/closed", "Trace/closed"])
      assert.strictEqual(byReason.reduce((sum, [, count]) => sum + count, 0), postgres!.dropped)
    }))

  it.scopedLive("and never comes loses nothing with a spool: the next process that finds it up writes it", () =>
    Effect.gen(function*() {
      const spoolDirectory = yield* emptyFolder
      const { service } = yield* Effect.provide(
        application,
        Layer.scoped(
          ObservabilityService,
          serviceOn(nowhere, { closeDeadline: "500 millis", delivery: { spoolDirectory } })
        )
      )
      const { providers: { postgres: before } } = yield* service.stats
      assert.deepInclude(before, { dropped: 0, pending: 0, spooled: before!.accepted })

      const { calls, url } = yield* ownStore
      const next = yield* serviceOn(url, { delivery: { spoolDirectory } })
      const after = yield* settled(next, ({ accepted }) => accepted > 0)
      assert.deepInclude(after, { accepted: before!.accepted, written: before!.accepted })
      assert.deepStrictEqual((yield* calls).numbers, upTo(total))
    }))
})
