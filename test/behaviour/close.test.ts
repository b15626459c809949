/** The application ends: what is open is ended, what waits is written or kept, and nobody waits longer than was agreed. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { LifeCycleOptions } from "./fixtures/lifeCycle.ts"
import type { LoadOptions, LoadSaid } from "./fixtures/load.ts"
import { program } from "./fixtures/processes.ts"
import { serviceOn } from "./fixtures/service.ts"
import { emptyFolder, settled } from "./fixtures/spools.ts"
import type { Store } from "./fixtures/stored.ts"
import { ownStore, upTo } from "./fixtures/stored.ts"

/** Runs it to its end, and returns its exit code. */
const run = (options: LifeCycleOptions) =>
  Effect.scoped(Effect.gen(function*() {
    const application = yield* program<"ready">("lifeCycle.ts", options)
    yield* application.says((said) => said === "ready")
    if (options.end === "signal") yield* application.signal("SIGTERM")
    return yield* application.ended
  }))

interface Region {
  readonly name: string
  readonly status: string
  readonly ended_at: Date
}

const regions = ({ rows }: Store) =>
  Effect.map(
    rows<Region>(
      "select name, status, ended_at from observability.spans where type <> 'llm' " +
        "union all select name, status, ended_at from observability.traces where name not like 'chat %'"
    ),
    (found) => new Map(found.map((region) => [region.name, region]))
  )

describe("an application that ends", { timeout: 60_000 }, () => {
  it.scopedLive("by SIGTERM has its open spans ended as interrupted, children first, and its queue written", () =>
    Effect.gen(function*() {
      const store = yield* ownStore
      yield* run({ url: Redacted.value(store.url), end: "signal", calls: 3_000 })
      assert.deepStrictEqual((yield* store.calls).numbers, upTo(3_000))
      const found = yield* regions(store)
      assert.deepStrictEqual(Array.from(found.keys()).sort(), [
        "forgotten child",
        "forgotten parent",
        "inner",
        "job",
        "outer"
      ])
      for (const { name, status } of found.values()) assert.strictEqual(status, "interrupted", name)
      const end = (name: string) => found.get(name)!.ended_at.getTime()
      assert.isAtMost(end("forgotten child"), end("forgotten parent"))
      assert.isAtMost(end("inner"), end("outer"))
    }))

  it.scopedLive("has the exit code that it has without the library, whatever the server does", () =>
    Effect.gen(function*() {
      const healthy = yield* ownStore
      const hanging = yield* ownStore
      yield* hanging.server.pause
      const codes = (end: LifeCycleOptions["end"], stores: ReadonlyArray<Store>) =>
        Effect.forEach(
          [undefined, ...stores.map((store) => Redacted.value(store.url))],
          (url) => run({ url, end, calls: 10, closeDeadline: "500 millis" }),
          { concurrency: "unbounded" }
        )
      const same = (codes: ReadonlyArray<unknown>) => assert.strictEqual(new Set(codes).size, 1, codes.join())
      same(yield* codes("signal", [healthy, hanging]))
      same(yield* codes("success", [hanging]))
      same(yield* codes("failure", [hanging]))
    }))

  it.scopedLive("while the server hangs is gone by the deadline, and the next process writes the rest", () =>
    Effect.gen(function*() {
      const store = yield* ownStore
      const spoolDirectory = yield* emptyFolder
      const options: LoadOptions = {
        url: Redacted.value(store.url),
        perSecond: 500,
        delivery: { spoolDirectory },
        closeDeadline: "1 second"
      }
      const application = yield* program<LoadSaid>("load.ts", options)
      yield* application.says((said) => said._tag === "Recorded" && said.stats.written > 200)
      yield* store.server.pause
      yield* application.says((said) => said._tag === "Recorded" && said.stats.pending > 500)
      const signalled = performance.now()
      yield* application.signal("SIGTERM")
      yield* application.ended
      assert.isBelow(performance.now() - signalled, 1_000 + 5_000)

      yield* store.server.resume
      const next = yield* serviceOn(store.url, { delivery: { spoolDirectory } })
      yield* settled(next, ({ written }) => written > 0)
      const last = application.said.at(-1)!
      assert.deepStrictEqual((yield* store.calls).numbers, upTo(last.number))
      assert.strictEqual((yield* regions(store)).get("load")?.status, "interrupted")
    }))
})
