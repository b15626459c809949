/** What goes by `COPY` is stored as by the statement that takes one row after the other, and falls back to it. */
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, Effect, FastCheck, Redacted, Runtime } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { randomUUID } from "node:crypto"
import { closedRevision, type Observation } from "../../src/Observation.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { chatMessage, documentEvent, modelCall, span, spanId, startTimeUnixMicros } from "../observations.ts"
import { clear, contents, fixture } from "./pgFixture.ts"

const spans = (count: number, fields: Parameters<typeof span>[0] = {}) =>
  Array.from({ length: count }, (_, index) =>
    span({
      ...fields,
      spanId: spanId(index + 1),
      revision: closedRevision,
      startTimeUnixMicros: startTimeUnixMicros + index
    })) as [Observation, ...Array<Observation>]

/** Has every statement that inserts spans leave its text, without which nobody could tell how they came in. */
const watched = (rows: (text: string) => Effect.Effect<ReadonlyArray<object>, unknown>) =>
  rows(`
    create table observability.statements (verb text);
    create function observability.note() returns trigger language plpgsql as
      $$ begin insert into observability.statements values (split_part(current_query(), ' ', 1)); return null; end $$;
    create trigger note before insert on observability.span_store for each statement execute function observability.note();
  `)

const amount: FastCheck.Arbitrary<BigDecimal.BigDecimal> = FastCheck.record({
  value: FastCheck.bigInt({ min: 0n, max: 10n ** 40n }),
  scale: FastCheck.integer({ min: -20, max: 60 })
}).map(({ scale, value }) => BigDecimal.make(value, scale))

const anything: FastCheck.Arbitrary<Parameters<typeof span>[0]> = FastCheck.record({
  cost: FastCheck.option(amount, { nil: undefined }),
  score: FastCheck.option(FastCheck.double(), { nil: undefined }),
  name: FastCheck.string({ unit: "binary" }),
  input: FastCheck.option(FastCheck.oneof(FastCheck.string({ unit: "binary" }), FastCheck.integer()), {
    nil: undefined
  })
}).map(({ cost, input, name, score }) => ({
  name,
  input,
  metrics: { resultCount: undefined, topScore: score, pageCount: undefined, chunkCount: undefined },
  modelCall: modelCall({ costUsd: cost })
}))

describe("COPY", () => {
  it.scopedLive("takes what was never sent before, and leaves the rest to the upsert", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([span()])
      yield* clear(store)
      yield* watched(store.rows)

      const batch = spans(50)
      yield* store.provider.write(batch)
      expect(yield* store.rows("select verb from statements")).toEqual([{ verb: "copy" }])

      // the same batch again may be there already
      yield* store.provider.write(batch)
      expect(yield* store.rows("select verb from statements offset 1")).toEqual([{ verb: "insert" }])

      // spans of which an open snapshot may be there
      yield* store.provider.write(
        spans(50).map((row) => ({ ...row, revision: closedRevision + 1 })) as unknown as NonEmptyReadonlyArray<
          Observation
        >
      )
      expect(yield* store.rows("select verb from statements offset 2")).toEqual([{ verb: "insert" }])
      expect(yield* store.rows("select count(*)::int as count from spans")).toEqual([{ count: 50 }])
    }))

  it.scopedLive("stores every value as the upsert does", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([span()])
      const runtime = yield* Effect.runtime()
      yield* Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.array(anything, { minLength: 20, maxLength: 40 }),
            async (fields) => {
              const batch = fields.map((row, index) =>
                span({ ...row, spanId: spanId(index + 1), revision: closedRevision })
              ) as unknown as NonEmptyReadonlyArray<Observation>
              const stored = (write: Effect.Effect<unknown, unknown>) =>
                Runtime.runPromise(runtime)(clear(store).pipe(Effect.zipRight(write), Effect.zipRight(contents(store))))
              const copied = await stored(store.provider.write(batch))
              // a batch that was attempted is not copied
              const upserted = await stored(store.provider.write(batch))
              expect(copied).toEqual(upserted)
            }
          ),
          { numRuns: 50 }
        )
      )
    }))

  it.scopedLive("that meets a row which is there already leaves all of the batch to the upsert", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([
        span({ spanId: spanId(7), startTimeUnixMicros: startTimeUnixMicros + 6, revision: 1, name: "older" })
      ])
      yield* watched(store.rows)
      yield* store.provider.write([
        ...spans(30, { name: "newer" }),
        ...Array.from({ length: 30 }, (_, index) => chatMessage({ messageId: spanId(index + 1) })),
        ...Array.from({ length: 30 }, (_, index) => documentEvent({ eventId: spanId(index + 1) }))
      ])
      expect(yield* store.rows("select verb from statements")).toEqual([{ verb: "insert" }])
      expect(yield* store.rows("select distinct name, count(*)::int as count from spans group by name")).toEqual([
        { name: "newer", count: 30 }
      ])
      expect(yield* store.rows("select count(*)::int as count from chat_messages")).toEqual([{ count: 30 }])
      expect(yield* store.rows("select count(*)::int as count from document_events")).toEqual([{ count: 30 }])
    }))

  it.scopedLive("does without where the store refuses it", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([span()])
      yield* clear(store)
      const role = `copyless_${randomUUID().slice(0, 8)}`
      // PostgreSQL itself refuses COPY, and only that, where row level security applies
      yield* store.rows(`
        create role ${role} login password 'secret';
        grant all on schema observability to ${role};
        grant all on all tables in schema observability to ${role};
        alter table observability.span_store enable row level security;
        create policy everyone on observability.span_store using (true) with check (true);
      `)
      yield* Effect.addFinalizer(() => Effect.ignore(store.rows(`drop owned by ${role} cascade; drop role ${role}`)))
      const url = new URL(Redacted.value(store.url))
      url.username = role
      url.password = "secret"
      const provider = yield* PgProvider.make({ url: Redacted.make(url.href) })
      yield* provider.write(spans(30))
      expect(yield* store.rows("select count(*)::int as count from spans")).toEqual([{ count: 30 }])
    }))
})
