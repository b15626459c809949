/** A record that PostgreSQL refuses costs that record, and is kept for a person to look at. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { recordCall } from "./fixtures/calls.ts"
import { serviceOn } from "./fixtures/service.ts"
import { emptyFolder } from "./fixtures/spools.ts"
import { ownStore } from "./fixtures/stored.ts"

const total = 400
const poisonous = [7, 8, 250, 400]

describe("records that PostgreSQL refuses", { timeout: 60_000 }, () => {
  it.scopedLive("are found among the others of their batch, kept with the reason, and counted; all others are stored", () =>
    Effect.gen(function*() {
      const { calls, rows, url } = yield* ownStore
      const spoolDirectory = yield* emptyFolder
      const service = yield* serviceOn(url, { delivery: { spoolDirectory } })
      yield* recordCall(service, 0)
      yield* service.flush()
      // A constraint that somebody added: the provider cannot know of it, as it does of PostgreSQL's own limits.
      yield* rows(
        "alter table observability.span_store add constraint no_poison " +
          `check ((attributes->>'number')::int not in (${poisonous.join(", ")}))`
      )

      const trace = yield* service.startTrace({ name: "poisoned" })
      for (let number = 1; number <= total; number++) yield* recordCall(service, number, trace)
      yield* service.endTrace(trace)
      const { postgres } = yield* service.flush()
      assert.deepInclude(postgres, {
        rejected: poisonous.length,
        written: postgres!.accepted - poisonous.length,
        dropped: 0,
        spooled: 0,
        pending: 0
      })
      const stored = Array.from({ length: total + 1 }, (_, number) => number)
      assert.deepStrictEqual((yield* calls).numbers, stored.filter((number) => !poisonous.includes(number)))

      const letters = (yield* Effect.promise(() =>
        readFile(join(spoolDirectory, "postgres", "dead-letter.jsonl"), "utf8")
      ))
        .trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(letters.map(({ record }) => record.attributes.number).sort((a, b) => a - b), poisonous)
      for (const { reason, record, refusedAt } of letters) {
        assert.include(reason, "no_poison")
        assert.include(record.input, "Why is the sky blue?", "the whole record")
        assert.isAbove(Date.parse(refusedAt), 0)
      }
    }))
})
