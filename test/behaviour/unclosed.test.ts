/** The application never closes its layer: it is kept alive for what it recorded, and not a moment longer for all else. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { client } from "../postgres/pgFixture.ts"
import { testDatabase } from "../postgres/testDatabase.ts"
import { program } from "./fixtures/processes.ts"
import { emptyFolder } from "./fixtures/spools.ts"
import type { UnclosedOptions } from "./fixtures/unclosed.ts"

describe("an application that has nothing else to do", { timeout: 60_000 }, () => {
  for (const on of ["connections of the library's", "the application's client"] as const) {
    it.scopedLive(`ends when what it recorded is written, on ${on}`, () =>
      Effect.gen(function*() {
        const url = yield* testDatabase
        const spoolDirectory = yield* emptyFolder
        const options: UnclosedOptions = { url: Redacted.value(url), on, spoolDirectory }
        const application = yield* program<"recorded">("unclosed.ts", options)
        yield* application.says((said) => said === "recorded")
        assert.strictEqual(yield* Effect.timeout(application.ended, "40 seconds"), 0)
        const sql = yield* client(url)
        assert.deepStrictEqual(
          yield* sql`select t.name, t.status, s.name as span, s.status as span_status, d.complete
            from observability.traces t join observability.spans s using (db_trace_id)
            join observability.deliveries d using (db_trace_id)`,
          [{ name: "job", status: "success", span: "step", span_status: "success", complete: true }]
        )
      }))
  }
})
