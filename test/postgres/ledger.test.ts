/** The ledger says, per trace and provider, what became of its records, and never that all is there when it is not. */
import { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, FastCheck, Layer, Logger, Runtime } from "effect"
import type { SpanId, TraceId } from "../../src/Identifier.ts"
import { logChatMessage, logDocumentEvent, logLlmCall, withSpan, withTrace } from "../../src/index.ts"
import { apart } from "../../src/internal/postgres/isolation.ts"
import * as LedgerWriter from "../../src/internal/postgres/ledgerWriter.ts"
import * as PartitionKeeper from "../../src/internal/postgres/partitionKeeper.ts"
import type { Options } from "../../src/ObservabilityService.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Observation } from "../../src/Observation.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import type { Provider, Settlement } from "../../src/Provider.ts"
import { memory, ProviderError } from "../../src/Provider.ts"
import * as Observations from "../observations.ts"
import type { Fixture } from "./pgFixture.ts"
import { clear, client, fixture } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

const { chatMessage, documentEvent, span, spanId, trace } = Observations

/** Four final records: the trace, the span, the message and the event. */
const program = Effect.zipRight(
  logChatMessage({ role: "user", content: "why?" }),
  logDocumentEvent({ documentId: "document-1", eventType: "parse", status: "completed" })
).pipe(withSpan("step"), withTrace("answer"))

/** Runs a program with PostgreSQL and other providers, to its end, and gives what the ledger says then. */
const ledgerAfter = (
  others: ReadonlyArray<Provider>,
  run: Effect.Effect<unknown, never, ObservabilityService>,
  options?: Omit<Options, "providers">
) =>
  Effect.gen(function*() {
    const url = yield* testDatabase
    const service = Layer.scoped(
      ObservabilityService,
      Effect.flatMap(PgProvider.make({ url }), (postgres) =>
        ObservabilityService.make({ ...options, providers: [postgres, ...others] }))
    )
    yield* Effect.provide(run, Layer.provideMerge(service, Logger.remove(Logger.defaultLogger)))
    const sql = yield* client(url)
    return yield* sql.unsafe<Record<string, unknown>>(
      `select provider, records::int, delivered::int, refused::int, dropped::int, last_reason, settled, complete
        from observability.deliveries order by provider, records`
    )
  })

const refusing = (reason: string, refuses: (record: Observation) => boolean): Provider => ({
  name: "picky",
  write: (batch) => {
    const rejections = batch.flatMap((record, index) => refuses(record) ? [{ index, message: reason }] : [])
    return rejections.length === 0 ? Effect.void : ProviderError.rejected(reason, { rejections })
  }
})

const writtenToPostgres = Effect.flatMap(
  ObservabilityService,
  ({ stats }) =>
    Effect.repeat(Effect.delay(stats, "20 millis"), { until: ({ providers }) => providers["postgres"]!.written >= 4 })
)

const down: Provider = { name: "down", write: () => ProviderError.transient("nobody is there") }

describe("the ledger", () => {
  it.scopedLive("has no rows while PostgreSQL is the only store", () =>
    Effect.gen(function*() {
      expect(yield* ledgerAfter([], program)).toEqual([])
    }))

  it.scopedLive("knows a call that began a day before its trace, as those of a vendor's batch do", () =>
    Effect.gen(function*() {
      const batch = logLlmCall({ model: "gpt-4o", costUsd: "0.5", promptTokens: 10, latency: Duration.hours(47.9) })
      expect(yield* ledgerAfter([memory("langfuse")], withTrace(batch, "batch")))
        .toMatchObject([{ records: 2, delivered: 2, complete: true }])
    }))

  it.scopedLive("says that all is there, per trace and provider, also of a trace that outlives many batches", () =>
    Effect.gen(function*() {
      const long = Effect.forEach(
        [1, 2, 3],
        (number) => logLlmCall({ model: `model ${number}` }).pipe(Effect.delay("60 millis"), withSpan("step")),
        { discard: true }
      ).pipe(withTrace("long"))
      const said = yield* ledgerAfter([memory("one"), memory("two")], Effect.zipRight(program, long), {
        delivery: { batchWindow: "20 millis" }
      })
      const complete = { refused: 0, dropped: 0, last_reason: null, settled: true, complete: true }
      expect(said).toEqual(["one", "two"].flatMap((provider) => [
        { provider, records: 4, delivered: 4, ...complete },
        { provider, records: 7, delivered: 7, ...complete }
      ]))
    }))

  it.scopedLive("has what was refused and what was dropped, with the reason", () =>
    Effect.gen(function*() {
      const said = yield* ledgerAfter(
        [refusing("no messages here\0", (record) => record._tag === "ChatMessage"), down],
        Effect.zipRight(program, writtenToPostgres),
        { closeDeadline: "100 millis", delivery: { retryDelay: "10 millis" } }
      )
      expect(said).toEqual([
        {
          provider: "down",
          records: 4,
          delivered: 0,
          refused: 0,
          dropped: 4,
          last_reason: "closed",
          settled: false,
          complete: false
        },
        {
          provider: "picky",
          records: 4,
          delivered: 3,
          refused: 1,
          dropped: 0,
          last_reason: "no messages here\uFFFD",
          settled: true,
          complete: false
        }
      ])
    }))

  it.scopedLive("is written while the program runs, and does not wait for its end", () =>
    Effect.gen(function*() {
      const { provider, rows } = yield* fixture()
      yield* provider.write([final.trace])
      provider.ledger!.note({ provider: "other", outcome: "delivered", reason: undefined, records: [final.trace] })
      const [row] = yield* Effect.repeat(Effect.delay(rows("select complete from deliveries"), "50 millis"), {
        until: (found) => found.length > 0
      })
      expect(row).toEqual({ complete: true })
    }))

  it.scopedLive("does not call a trace complete that has changed since", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      const writer = yield* writerOf(store)
      yield* store.provider.write([final.trace, final.span])
      yield* writer.settle("delivered", [final.trace, final.span])
      expect(yield* complete(store)).toEqual([true])
      yield* store.provider.write([{ ...final.span, revision: closedRevision + 1 }])
      expect(yield* complete(store)).toEqual([false])
    }))

  it.scopedLive("says the same in every time zone, also of a night in which clocks change", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      // its id carries no time, and each writer hears of it on another side of midnight
      const traceId = "f".repeat(32) as TraceId
      const spans = ["2026-03-08T23:59:00Z", "2026-03-09T00:01:00Z"].map((time, index) => ({
        ...final.span,
        traceId,
        spanId: spanId(index + 2),
        startTimeUnixMicros: Date.parse(time) * 1_000
      }))
      for (const span of spans) {
        yield* store.provider.write([span])
        yield* (yield* writerOf(store)).settle("delivered", [span])
      }
      for (const zone of ["UTC", "America/New_York"]) {
        const found = yield* store.sql.withTransaction(Effect.zipRight(
          store.sql.unsafe(`set local timezone = '${zone}'`),
          store.sql`select delivered::int, complete from observability.deliveries order by day`
        ))
        expect(found, zone).toEqual(Array(2).fill({ delivered: 2, complete: true }))
      }
    }))

  it.scopedLive("is not held up by a day that gets no partition", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([final.trace])
      yield* store.rows("create view delivery_store_20260301 as select 1 as mine")
      const writer = yield* writerOf(store)
      const today = { ...final.trace, traceId: "f".repeat(32) as TraceId, startTimeUnixMicros: Date.now() * 1000 }
      yield* writer.settle("delivered", [final.trace, today])
      expect(yield* store.rows("select delivered::int from delivery_store")).toEqual([{ delivered: 1 }])
    }))

  it.scopedLive("adds what a writer knows once, however often that is written", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      let answers = true
      // a server that does what it is told, and whose answer gets lost
      const writer = yield* writerOf(store, (self) =>
        Effect.flatMap(self, () => answers ? Effect.void : Effect.fail(lost)))
      yield* store.provider.write([final.trace, final.span, final.message])
      answers = false
      yield* writer.settle("delivered", [final.trace])
      yield* writer.settle("delivered", [final.span])
      answers = true
      yield* writer.settle("delivered", [final.message])
      expect(yield* store.rows("select delivered::int, complete from deliveries")).toEqual([
        { delivered: 3, complete: true }
      ])
    }))

  it.scopedLive(
    "is settled exactly when each final record was delivered or refused once, whoever noted it",
    () =>
      Effect.gen(function*() {
        const store = yield* fixture()
        const runtime = yield* Effect.runtime()
        yield* store.provider.write([trace()])
        yield* Effect.promise(() =>
          FastCheck.assert(
            FastCheck.asyncProperty(scenario, ({ notes, records }) =>
              Runtime.runPromise(runtime)(Effect.gen(function*() {
                yield* clear(store)
                yield* store.rows("truncate delivery_store")
                yield* store.provider.write(records as [Observation, ...Array<Observation>])
                const writers = [yield* writerOf(store), yield* writerOf(store)]
                for (const { outcome, part, writer } of notes) yield* writers[writer]!.settle(outcome, part)
                const counts = new Map(records.map((record) => [record, 0]))
                for (const { outcome, part } of notes) {
                  if (outcome !== "dropped") { for (const record of part) counts.set(record, counts.get(record)! + 1) }
                }
                const due = records.filter((record) => !("status" in record) || record.status !== "in_progress")
                const isSettled = due.every((record) => counts.get(record) === 1)
                const found = yield* store.rows("select settled from deliveries")
                expect(found.map(({ settled }) => settled)).toEqual(found.length === 0 ? [] : [isSettled])
              }))),
            { numRuns: 80 }
          )
        )
      }),
    60_000
  )
})

const final = {
  trace: trace({ status: "success", revision: closedRevision }),
  span: span({ status: "success", revision: closedRevision }),
  message: chatMessage()
}

const lost = new SqlError({ cause: undefined, message: "the answer got lost" })

const complete = ({ rows }: Fixture) =>
  Effect.map(rows("select complete from deliveries"), (found) => found.map((row) => row["complete"]))

/** A writer of its own, as another process has one. */
const writerOf = (
  { sql }: Fixture,
  answering: (self: Effect.Effect<void, SqlError>) => Effect.Effect<void, SqlError> = (self) => self
) =>
  Effect.sync(() => {
    const writer = LedgerWriter.make({
      schema: "observability",
      partitions: PartitionKeeper.make({ schema: "observability" }),
      onStore: (self) => answering(apart(sql)(self))
    })
    return {
      settle: (outcome: Settlement["outcome"], records: ReadonlyArray<Observation>) =>
        Effect.suspend(() => {
          writer.note({ provider: "other", outcome, reason: undefined, records })
          return writer.flush
        })
    }
  })

/** Ids as they are drawn: at random, all 64 bits of them. */
const anyId = FastCheck.bigInt({ min: 1n, max: 2n ** 64n - 1n }).map((value) =>
  value.toString(16).padStart(16, "0") as SpanId
)

const anyRecords = FastCheck.uniqueArray(anyId, { minLength: 2, maxLength: 6 }).map((ids) =>
  ids.map((id, index): Observation =>
    index === 0
      ? trace({ spanId: id, status: "success", revision: closedRevision })
      : index === 1
      ? chatMessage({ messageId: id })
      : index === 2
      ? documentEvent({ eventId: id })
      : index === 3
      ? span({ spanId: id })
      : span({ spanId: id, status: "lost", revision: index })
  )
)

interface Note {
  readonly outcome: Settlement["outcome"]
  readonly writer: number
  readonly part: ReadonlyArray<Observation>
}

/** What can go wrong between a provider and the ledger. */
const faults: ReadonlyArray<(notes: ReadonlyArray<Note>) => ReadonlyArray<Note>> = [
  (notes) => notes.slice(1),
  (notes) => [...notes, notes[0]!],
  ([_, second, ...others]) => [second!, second!, ...others],
  ([first, ...others]) => [{ ...first!, outcome: "dropped" }, ...others]
]

/** Mostly each record is noted once. */
const scenario = anyRecords.chain((records) =>
  FastCheck.tuple(...records.map((record) =>
    FastCheck.record<Note>({
      outcome: FastCheck.constantFrom("delivered", "delivered", "refused"),
      writer: FastCheck.nat({ max: 1 }),
      part: FastCheck.constant([record])
    })
  )).chain((notes) =>
    FastCheck.record({
      notes: FastCheck.shuffledSubarray(notes, { minLength: notes.length }),
      fault: FastCheck.option(FastCheck.constantFrom(...faults))
    })
  ).map(({ fault, notes }) => ({ records, notes: fault === null ? notes : fault(notes) }))
)
