/** Spans that a program forgets to end cost memory up to a limit, and no more. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "./fixtures/processes.ts"
import type { HeapSaid } from "./fixtures/unended.ts"

const count = 1_000_000

describe("memory", { timeout: 120_000 }, () => {
  it.scopedLive("does not grow with spans and traces that are never ended, nor with those that are", () =>
    Effect.gen(function*() {
      const application = yield* program<HeapSaid>("unended.ts", count, { nodeArguments: ["--expose-gc"] })
      const { after, before, openSpans, openTraces } = yield* application.says(() => true)
      assert.isAtMost(openSpans, 1_000, "as configured")
      assert.isAtMost(openTraces, 1_000)
      // 50 bytes for each that was never ended. To hold on to one costs hundreds.
      assert.isBelow(after - before, count * 50)
      assert.strictEqual(yield* application.ended, 0)
    }))
})
