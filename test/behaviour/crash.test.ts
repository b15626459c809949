/** kill -9 of the application: what was confirmed, or was on the disk, is not lost with it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import type { LoadOptions, LoadSaid } from "./fixtures/load.ts"
import type { Program } from "./fixtures/processes.ts"
import { program } from "./fixtures/processes.ts"
import { serviceOn } from "./fixtures/service.ts"
import { emptyFolder, settled } from "./fixtures/spools.ts"
import { ownStore, upTo } from "./fixtures/stored.ts"

const perSecond = 1_000

type Recorded = Extract<LoadSaid, { readonly _tag: "Recorded" }>
type Flushed = Extract<LoadSaid, { readonly _tag: "Flushed" }>

const load = (options: LoadOptions) => program<LoadSaid>("load.ts", options)

const recorded = ({ said }: Program<LoadSaid>) => said.filter((one): one is Recorded => one._tag === "Recorded")

const kill = (application: Program<LoadSaid>) =>
  Effect.gen(function*() {
    const at = Date.now()
    yield* application.signal("SIGKILL")
    assert.strictEqual(yield* application.ended, "SIGKILL")
    return at
  })

/** A write that the killed process had sent may go on for a moment. */
const storedCalls = Effect.fnUntraced(function*(store: Effect.Effect.Success<typeof ownStore>) {
  yield* Effect.sleep("500 millis")
  return yield* store.calls
})

describe("kill -9 of the application", { timeout: 60_000 }, () => {
  it.scopedLive("with a healthy server loses at most what the last batch window held", () =>
    Effect.gen(function*() {
      const store = yield* ownStore
      const application = yield* load({ url: Redacted.value(store.url), perSecond })
      // by now batches have been written again and again
      yield* application.says((said) => said._tag === "Recorded" && said.number >= 2_500)
      const killedAt = yield* kill(application)

      const { numbers } = yield* storedCalls(store)
      assert.deepStrictEqual(numbers, upTo(numbers.length), "in order, without a gap, none twice")
      // The window is 200 ms. What was recorded a second before the kill had five times as long to be written.
      const due = recorded(application).findLast(({ at }) => at < killedAt - 1_000)
      assert.isAtLeast(numbers.length, due!.number)
    }))

  it.scopedLive("loses nothing that a flush has confirmed", () =>
    Effect.gen(function*() {
      const store = yield* ownStore
      const application = yield* load({ url: Redacted.value(store.url), perSecond, flushes: true })
      yield* application.says((said) => said._tag === "Flushed" && said.number >= 1_500)
      yield* kill(application)

      const confirmed = application.said.findLast((said): said is Flushed => said._tag === "Flushed")!
      assert.strictEqual(confirmed.receipt.dropped + confirmed.receipt.rejected + confirmed.receipt.spooled, 0)
      const { numbers } = yield* storedCalls(store)
      assert.deepStrictEqual(numbers, upTo(numbers.length))
      assert.isAtLeast(numbers.length, confirmed.number)
    }))

  it.scopedLive("with the server down loses nothing that is on the disk: the next process writes it, once", () =>
    Effect.gen(function*() {
      const store = yield* ownStore
      const spoolDirectory = yield* emptyFolder
      yield* store.server.stop
      const application = yield* load({
        url: Redacted.value(store.url),
        perSecond,
        delivery: { spoolDirectory, queueBytes: 4 * 1024 * 1024 }
      })
      yield* application.says((said) => said._tag === "Recorded" && said.stats.spooled > 2_000)
      yield* kill(application)
      const { stats } = recorded(application).at(-1)!
      assert.strictEqual(stats.dropped, 0)

      const next = yield* serviceOn(store.url, { delivery: { spoolDirectory } })
      yield* store.server.start
      const receipt = yield* settled(next, ({ accepted }) => accepted >= stats.spooled)
      const { numbers, rows } = yield* store.calls
      assert.deepStrictEqual(new Set(numbers).size, numbers.length, "none twice")
      // what was on the disk, and perhaps a batch that was on its way there when the process was killed
      assert.isAtLeast(receipt.accepted, stats.spooled)
      assert.strictEqual(receipt.written, receipt.accepted)
      assert.strictEqual(rows, receipt.written)
    }))
})
