/** What a store does not have comes to it from PostgreSQL, once, whatever was there before and whatever happens meanwhile. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Fiber, Layer, Logger, Redacted } from "effect"
import type { TraceId } from "../../src/Identifier.ts"
import type { Options } from "../../src/ObservabilityService.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Observation } from "../../src/Observation.ts"
import { closedRevision } from "../../src/Observation.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import type { Provider } from "../../src/Provider.ts"
import { memory, ProviderError } from "../../src/Provider.ts"
import type { Receipt } from "../../src/Replay.ts"
import * as Replay from "../../src/Replay.ts"
import { program } from "../behaviour/fixtures/processes.ts"
import type { MockLangfuse, Mode } from "../langfuse/mockLangfuse.ts"
import { answering, mockLangfuse, publicKey, secretKey } from "../langfuse/mockLangfuse.ts"
import { readBack } from "../langfuse/readBack.ts"
import { providerOf } from "../langfuse/records.ts"
import * as Observations from "../observations.ts"
import type { ReplayOnceOptions } from "./fixtures/replayOnce.ts"
import { recordsPerTrace, recordTraces, stateOf } from "./fixtures/replayWorkload.ts"
import { client, fixture } from "./pgFixture.ts"
import { testDatabase } from "./testDatabase.ts"

const { chatMessage, span, spanId, startTimeUnixMicros, trace, traceId } = Observations

/** A database, and replays of what is in it. */
const store = Effect.gen(function*() {
  const url = yield* testDatabase
  const sql = yield* client(url)
  const replay = (options: Partial<Replay.Options> & { readonly to: Provider }) =>
    Replay.replay({
      since: "2026-01-01",
      until: tomorrow(),
      recordsPerSecond: Number.POSITIVE_INFINITY,
      ...options
    }).pipe(Effect.provideService(PgClient.PgClient, sql), silently)
  return { url, sql, replay }
})

const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()

const silently = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.provide(self, Logger.remove(Logger.defaultLogger))

/** Runs a program with PostgreSQL and other providers, to its end. */
const live = (
  url: Redacted.Redacted,
  others: ReadonlyArray<Provider>,
  run: Effect.Effect<unknown, never, ObservabilityService>,
  options?: Omit<Options, "providers">
) =>
  run.pipe(
    Effect.provide(Layer.scoped(
      ObservabilityService,
      Effect.flatMap(PgProvider.make({ url }), (postgres) =>
        ObservabilityService.make({ ...options, providers: [postgres, ...others] }))
    )),
    silently
  )

const named = (provider: Provider, name: string): Provider => ({ ...provider, name })

const receipt = (fields: Partial<Receipt>): Receipt => ({
  traces: 0,
  complete: 0,
  open: 0,
  sent: 0,
  refused: 0,
  failed: 0,
  records: 0,
  reasons: {},
  ...fields
})

/** Two servers, of which one gets everything while the program runs, to compare the other with. */
const servers = (mode: Mode) =>
  Effect.gen(function*() {
    const mock = yield* mockLangfuse(mode)
    const reference = yield* mockLangfuse(mode)
    return {
      mock,
      langfuse: yield* providerOf(mock),
      reference,
      complete: named(yield* providerOf(reference), "reference")
    }
  })

/** As a Langfuse that is configured after all that was recorded finds it. */
const recorded = (mode: Mode, traces: number) =>
  Effect.gen(function*() {
    const stores = { ...yield* store, ...yield* servers(mode) }
    yield* live(stores.url, [stores.complete], recordTraces(0, traces), { closeDeadline: "20 seconds" })
    expect(stateOf(stores.reference).size).toBeGreaterThanOrEqual(traces * recordsPerTrace)
    return stores
  })

const sameState = (mock: MockLangfuse, reference: MockLangfuse) =>
  expect(Object.fromEntries(stateOf(mock))).toEqual(Object.fromEntries(stateOf(reference)))

describe.each(["3", "4"] satisfies ReadonlyArray<Mode>)("to Langfuse, version %s", (mode) => {
  it.scopedLive(
    "everything comes that was recorded before it was configured, and a second replay sends nothing",
    () =>
      Effect.gen(function*() {
        const { langfuse, mock, reference, replay } = yield* recorded(mode, 300)
        expect(yield* replay({ to: langfuse })).toEqual(
          receipt({ traces: 300, sent: 300, records: 300 * recordsPerTrace })
        )
        sameState(mock, reference)
        const requests = mock.batches.length
        expect(yield* replay({ to: langfuse })).toEqual(receipt({ traces: 300, complete: 300 }))
        expect(mock.batches.length).toBe(requests)
      }),
    60_000
  )

  it.scopedLive(
    "what was dropped while it was away comes afterwards, and nothing is there twice",
    () =>
      Effect.gen(function*() {
        const { complete, langfuse, mock, reference, replay, sql, url } = yield* Effect.all([store, servers(mode)])
          .pipe(
            Effect.map(([stores, both]) => ({ ...stores, ...both }))
          )
        // the other two keep up
        const recordTwenty = (from: number) =>
          Effect.forEach(
            [from, from + 5, from + 10, from + 15],
            (start) => Effect.zipRight(recordTraces(start, start + 5), keptUp),
            { discard: true }
          )
        const run = Effect.gen(function*() {
          yield* recordTwenty(0)
          mock.fault = answering(503, "away")
          yield* recordTwenty(20)
          mock.fault = () => false
          yield* recordTwenty(40)
        })
        yield* live(url, [langfuse, complete], run, {
          delivery: {
            queueBytes: 100_000,
            batchWindow: "20 millis",
            retryDelay: "10 millis",
            maxRetryDelay: "50 millis"
          },
          closeDeadline: "10 seconds"
        })
        const [ledger] = yield* sql.unsafe<Record<string, number>>(
          `select count(*) filter (where complete)::int as complete, count(*) filter (where not complete)::int as incomplete,
          sum(dropped)::int as dropped from observability.deliveries where provider = 'langfuse'`
        )
        expect(ledger!["dropped"]).toBeGreaterThan(recordsPerTrace)
        const incomplete = 60 - ledger!["complete"]!
        expect(incomplete).toBeGreaterThan(1)
        expect(yield* replay({ to: langfuse })).toMatchObject({
          traces: 60,
          complete: ledger!["complete"],
          sent: incomplete,
          records: incomplete * recordsPerTrace
        })
        sameState(mock, reference)
        expect(yield* replay({ to: langfuse })).toEqual(receipt({ traces: 60, complete: 60 }))
      }),
    60_000
  )
})

const keptUp = Effect.flatMap(ObservabilityService, ({ stats }) =>
  Effect.repeat(Effect.delay(stats, "20 millis"), {
    until: ({ providers }) => providers["postgres"]!.pending === 0 && providers["reference"]!.pending === 0
  }))

describe("a replay that does not come to its end", () => {
  it.scopedLive("because its process is killed is taken up where it was", () =>
    Effect.gen(function*() {
      const { langfuse, mock, reference, replay, sql, url } = yield* recorded("4", 150)
      const process = yield* program<Receipt>(
        "../../postgres/fixtures/replayOnce.ts",
        {
          environment: {
            DATABASE_URL: Redacted.value(url),
            LANGFUSE_PUBLIC_KEY: publicKey,
            LANGFUSE_SECRET_KEY: secretKey,
            LANGFUSE_HOST: mock.url
          },
          since: "2026-01-01",
          until: tomorrow(),
          recordsPerSecond: 600
        } satisfies ReplayOnceOptions
      )
      const known = Effect.map(
        sql.unsafe<{ readonly count: number }>(
          "select count(*)::int from observability.deliveries where provider = 'langfuse' and complete"
        ),
        ([row]) => row!.count
      )
      yield* Effect.repeat(Effect.delay(known, "5 millis"), { until: (count) => count > 0 })
      yield* process.signal("SIGKILL")
      expect(yield* process.ended).toBe("SIGKILL")
      const before = yield* known
      expect(before).toBeLessThan(150)
      expect(yield* replay({ to: langfuse })).toEqual(
        receipt({ traces: 150, complete: before, sent: 150 - before, records: (150 - before) * recordsPerTrace })
      )
      sameState(mock, reference)
    }), 60_000)

  it.scopedLive(
    "because the provider is away fails with what it said, and can be run again",
    () =>
      Effect.gen(function*() {
        const { langfuse, mock, reference, replay } = yield* recorded("4", 100)
        let requests = 0
        mock.fault = (response, request) =>
          request.method === "POST" && ++requests > 20 && answering(503, "gone away")(response, request)
        const failure = yield* Effect.flip(replay({ to: langfuse, patience: "300 millis" }))
        expect(failure).toMatchObject({ _tag: "ReplayError", reason: "provider" })
        expect(failure.message).toContain("gone away")
        const sent = failure.receipt!.sent
        expect(sent).toBeGreaterThan(0)
        mock.fault = () => false
        expect(yield* replay({ to: langfuse })).toMatchObject({ traces: 100, complete: sent, sent: 100 - sent })
        sameState(mock, reference)
      }),
    60_000
  )

  it.scopedLive("because it is interrupted ends at once, also while it waits", () =>
    Effect.gen(function*() {
      const { replay } = yield* recorded("4", 20)
      const target = memory()
      const fiber = yield* Effect.fork(replay({ to: target, recordsPerSecond: 0.01 }))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => target.records.length > 0 })
      yield* Fiber.interrupt(fiber)
      expect(yield* replay({ to: target })).toMatchObject({ traces: 20, sent: 20 })
    }))

  it.live("because PostgreSQL cannot be reached says so", () =>
    Effect.gen(function*() {
      const failure = yield* Replay.replayConfig({ to: "langfuse", since: "2026-01-01" }).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(
          new Map([
            ["DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere"],
            ["LANGFUSE_PUBLIC_KEY", publicKey],
            ["LANGFUSE_SECRET_KEY", secretKey]
          ])
        )),
        Effect.flip
      )
      expect(failure).toMatchObject({ _tag: "ReplayError", reason: "postgres" })
      expect(failure.message).toContain("ECONNREFUSED")
    }))
})

describe("a replay", () => {
  it.scopedLive("may run twice at once, and beside the live application", () =>
    Effect.gen(function*() {
      const { complete, langfuse, mock, reference, replay, url } = yield* Effect.all([store, servers("4")]).pipe(
        Effect.map(([stores, both]) => ({ ...stores, ...both }))
      )
      yield* live(url, [complete], recordTraces(0, 40))
      const both = Effect.all([replay({ to: langfuse }), replay({ to: langfuse })], { concurrency: 2 })
      const [, receipts] = yield* Effect.all(
        [live(url, [langfuse, complete], recordTraces(40, 80), { delivery: { batchWindow: "10 millis" } }), both],
        { concurrency: 2 }
      )
      expect(receipts.every(({ failed, refused }) => failed + refused === 0)).toBe(true)
      expect(yield* replay({ to: langfuse })).toMatchObject({ traces: 80 })
      sameState(mock, reference)
      expect(yield* replay({ to: langfuse })).toEqual(receipt({ traces: 80, complete: 80 }))
    }), 60_000)

  it.scopedLive("notes what is refused with the reason, and sends it again only when asked", () =>
    Effect.gen(function*() {
      const { replay, sql, url } = yield* store
      yield* live(url, [], recordTraces(0, 4))
      const target = memory("picky")
      let refuses = (record: Observation) => record._tag === "DocumentEvent" && record.documentId === "document-2"
      const picky: Provider = {
        ...target,
        write: (batch) => batch.some(refuses) ? ProviderError.rejected("no such documents") : target.write(batch)
      }
      const refused = { traces: 4, refused: 1, reasons: { "no such documents": 1 } }
      expect(yield* replay({ to: picky })).toEqual(receipt({ ...refused, sent: 3, records: 4 * recordsPerTrace - 1 }))
      expect(
        yield* sql.unsafe(
          `select delivered::int, refused::int, last_reason, settled, complete from observability.deliveries
            where refused > 0`
        )
      ).toEqual([{
        delivered: recordsPerTrace - 1,
        refused: 1,
        last_reason: "no such documents",
        settled: true,
        complete: false
      }])
      const { length } = target.records
      expect(yield* replay({ to: picky })).toEqual(receipt({ ...refused, complete: 3 }))
      expect(target.records.length).toBe(length)
      refuses = () => false
      expect(yield* replay({ to: picky, retryRefused: true })).toEqual(
        receipt({ traces: 4, complete: 3, sent: 1, records: recordsPerTrace })
      )
    }))

  it.scopedLive("leaves alone what still runs, and sends what was lost as lost", () =>
    Effect.gen(function*() {
      const { replay, rows, write } = yield* stored
      yield* write([trace(), span(), span({ spanId: spanId(9), status: "success", revision: closedRevision })])
      const target = memory()
      expect(yield* replay({ to: target })).toEqual(receipt({ traces: 1, open: 1 }))
      // as the reaper does when the process has died
      yield* rows("update trace_store set status = 4")
      yield* rows("update span_store set status = 4 where status = 0")
      expect(yield* replay({ to: target })).toEqual(receipt({ traces: 1, sent: 1, records: 3 }))
      expect(target.records.map((record) => "status" in record && record.status)).toEqual(["lost", "lost", "success"])
    }))

  it.scopedLive("overrules by the loss what Langfuse was told when it began", () =>
    Effect.gen(function*() {
      const { replay, rows, write } = yield* stored
      const mock = yield* mockLangfuse("3")
      const langfuse = yield* providerOf(mock, { liveStarts: true })
      yield* langfuse.write([trace(), span({ type: "llm" })])
      // of what came after, Langfuse has heard nothing
      yield* write([trace({ revision: 2 }), span({ type: "llm", revision: 2 })])
      yield* rows("update trace_store set status = 4; update span_store set status = 4")
      expect(yield* replay({ to: langfuse })).toMatchObject({ sent: 1 })
      expect(Array.from(readBack(mock).values(), ({ level, statusMessage }) => [level, statusMessage])).toEqual([
        ["WARNING", "lost"],
        ["WARNING", "lost"]
      ])
    }))

  it.scopedLive("finds traces that began elsewhere, takes none twice, and none from outside of the range", () =>
    Effect.gen(function*() {
      const { replay, write } = yield* stored
      const foreign = "f".repeat(32) as TraceId
      const day = 86_400_000_000
      yield* write([
        span({ traceId: foreign, status: "success", revision: closedRevision }),
        chatMessage({ traceId: foreign, timeUnixMicros: startTimeUnixMicros + day }),
        trace({ traceId: traceId(2), status: "success", revision: closedRevision }),
        chatMessage({ traceId: traceId(2), timeUnixMicros: startTimeUnixMicros + 3 * day }),
        trace({
          traceId: traceId(3),
          status: "success",
          revision: closedRevision,
          startTimeUnixMicros: startTimeUnixMicros + 40 * day
        })
      ])
      const target = memory()
      const range = { since: "2026-03-01T10:00:00Z", until: "2026-03-10" }
      expect(yield* replay({ to: target, ...range })).toEqual(receipt({ traces: 2, sent: 2, records: 4 }))
      expect(yield* replay({ to: target, ...range, since: "2026-03-01T10:00:01Z" })).toEqual(
        receipt({ traces: 2, complete: 2 })
      )
      expect(yield* replay({ to: target, ...range, until: "2026-03-01T10:00:00.001Z", since: "2026-03-01" })).toEqual(
        receipt({ traces: 2, complete: 2 })
      )
      expect(yield* replay({ to: target, since: "2026-03-05", until: "2026-03-10" })).toEqual(receipt({}))
    }))

  it.scopedLive("leaves to the live delivery what is younger than a minute, unless it is told until when", () =>
    Effect.gen(function*() {
      const { replay, url } = yield* store
      yield* live(url, [], recordTraces(0, 2))
      expect(yield* replay({ to: memory(), until: undefined })).toEqual(receipt({}))
      expect(yield* replay({ to: memory() })).toMatchObject({ traces: 2, sent: 2 })
    }))

  it.scopedLive("says what is wrong with its options", () =>
    Effect.gen(function*() {
      const { replay } = yield* store
      for (
        const options of [
          { since: "yesterday" },
          { until: "2026-13-01" },
          { since: "2026-03-02", until: "2026-03-01" },
          { recordsPerSecond: 0 },
          { recordsPerSecond: Number.NaN }
        ]
      ) {
        expect(yield* Effect.flip(replay({ to: memory(), ...options }))).toMatchObject({ reason: "invalid-options" })
      }
    }))
})

/** A database for records that a test writes itself. */
const stored = Effect.map(fixture(), ({ provider, rows, sql }) => ({
  rows,
  write: (records: readonly [Observation, ...ReadonlyArray<Observation>]) => provider.write(records),
  replay: (options: Partial<Replay.Options> & { readonly to: Provider }) =>
    Replay.replay({ since: "2026-01-01", recordsPerSecond: 1e6, ...options }).pipe(
      Effect.provideService(PgClient.PgClient, sql)
    )
}))
