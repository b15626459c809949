/** docs/schema.md tells the truth: its statements run, and it names every column of every view. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { chatMessage, documentEvent, span, spanId, startTimeUnixMicros, trace, traceId } from "../observations.ts"
import { fixture } from "./pgFixture.ts"

const page = readFileSync(new URL("../../docs/schema.md", import.meta.url), "utf8")
const blocks = Array.from(page.matchAll(/```sql\n(.*?)```/gs), ([, block]) => block!)

describe("docs/schema.md", () => {
  it.scopedLive("has statements that run", () =>
    Effect.gen(function*() {
      const { provider, sql } = yield* fixture()
      expect(blocks.length).toBeGreaterThan(2)
      for (const block of blocks) {
        // the day that the examples speak of, again if the last one dropped it
        yield* provider.write([trace(), span(), chatMessage(), documentEvent()])
        yield* sql.unsafe(block)
      }
    }))

  it.scopedLive("shows the tree of a trace in the order of time, also in an hour that the clocks have twice", () =>
    Effect.gen(function*() {
      const { provider, sql } = yield* fixture()
      const tree = blocks.flatMap((block) => block.split(";")).find((statement) =>
        statement.includes("with recursive")
      )!
      const secondsAfter = (seconds: number) => startTimeUnixMicros + seconds * 1_000_000
      yield* provider.write([
        trace(),
        span({ spanId: spanId(2), name: "first", startTimeUnixMicros: secondsAfter(-30) }),
        span({ spanId: spanId(3), name: "second", startTimeUnixMicros: secondsAfter(30) }),
        span({ spanId: spanId(4), name: "below", parentSpanId: spanId(2), startTimeUnixMicros: secondsAfter(60) })
      ])
      const found = yield* sql.withTransaction(Effect.zipRight(
        // on that day, at 10:00 of UTC, clocks go back from 11 to 10 o'clock
        sql.unsafe("set local search_path = observability; set local timezone = 'AAA0BBB-1,J1/0,J60/11'"),
        sql.unsafe<{ readonly name: string }>(tree)
      ))
      expect(found.map(({ name }) => name)).toEqual(["first", "  below", "second"])
    }))

  it.scopedLive("erases all that is known of a user, in traces that name the user anywhere, and nothing of others", () =>
    Effect.gen(function*() {
      const { provider, rows, sql } = yield* fixture()
      const erasing = blocks.find((block) => block.includes("erased"))!
      yield* provider.write([
        trace({ userId: undefined }),
        span({ userId: undefined, input: "of Ada" }),
        chatMessage({ userId: "ada" }),
        documentEvent({ userId: undefined }),
        ...[span, chatMessage, documentEvent].map((record) => record({ traceId: traceId(2), userId: "grace" }))
      ])
      yield* sql.unsafe(erasing)
      expect(yield* rows("select distinct trace_id::text as id from record_store")).toEqual(
        yield* rows("select distinct db_trace_id::text as id from spans where user_id = 'grace'")
      )
      expect(yield* rows("select count(*)::int as count from record_store")).toEqual([{ count: 3 }])
    }))

  it.scopedLive("names every column", () =>
    Effect.gen(function*() {
      const { provider, sql } = yield* fixture()
      yield* provider.write([trace()])
      const columns = yield* sql<{ readonly view: string; readonly name: string }>`
        select table_name as view, column_name as name from information_schema.columns
        join information_schema.views using (table_schema, table_name)
        where table_schema = 'observability' and table_name not like '%_store'
      `
      expect(columns.length).toBeGreaterThan(100)
      expect(columns.filter(({ name }) => !page.includes(`\`${name}\``))).toEqual([])
    }))
})
