/** What a delivery does when its memory is spent, how it cuts what it has, and what its metrics say. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, FastCheck, Fiber, HashMap, Logger, Metric, Option, TestClock } from "effect"
import * as Delivery from "../src/Delivery.ts"
import type { Observation, Span } from "../src/Observation.ts"
import type { Provider } from "../src/Provider.ts"
import { memory, ProviderError } from "../src/Provider.ts"
import * as Testing from "../src/Testing.ts"
import { chatMessage, documentEvent, span, spanId, trace, traceId } from "./observations.ts"

let drawn = 0

/** Ended spans that differ in their ids. */
const spans = (count: number, fields: Partial<Span> = {}): ReadonlyArray<Span> =>
  Array.from({ length: count }, () => span({ spanId: spanId(++drawn), status: "success", ...fields }))

const offerAll = (delivery: Delivery.Delivery, records: ReadonlyArray<Observation>): void => {
  for (const record of records) delivery.offer(record)
}

const settle = TestClock.adjust(0)

/** A provider that answers when the gate is open. */
const gated = Effect.map(Effect.makeLatch(false), (gate) => {
  const { records, write } = memory()
  const provider: Provider = { name: "gated", write: (batch) => gate.whenOpen(write(batch)) }
  return { gate, records, provider }
})

const notesOf = (records: ReadonlyArray<Observation>) =>
  records.filter((record): record is Span => record._tag === "Span" && record.type === "dropped")

describe("cutting", () => {
  it.effect.prop("gives batches that both limits allow and none that could have held more, in the order of arrival", [
    FastCheck.record({
      sizes: FastCheck.array(FastCheck.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 40 }),
      batchRecords: FastCheck.integer({ min: 1, max: 10 }),
      batchBytes: FastCheck.integer({ min: 1, max: 200 })
    })
  ], ([{ batchBytes, batchRecords, sizes }]) =>
    Effect.gen(function*() {
      const batches: Array<ReadonlyArray<Observation>> = []
      const delivery = yield* Delivery.make({
        name: "noting",
        write: (batch) => Effect.sync(() => void batches.push(batch))
      }, { batchBytes, batchRecords })
      const records = sizes.flatMap((size) => spans(1, { size }))
      offerAll(delivery, records)
      yield* delivery.flush("1 second")
      assert.deepStrictEqual(batches.flat(), records)
      const bytes = (batch: ReadonlyArray<Observation>) => batch.reduce((sum, { size }) => sum + size, 0)
      for (const [index, batch] of batches.entries()) {
        assert.isAtMost(batch.length, batchRecords)
        assert.isTrue(bytes(batch) <= batchBytes || batch.length === 1)
        const next = batches[index + 1]?.[0]
        if (next !== undefined) assert.isTrue(batch.length === batchRecords || bytes(batch) + next.size > batchBytes)
      }
    }).pipe(Effect.scoped))

  it.scoped("gives full batches also of many records that came one by one", () =>
    Effect.gen(function*() {
      const sizes: Array<number> = []
      const delivery = yield* Delivery.make(
        { name: "noting", write: (batch) => Effect.sync(() => void sizes.push(batch.length)) },
        { batchRecords: 2_000 }
      )
      offerAll(delivery, spans(10_000))
      yield* delivery.flush("1 second")
      assert.deepStrictEqual(sizes, [2_000, 2_000, 2_000, 2_000, 2_000])
    }))

  it.scoped("leaves at the source what a full batch can do without, for a window at most", () =>
    Effect.gen(function*() {
      const { records, write } = memory()
      let source = spans(1)
      const delivery: Delivery.Delivery = yield* Delivery.make({ name: "store", write }, { batchRecords: 10 }, () => {
        offerAll(delivery, source)
        source = []
      })
      const full = spans(10)
      delivery.offerAll(full)
      yield* TestClock.adjust("199 millis")
      assert.deepStrictEqual(records, full)
      const last = source
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(records, [...full, ...last])
      assert.strictEqual(last.length, 1)
    }))

  it.scoped("takes what is at the source, too, when the window is over before there is a slot for the full batch", () =>
    Effect.gen(function*() {
      const { gate, provider, records } = yield* gated
      let source = spans(1)
      const delivery: Delivery.Delivery = yield* Delivery.make(provider, { batchRecords: 10 }, () => {
        offerAll(delivery, source)
        source = []
      })
      const full = [spans(10), spans(10), spans(10)]
      delivery.offerAll(full[0]!)
      yield* settle
      delivery.offerAll(full[1]!)
      yield* TestClock.adjust("1 second")
      delivery.offerAll(full[2]!)
      yield* gate.open
      yield* settle
      assert.strictEqual(source.length, 0)
      assert.strictEqual(records.length, 31)
    }))

  it.scoped("waits for a slot, and then takes all that has come", () =>
    Effect.gen(function*() {
      const gate = yield* Effect.makeLatch(false)
      const sizes: Array<number> = []
      const delivery = yield* Delivery.make({
        name: "slow",
        write: (batch) =>
          Effect.suspend(() => {
            sizes.push(batch.length)
            return gate.await
          })
      })
      offerAll(delivery, spans(1))
      yield* TestClock.adjust("1 second")
      for (let index = 0; index < 5; index++) {
        offerAll(delivery, spans(2))
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(sizes, [1])
      yield* gate.open
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(sizes, [1, 10])
    }))

  it.scoped("leaves a flush waiting for the last of its batches, in whatever order they end", () =>
    Effect.gen(function*() {
      const gates = yield* Effect.all([1, 2, 3].map(() => Deferred.make<void>()))
      let writes = 0
      const delivery = yield* Delivery.make({ name: "slow", write: () => Deferred.await(gates[writes++]!) }, {
        batchRecords: 1,
        concurrency: 3
      })
      offerAll(delivery, spans(3))
      const flushing = yield* Effect.fork(delivery.flush("1 hour"))
      for (const gate of [2, 1]) {
        yield* settle
        yield* Deferred.succeed(gates[gate]!, undefined)
        yield* settle
        assert.isTrue(Option.isNone(yield* Fiber.poll(flushing)))
      }
      yield* Deferred.succeed(gates[0]!, undefined)
      assert.deepInclude(yield* Fiber.join(flushing), { written: 3, pending: 0 })
    }))
})

describe("the budget", () => {
  it.scoped("is kept to the byte, records being written included", () =>
    Effect.gen(function*() {
      const { provider } = yield* gated
      const delivery = yield* Delivery.make(provider, { queueBytes: 1_000 })
      for (let index = 0; index < 20; index++) {
        offerAll(delivery, spans(1, { traceId: traceId(index) }))
        if (index === 3) yield* TestClock.adjust("200 millis")
        assert.isAtMost(delivery.stats().pendingBytes, 1_000)
      }
      assert.deepInclude(delivery.stats(), { accepted: 20, pending: 10, pendingBytes: 1_000, dropped: 10 })
      assert.deepStrictEqual(delivery.stats().droppedByReason, { "Span/budget": 10 })
    }))

  it.scoped("takes one record as large as itself, and none larger", () =>
    Effect.gen(function*() {
      const delivery = yield* Delivery.make(memory(), { queueBytes: 1_000 })
      offerAll(delivery, spans(1, { size: 1_000 }))
      assert.deepInclude(yield* delivery.flush("1 second"), { written: 1, dropped: 0 })
      offerAll(delivery, spans(1, { size: 1_001 }))
      assert.deepInclude(yield* delivery.flush("1 second"), { accepted: 2, dropped: 1 })
    }))

  it.scoped("spent by traces, is freed of all of the one that finds no room, but not of the trace itself", () =>
    Effect.gen(function*() {
      const { gate, provider, records } = yield* gated
      const delivery = yield* Delivery.make(provider, { queueBytes: 2_000 })
      const [early, late] = [spans(3, { traceId: traceId(1) }), spans(13, { traceId: traceId(1) })]
      offerAll(delivery, early)
      yield* TestClock.adjust("200 millis")
      offerAll(delivery, [trace({ traceId: traceId(2) }), ...spans(3, { traceId: traceId(2) }), ...late])
      offerAll(delivery, [
        ...spans(2, { traceId: traceId(2) }),
        chatMessage({ traceId: traceId(2) }),
        documentEvent({ traceId: traceId(2) }),
        trace({ traceId: traceId(2), status: "success", revision: 2 ** 30 })
      ])
      assert.deepInclude(delivery.stats(), { accepted: 25, dropped: 4, pending: 21 })
      yield* gate.open
      yield* TestClock.adjust("1 second")
      const stored = (number: number) =>
        records.filter((record) => record.traceId === traceId(number) && !notesOf([record]).length)
      assert.deepStrictEqual(stored(1), [...early, ...late])
      assert.deepStrictEqual(
        stored(2).map((record) => [record._tag, record.revision]),
        [["Trace", 1], ["Trace", 2 ** 30]],
        "what waited of it went, too"
      )
      assert.deepStrictEqual(delivery.stats().droppedByReason, {
        "Span/budget": 5,
        "ChatMessage/budget": 1,
        "DocumentEvent/budget": 1
      })
      yield* delivery.flush("1 second")
      assert.deepInclude(delivery.stats(), { pending: 0, pendingBytes: 0 })
    }))

  it.scoped("spent by one trace, keeps what waits of it: there is no other to be kept whole for that", () =>
    Effect.gen(function*() {
      const { gate, provider, records } = yield* gated
      const delivery = yield* Delivery.make(provider, { queueBytes: 2_000 })
      offerAll(delivery, spans(4, { traceId: traceId(1) }))
      const job = { traceId: traceId(2) }
      offerAll(delivery, [trace(job), ...spans(15, job), ...spans(5, job)])
      assert.deepInclude(delivery.stats(), { accepted: 25, dropped: 5, pending: 20 })
      yield* gate.open
      yield* TestClock.adjust("1 second")
      offerAll(delivery, [trace({ ...job, status: "success", revision: 2 ** 30 })])
      assert.deepInclude(yield* delivery.flush("1 second"), { dropped: 5, pending: 0 })
      const [note] = notesOf(records)
      assert.deepInclude(note, { traceId: traceId(2), name: "5 Span records dropped" })
      const spansOf = records.filter(({ _tag, traceId: id }) => _tag === "Span" && id === traceId(2))
      assert.strictEqual(spansOf.length, 15 + 1, "and the note")
    }))

  it.scoped("spent by many traces, leaves notes in the store that tell, trace by trace, what is missing in it", () =>
    Effect.gen(function*() {
      const { gate, provider, records } = yield* gated
      const delivery = yield* Delivery.make(provider, { queueBytes: 20_000, batchBytes: 2_000 })
      const place = { userId: "ada", sessionId: "s", kbId: "kb", size: 150 }
      for (let number = 1; number <= 50; number++) {
        offerAll(delivery, spans(5, { traceId: traceId(number), ...place }))
        offerAll(delivery, [chatMessage({ traceId: traceId(number), ...place })])
      }
      assert.isAbove(delivery.stats().dropped, 100)
      yield* gate.open
      for (let index = 0; index < 10; index++) yield* TestClock.adjust("1 second")
      const notes = notesOf(records)
      const { accepted, dropped, droppedByReason, pending, written } = delivery.stats()
      assert.strictEqual(pending, 0)
      assert.strictEqual(accepted, written + dropped)
      assert.strictEqual(accepted, 300 + notes.length, "a note is a record like any other")
      const missing = (kind: string, number?: number) =>
        notes.filter(({ attributes, traceId: id }) =>
          attributes?.["kind"] === kind && (number === undefined || id === traceId(number))
        ).reduce((total, { attributes }) => total + Number(attributes?.["count"]), 0)
      assert.deepStrictEqual(droppedByReason, {
        "Span/budget": missing("Span"),
        "ChatMessage/budget": missing("ChatMessage")
      })
      for (const note of notes) {
        assert.deepInclude(note, { userId: "ada", sessionId: "s", kbId: "kb", status: "lost" })
        assert.strictEqual(note.attributes?.["reason"], "budget")
      }
      for (let number = 1; number <= 50; number++) {
        const kept = records.filter((record) => record.traceId === traceId(number) && !notesOf([record]).length)
        const keptSpans = kept.filter(({ _tag }) => _tag === "Span").length
        assert.strictEqual(keptSpans + missing("Span", number), 5)
        assert.strictEqual(kept.length - keptSpans + missing("ChatMessage", number), 1)
      }
      offerAll(delivery, spans(1, { traceId: traceId(50) }))
      assert.deepInclude(yield* delivery.flush("1 second"), { dropped, pending: 0 })
    }))

  it.scoped("spent by many traces, is not gone through again for each one that finds no room", () =>
    Effect.gen(function*() {
      const { gate, provider, records } = yield* gated
      const delivery = yield* Delivery.make(provider, { queueBytes: 100_000, batchRecords: 10_000 })
      let looks = 0
      const looked = (record: Span): Span => ({
        ...record,
        get traceId() {
          looks++
          return record.traceId
        }
      })
      const waiting = Array.from({ length: 1_000 }, (_, index) => looked(spans(1, { traceId: traceId(index) })[0]!))
      delivery.offerAll(waiting)
      // 80 traces are taken, each between spans of it that are not
      for (let index = 1_001; index <= 3_000; index++) {
        const size = index % 25 === 0 ? 100 : 1_000_000
        offerAll(delivery, [...spans(1, { traceId: traceId(index) }), trace({ traceId: traceId(index), size })])
      }
      assert.deepInclude(delivery.stats(), { accepted: 5_000, dropped: 2_000 + 1_920, pending: 1_080 })
      // one by one by the batch that takes them, and some of them by the one who finds out who fills the queue
      assert.isBelow(looks, 3 * waiting.length)
      yield* gate.open
      yield* TestClock.adjust("1 second")
      assert.includeMembers(records.slice(), waiting.slice())
    }))

  it.scoped("is freed first of spans that have not ended: their end says all that they say", () =>
    Effect.gen(function*() {
      const { gate, provider, records } = yield* gated
      const delivery = yield* Delivery.make(provider, { queueBytes: 1_000 })
      const ended = spans(5)
      offerAll(delivery, [...ended, ...spans(5, { status: "in_progress", traceId: traceId(2) })])
      const more = spans(5, { traceId: traceId(2) })
      offerAll(delivery, more)
      assert.deepStrictEqual(delivery.stats().droppedByReason, { "Span/budget": 5 })
      assert.deepInclude(delivery.stats(), { pending: 10, pendingBytes: 1_000 })
      yield* gate.open
      yield* delivery.flush("1 second")
      assert.deepStrictEqual(records, [...ended, ...more])
    }))

  it.scoped("freed of open spans, does not let a flush wait for them", () =>
    Effect.gen(function*() {
      const first = yield* Effect.makeLatch(false)
      let writes = 0
      const delivery = yield* Delivery.make(
        { name: "slow", write: () => writes++ === 0 ? first.await : Effect.never },
        {
          queueBytes: 1_000
        }
      )
      // it is on its way, and holds up the others
      offerAll(delivery, spans(1))
      yield* TestClock.adjust("200 millis")
      offerAll(delivery, spans(9, { status: "in_progress" }))
      const flushing = yield* Effect.fork(delivery.flush("1 hour"))
      yield* settle
      offerAll(delivery, spans(2))
      yield* first.open
      yield* settle
      assert.deepInclude(Option.getOrThrow(yield* Fiber.poll(flushing)), { _tag: "Success" })
      assert.deepInclude(delivery.stats(), { dropped: 9, written: 1, pending: 2 })
    }))
})

describe("warnings about loss", () => {
  const logged = Effect.sync(() => {
    const entries: Array<Record<string, unknown>> = []
    const logger = Logger.make<unknown, void>(({ annotations, message }) => {
      entries.push({ message: String(message), ...Object.fromEntries(HashMap.entries(annotations)) })
    })
    return { entries, heard: Effect.provide(Logger.add(logger)) }
  })

  it.scoped("say how many records were dropped, and at the end what was not written", () =>
    Effect.gen(function*() {
      const { entries, heard } = yield* logged
      const delivery = yield* Delivery.make(Testing.hanging(), { queueBytes: 500, batchRecords: 1 }).pipe(heard)
      offerAll(delivery, Array.from({ length: 12 }, (_, index) => spans(1, { traceId: traceId(index) })[0]!))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(entries.map(({ count, kind }) => [kind, count]), [["dropped", 7]])
      yield* delivery.close(0).pipe(heard)
      const { message, ...figures } = entries[1]!
      assert.include(message, "closed with records that were not written")
      assert.deepStrictEqual(figures, {
        provider: "hanging",
        accepted: 12,
        written: 0,
        spooled: 0,
        dropped: 12,
        rejected: 0,
        "Span/budget": 7,
        "Span/closed": 5
      })
      assert.strictEqual(entries.length, 2)
    }))

  it.scoped("say so, too, when only open spans had to go", () =>
    Effect.gen(function*() {
      const { entries, heard } = yield* logged
      const delivery = yield* Delivery.make(Testing.hanging(), { queueBytes: 1_000 }).pipe(heard)
      offerAll(delivery, spans(10, { status: "in_progress" }))
      offerAll(delivery, spans(1))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(entries.map(({ count, kind }) => [kind, count]), [["dropped", 10]])
    }))

  it.scoped("are not given when everything was written", () =>
    Effect.gen(function*() {
      const { entries, heard } = yield* logged
      const delivery = yield* Delivery.make(memory()).pipe(heard)
      offerAll(delivery, spans(100))
      yield* delivery.close("1 second").pipe(heard)
      assert.deepStrictEqual(entries, [])
    }))
})

describe("metrics", () => {
  it.scoped("say what became of the records, what waits, how often it was tried, and how the breaker stands", () =>
    Effect.gen(function*() {
      const provider = "metered"
      const read = (metric: string, outcome?: string) =>
        Effect.map(Metric.snapshot, (pairs) => {
          const found = pairs.filter(({ metricKey }) => {
            const labels = new Map(metricKey.tags.map(({ key, value }) => [key, value]))
            return metricKey.name === `effect_observability_${metric}` && labels.get("provider") === provider &&
              labels.get("outcome") === outcome
          })
          const state = found[0]?.metricState as { count?: number; value?: number } | undefined
          return state?.value ?? state?.count
        })
      let failures = 2
      const [refused] = spans(1)
      const delivery = yield* Delivery.make({
        name: provider,
        write: (batch) =>
          failures-- > 0
            ? Effect.fail(ProviderError.transient("busy"))
            : batch.includes(refused!)
            ? Effect.fail(ProviderError.rejected("no"))
            : Effect.void
      }, { queueBytes: 10_000 })
      offerAll(delivery, [...spans(99), refused!, ...spans(3, { traceId: traceId(9) })])
      assert.strictEqual(delivery.stats().dropped, 3)
      yield* settle
      assert.strictEqual(yield* read("queue_records"), 100)
      assert.strictEqual(yield* read("queue_bytes"), 10_000)
      assert.strictEqual(yield* read("breaker_state"), 2)
      assert.strictEqual(yield* read("retries"), 1)
      yield* TestClock.adjust("1 minute")
      const { dropped, written } = delivery.stats()
      assert.strictEqual(written, 99 + 1, "the note included")
      assert.strictEqual(yield* read("records", "written"), written)
      assert.strictEqual(yield* read("records", "rejected"), 1)
      assert.strictEqual(yield* read("records", "budget"), dropped)
      assert.strictEqual(yield* read("queue_records"), 0)
      assert.strictEqual(yield* read("queue_bytes"), 0)
      assert.strictEqual(yield* read("breaker_state"), 0)
      assert.strictEqual(yield* read("retries"), 2)
      assert.isAbove((yield* read("batch_records"))!, 3)
      assert.isAbove((yield* read("write_duration_milliseconds"))!, 3)
    }))
})
