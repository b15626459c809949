import { assert, describe, it } from "@effect/vitest"
import {
  BigDecimal,
  Cause,
  Clock,
  Deferred,
  Duration,
  Effect,
  Exit,
  FastCheck,
  Fiber,
  HashMap,
  Logger,
  Option,
  Random,
  Scope,
  TestClock,
  Tracer
} from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { execFileSync } from "node:child_process"
import { mkdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Delivery from "../src/Delivery.ts"
import { RecordQueue } from "../src/internal/delivery/recordQueue.ts"
import { extentOf } from "../src/internal/extent.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Observation } from "../src/Observation.ts"
import type { Provider } from "../src/Provider.ts"
import { memory, ProviderError } from "../src/Provider.ts"
import * as Testing from "../src/Testing.ts"
import { emptyFolder } from "./behaviour/fixtures/spools.ts"
import { chatMessage, modelCall, span, spanId, trace, traceId } from "./observations.ts"

type Batch = NonEmptyReadonlyArray<Observation>

/** A closed span, told from others by its number. */
const record = (number: number, size = 100): Observation =>
  span({ spanId: spanId(number), status: "success", revision: 2 ** 30, size })

const records = (first: number, count: number, size?: number): ReadonlyArray<Observation> =>
  Array.from({ length: count }, (_, index) => record(first + index, size))

const numberOf = (one: Observation): number => Number.parseInt(one.spanId, 16)

const offerAll = (delivery: Delivery.Delivery, all: ReadonlyArray<Observation>): void => {
  for (const one of all) delivery.offer(one)
}

/** A provider that answers as told, and remembers when it was asked for what. */
const provider = (
  write: (batch: Batch, attempt: number) => Effect.Effect<void, ProviderError> = () => Effect.void,
  options: Partial<Provider> = {}
) => {
  const attempts: Array<{ readonly at: number; readonly numbers: ReadonlyArray<number> }> = []
  const written: Array<number> = []
  const state = { inFlight: 0, mostInFlight: 0 }
  return {
    name: "test",
    ...options,
    attempts,
    written,
    state,
    write: (batch: Batch) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        attempts.push({ at, numbers: batch.map(numberOf) })
        state.mostInFlight = Math.max(state.mostInFlight, ++state.inFlight)
        return Effect.suspend(() => write(batch, attempts.length)).pipe(
          Effect.tap(() => {
            for (const one of batch) written.push(numberOf(one))
          }),
          Effect.ensuring(Effect.sync(() => state.inFlight--))
        )
      })
  }
}

const transient = Effect.suspend(() => ProviderError.transient("not now"))

/** Lets everything run that can run without time passing. */
const pause = TestClock.adjust(0)

const addsUp = (receipt: Delivery.Receipt): void =>
  assert.strictEqual(
    receipt.accepted,
    receipt.written + receipt.spooled + receipt.dropped + receipt.rejected + receipt.pending
  )

describe("a batch", () => {
  it.scoped("is written when the window since its first record is over, and not before", () =>
    Effect.gen(function*() {
      const store = provider()
      const delivery = yield* Delivery.make(store)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(store.attempts, [])
      delivery.offer(record(1))
      yield* TestClock.adjust("150 millis")
      delivery.offer(record(2))
      yield* TestClock.adjust("49 millis")
      assert.deepStrictEqual(store.attempts, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(store.attempts, [{ at: 60_200, numbers: [1, 2] }])
      yield* TestClock.adjust("10 seconds")
      delivery.offer(record(3))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(store.attempts.slice(1), [{ at: 70_400, numbers: [3] }])
      assert.deepInclude(delivery.stats(), { accepted: 3, written: 3, batches: 2, pending: 0, pendingBytes: 0 })
    }))

  it.scoped("is written at once when it has as many records as it may", () =>
    Effect.gen(function*() {
      const store = provider()
      const delivery = yield* Delivery.make(store, { batchRecords: 3 })
      yield* pause
      offerAll(delivery, records(1, 2))
      yield* pause
      assert.deepStrictEqual(store.attempts, [])
      delivery.offer(record(3))
      yield* pause
      assert.deepStrictEqual(store.attempts, [{ at: 0, numbers: [1, 2, 3] }])
    }))

  it.scoped("leaves what would not fill another one until its time is over", () =>
    Effect.gen(function*() {
      const store = provider()
      const delivery = yield* Delivery.make(store, { batchRecords: 3 })
      yield* pause
      offerAll(delivery, records(1, 7))
      yield* pause
      assert.deepStrictEqual(store.attempts, [{ at: 0, numbers: [1, 2, 3] }, { at: 0, numbers: [4, 5, 6] }])
      yield* TestClock.adjust("100 millis")
      offerAll(delivery, records(8, 2))
      yield* pause
      assert.deepStrictEqual(store.attempts.slice(2), [{ at: 100, numbers: [7, 8, 9] }])
      delivery.offer(record(10))
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(store.attempts.slice(3), [{ at: 300, numbers: [10] }])
    }))

  it.scoped("is written at once when it has as many bytes as it may, and has no more", () =>
    Effect.gen(function*() {
      const store = provider()
      const delivery = yield* Delivery.make(store, { batchBytes: 1_000 })
      yield* pause
      offerAll(delivery, records(1, 3, 300))
      yield* pause
      assert.deepStrictEqual(store.attempts, [])
      offerAll(delivery, records(4, 1, 300))
      yield* pause
      assert.deepStrictEqual(store.attempts, [{ at: 0, numbers: [1, 2, 3] }])
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(store.attempts.slice(1), [{ at: 200, numbers: [4] }])
    }))

  it.scoped("is a single record when that alone is larger", () =>
    Effect.gen(function*() {
      const store = provider()
      const delivery = yield* Delivery.make(store, { batchBytes: 1_000 })
      yield* pause
      offerAll(delivery, [record(1), record(2, 5_000), record(3)])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(store.attempts.map(({ numbers }) => numbers), [[1], [2], [3]])
    }))

  it.scoped("is never larger than the provider takes", () =>
    Effect.gen(function*() {
      const store = provider(undefined, { maxBatchRecords: 2, maxBatchBytes: 1_000 })
      const delivery = yield* Delivery.make(store, { batchRecords: 10, batchBytes: 10_000 })
      yield* pause
      offerAll(delivery, [...records(1, 3), ...records(4, 2, 600)])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(store.attempts.map(({ numbers }) => numbers), [[1, 2], [3, 4], [5]])
    }))

  it.scoped("has a record at least, whatever the options say", () =>
    Effect.gen(function*() {
      const store = provider()
      const delivery = yield* Delivery.make(store, { batchRecords: 0, concurrency: 0 })
      yield* pause
      offerAll(delivery, records(1, 2))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(store.attempts.map(({ numbers }) => numbers), [[1], [2]])
    }))

  it.scoped("has a record at least, also where no byte is left for it", () =>
    Effect.gen(function*() {
      const queue = new RecordQueue()
      queue.pushAll(records(1, 2), extentOf(records(1, 2)), 1)
      assert.deepStrictEqual(queue.cut(10, 0).records, records(1, 1))
      for (const [own, options] of [[{ maxBatchBytes: 0 }, {}], [{}, { batchBytes: 0 }]] as const) {
        const store = provider(undefined, own)
        const delivery = yield* Delivery.make(store, options)
        offerAll(delivery, records(1, 2))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(store.attempts.map(({ numbers }) => numbers), [[1], [2]])
        const closed = yield* Delivery.make(Testing.hanging(), options)
        offerAll(closed, records(1, 2))
        assert.deepInclude(yield* closed.close(0), { dropped: 2, pending: 0 })
      }
    }))

  it.scoped("has many records also where as many may be written at a time as there are", () =>
    Effect.gen(function*() {
      const store = provider(undefined, { concurrency: Number.POSITIVE_INFINITY })
      const delivery = yield* Delivery.make(store)
      offerAll(delivery, records(1, 100))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(store.attempts.map(({ numbers }) => numbers.length), [100])
    }))
})

describe("batches are written", () => {
  const held = (concurrency: Partial<Record<"option" | "own", number>>) =>
    Effect.gen(function*() {
      const gate = yield* Effect.makeLatch(false)
      const store = provider(() => gate.await, { concurrency: concurrency.own })
      const delivery = yield* Delivery.make(store, { batchRecords: 1, concurrency: concurrency.option })
      yield* pause
      offerAll(delivery, records(1, 10))
      yield* TestClock.adjust("1 second")
      const { inFlight } = store.state
      yield* gate.open
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(store.written, records(1, 10).map(numberOf))
      assert.strictEqual(store.state.mostInFlight, inFlight)
      return inFlight
    })

  it.scoped("one after another", () => Effect.map(held({}), (inFlight) => assert.strictEqual(inFlight, 1)))

  it.scoped("as many at a time as the provider says", () =>
    Effect.map(held({ own: 3 }), (inFlight) => assert.strictEqual(inFlight, 3)))

  it.scoped("as many at a time as the option says, before all", () =>
    Effect.map(held({ own: 3, option: 4 }), (inFlight) => assert.strictEqual(inFlight, 4)))
})

describe("a batch that failed", () => {
  /** The waits between the attempts, and what the breaker would choose of the same random numbers. */
  const waits = (options: Delivery.Options, failures: number, error: Effect.Effect<never, ProviderError> = transient) =>
    Effect.gen(function*() {
      const store = provider((_, attempt) => attempt <= failures ? error : Effect.void)
      const delivery = yield* Delivery.make(store, options).pipe(Effect.withRandom(Random.make("seed")))
      delivery.offer(record(1))
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(store.written, [1])
      assert.deepInclude(delivery.stats(), { written: 1, retries: failures, breaker: "closed", pending: 0 })
      const draws = Random.make("seed")
      const random = yield* Effect.replicateEffect(draws.next, failures)
      return store.attempts.slice(1).map(({ at }, index) => ({
        wait: at - store.attempts[index]!.at,
        random: random[index]!
      }))
    })

  it.scoped("is written again after waits that double, each shortened at random by half at most", () =>
    Effect.gen(function*() {
      const measured = yield* waits({ retryDelay: "100 millis", maxRetryDelay: "1 second" }, 7)
      measured.forEach(({ random, wait }, index) =>
        assert.strictEqual(wait, Math.ceil(Math.min(100 * 2 ** index, 1_000) * (0.5 + random / 2)))
      )
      assert.strictEqual(measured.length, 7)
    }))

  it.scoped("waits as long as the store asks for, also beyond the longest wait", () =>
    Effect.gen(function*() {
      const asked = Effect.suspend(() => ProviderError.transient("later", { retryAfter: Duration.seconds(42) }))
      const measured = yield* waits({ maxRetryDelay: "1 second" }, 3, asked)
      assert.deepStrictEqual(measured.map(({ wait }) => wait), [42_000, 42_000, 42_000])
    }))

  it.scoped("waits five minutes at most, whatever the store asks for", () =>
    Effect.gen(function*() {
      const asked = Effect.suspend(() => ProviderError.transient("later", { retryAfter: Duration.infinity }))
      assert.deepStrictEqual((yield* waits({}, 1, asked)).map(({ wait }) => wait), [300_000])
    }))

  it.scoped("is the same batch again, and never mixed with others", () =>
    Effect.gen(function*() {
      const store = provider((_, attempt) => attempt <= 2 ? transient : Effect.void)
      const delivery = yield* Delivery.make(store)
      offerAll(delivery, records(1, 2))
      yield* TestClock.adjust("210 millis")
      offerAll(delivery, records(3, 2))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(store.attempts.map(({ numbers }) => numbers), [[1, 2], [1, 2], [1, 2], [3, 4]])
    }))

  it.scoped("is written again after any failure that a provider can think of", () =>
    Effect.gen(function*() {
      const unusual: ReadonlyArray<() => unknown> = [
        () => Effect.fail(new Error("not a ProviderError")),
        () => Effect.fail(undefined),
        () =>
          Effect.fail({
            toString: () => {
              throw new Error("hostile")
            }
          }),
        () => Effect.interrupt,
        () => Effect.failCause(Cause.empty),
        () => Promise.resolve(),
        () => undefined,
        () => 5
      ]
      for (const write of unusual) {
        const store = provider((_, attempt) => (attempt === 1 ? write() : Effect.void) as Effect.Effect<void>)
        const delivery = yield* Delivery.make(store)
        delivery.offer(record(1))
        yield* TestClock.adjust("1 minute")
        assert.deepInclude(delivery.stats(), { written: 1, pending: 0, rejected: 0 }, String(write))
      }
    }))

  it.scoped("is written again, too, when the provider throws before there is an effect", () =>
    Effect.gen(function*() {
      const store = memory()
      let thrown = 0
      const delivery = yield* Delivery.make({
        name: "throwing at first",
        write: (batch) => {
          if (++thrown <= 2) throw new TypeError("no effect yet")
          return store.write(batch)
        }
      })
      offerAll(delivery, records(1, 3))
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(delivery.stats(), { written: 3, retries: 2, pending: 0 })
    }))

  it.scoped("counts as failed when there is no answer in time, also if it cannot be interrupted", () =>
    Effect.gen(function*() {
      const store = provider((_, attempt) => attempt === 1 ? Effect.uninterruptible(Effect.never) : Effect.void)
      const delivery = yield* Delivery.make(store, { writeTimeout: "3 seconds" })
      delivery.offer(record(1))
      yield* TestClock.adjust("3200 millis")
      assert.deepInclude(delivery.stats(), { retries: 1, breaker: "open", pending: 1 })
      yield* TestClock.adjust("200 millis")
      assert.deepInclude(delivery.stats(), { written: 1, breaker: "closed", pending: 0 })
    }))
})

describe("while the provider is failing", () => {
  it.scoped("one attempt at a time goes through, and all others when it succeeds", () =>
    Effect.gen(function*() {
      const gate = yield* Effect.makeLatch(false)
      let works = false
      const store = provider(() => works ? Effect.void : Effect.zipRight(gate.await, transient))
      const delivery = yield* Delivery.make(store, { batchRecords: 1, concurrency: 4, retryDelay: "10 seconds" })
      offerAll(delivery, records(1, 4))
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(store.attempts.length, 4)
      yield* gate.open
      yield* pause
      assert.strictEqual(delivery.stats().breaker, "open")
      yield* gate.close
      yield* TestClock.adjust("15 seconds")
      // the probe is on its way, and holds the others back
      assert.deepInclude(store.state, { inFlight: 1 })
      assert.deepInclude(delivery.stats(), { breaker: "half-open", pending: 4 })
      assert.strictEqual(store.attempts.length, 5)
      yield* gate.open
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(delivery.stats().breaker, "open")
      assert.strictEqual(store.attempts.length, 5)
      works = true
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(delivery.stats(), { breaker: "closed", pending: 0, written: 4 })
      assert.strictEqual(store.attempts.length, 9)
    }))

  it.scoped("a flush asks it at once, and does not wait for the next attempt", () =>
    Effect.gen(function*() {
      const store = provider((_, attempt) => attempt === 1 ? transient : Effect.void)
      const delivery = yield* Delivery.make(store, { retryDelay: "5 minutes", maxRetryDelay: "5 minutes" })
      delivery.offer(record(1))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(delivery.stats().breaker, "open")
      const receipt = yield* delivery.flush("1 minute")
      assert.deepInclude(receipt, { written: 1, pending: 0 })
    }))
})

describe("records that are refused", () => {
  it.effect.prop("for good are found among the others, whichever they are, and all others are written once", [
    FastCheck.uniqueArray(FastCheck.integer({ min: 1, max: 40 }), { maxLength: 6 }),
    FastCheck.integer({ min: 1, max: 3 })
  ], ([bad, concurrency]) =>
    Effect.scoped(Effect.gen(function*() {
      const refuses = (one: Observation) => bad.includes(numberOf(one))
      const store = provider((batch) =>
        batch.some(refuses) ? Effect.suspend(() => ProviderError.rejected("refused")) : Effect.void
      )
      const delivery = yield* Delivery.make(store, { batchRecords: 16, concurrency })
      offerAll(delivery, records(1, 40))
      const receipt = yield* delivery.flush("1 minute")
      assert.deepInclude(receipt, { accepted: 40, written: 40 - bad.length, rejected: bad.length, pending: 0 })
      assert.deepStrictEqual(
        [...store.written].sort((left, right) => left - right),
        records(1, 40).map(numberOf).filter((number) => !bad.includes(number))
      )
      assert.strictEqual(delivery.stats().breaker, "closed")
    })), { fastCheck: { numRuns: 30 } })

  it.scoped("by name are counted, and nothing is asked twice", () =>
    Effect.gen(function*() {
      const rejections = [{ index: 1, message: "too old" }, { index: 3, message: "too odd" }]
      const store = provider(() => ProviderError.rejected("partly", { rejections }))
      const delivery = yield* Delivery.make(store)
      offerAll(delivery, records(1, 5))
      const receipt = yield* delivery.flush("1 minute")
      assert.deepInclude(receipt, { accepted: 5, written: 3, rejected: 2, pending: 0 })
      assert.strictEqual(store.attempts.length, 1)
    }))

  it.scoped("by a position that no record has are counted no more than once each", () =>
    Effect.gen(function*() {
      const rejections = [0, 0, -1, 7, NaN].map((index) => ({ index, message: "odd" }))
      const delivery = yield* Delivery.make(provider(() => ProviderError.rejected("partly", { rejections })))
      offerAll(delivery, records(1, 3))
      const receipt = yield* delivery.flush("1 minute")
      assert.deepInclude(receipt, { accepted: 3, written: 2, rejected: 1, pending: 0 })
    }))

  it.scoped("for several reasons are kept, and accounted for, each with its own", () =>
    Effect.gen(function*() {
      const spoolDirectory = yield* emptyFolder
      const rejections = [
        { index: 0, message: "too old" },
        { index: 2, message: "too odd" },
        { index: 3, message: "too old" }
      ]
      const settled: Array<readonly [reason: string | undefined, numbers: ReadonlyArray<number>]> = []
      const delivery = yield* Delivery.make(
        provider(() => ProviderError.rejected("partly", { rejections })),
        { spoolDirectory },
        undefined,
        ({ reason, records }) => settled.push([reason, records.map(numberOf)])
      )
      offerAll(delivery, records(1, 4))
      assert.deepInclude(yield* delivery.flush("1 minute"), { written: 1, rejected: 3, pending: 0 })
      assert.deepStrictEqual(settled, [[undefined, [2]], ["too old", [1, 4]], ["too odd", [3]]])
      const text = yield* Effect.promise(() => readFile(join(spoolDirectory, "test", "dead-letter.jsonl"), "utf8"))
      assert.deepStrictEqual(
        text.trimEnd().split("\n").map((line) => JSON.parse(line)).map((
          { reason, record }
        ) => [reason, numberOf(record)]),
        [["too old", 1], ["too old", 4], ["too odd", 3]]
      )
    }))

  it.scoped("are kept as a person reads them, with the reason", () =>
    Effect.gen(function*() {
      const spoolDirectory = yield* emptyFolder
      const delivery = yield* Delivery.make(provider(() => ProviderError.rejected("too odd")), { spoolDirectory })
      const refused = [
        span({ modelCall: modelCall({ costUsd: BigDecimal.unsafeFromString("0.0125") }) }),
        trace({
          totals: { inputTokens: 1, outputTokens: 2, costUsd: BigDecimal.unsafeFromString("3"), stated: true }
        })
      ]
      offerAll(delivery, refused)
      assert.deepInclude(yield* delivery.flush("1 minute"), { rejected: 2, pending: 0 })
      const text = yield* Effect.promise(() => readFile(join(spoolDirectory, "test", "dead-letter.jsonl"), "utf8"))
      const letters = text.trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(letters.map(({ reason }) => reason), ["too odd", "too odd"])
      assert.deepInclude(letters[0].record, { _tag: "Span", spanId: spanId(2) })
      assert.strictEqual(letters[0].record.modelCall.costUsd, "0.0125")
      assert.strictEqual(letters[1].record.totals.costUsd, "3")
    }))
})

describe("a provider that takes its batch apart", () => {
  it.scoped("fails by it, and neither it nor another one loses anything", () =>
    Effect.gen(function*() {
      for (const take of [(batch: Array<unknown>) => batch.splice(0), (batch: Array<unknown>) => batch.shift()]) {
        const [healthy, store] = [memory("healthy"), memory()]
        let isWrong = true
        const wrong = provider((batch) =>
          isWrong ? Effect.sync(() => take(batch as unknown as Array<unknown>)) : store.write(batch)
        )
        const deliveries = [yield* Delivery.make(wrong), yield* Delivery.make(healthy)]
        const all = records(1, 3)
        for (const delivery of deliveries) delivery.offerAll(all)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(healthy.records, records(1, 3))
        assert.deepInclude(deliveries[0]!.stats(), { pending: 3, written: 0, pendingBytes: 300 })
        isWrong = false
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual(store.records.length, 3)
        assert.deepInclude(deliveries[0]!.stats(), { pending: 0, written: 3, rejected: 0, pendingBytes: 0 })
      }
    }))
})

describe("a provider that dies", () => {
  it.scoped("on one record alone loses that record, and writes all others", () =>
    Effect.gen(function*() {
      const poison = 13
      const store = provider((batch) =>
        batch.some((one) => numberOf(one) === poison) ? Effect.die(new TypeError("cannot read")) : Effect.void
      )
      const delivery = yield* Delivery.make(store)
      offerAll(delivery, records(1, 20))
      yield* TestClock.adjust("10 minutes")
      offerAll(delivery, records(21, 5))
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(delivery.stats(), { accepted: 25, written: 24, rejected: 1, pending: 0, dropped: 0 })
      assert.deepStrictEqual(
        [...store.written].sort((left, right) => left - right),
        records(1, 25).map(numberOf).filter((number) => number !== poison)
      )
    }))

  it.scoped("on many records, one write at a time, loses these alone", () =>
    Effect.gen(function*() {
      const store = provider((batch) => batch.some((one) => numberOf(one) % 2 === 0) ? Effect.die("even") : Effect.void)
      const delivery = yield* Delivery.make(store)
      offerAll(delivery, records(1, 20))
      for (const number of [21, 23, 25]) {
        yield* TestClock.adjust("10 minutes")
        offerAll(delivery, records(number, 1))
      }
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(delivery.stats(), { written: 13, rejected: 10, pending: 0, dropped: 0 })
    }))

  it.scoped("twice, and then works, loses nothing: not even a record that is alone in its batch", () =>
    Effect.gen(function*() {
      let deaths = 0
      const store = provider((batch) =>
        numberOf(batch[0]) === 1 && ++deaths <= 2 ? Effect.dieMessage("reconnecting") : Effect.void
      )
      const delivery = yield* Delivery.make(store, { batchRecords: 1 })
      offerAll(delivery, records(1, 3))
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(delivery.stats(), { written: 3, rejected: 0, pending: 0 })
    }))

  it.scoped("on everything loses nothing: it is all written when it works again", () =>
    Effect.gen(function*() {
      let works = false
      const store = provider(() => works ? Effect.void : Effect.dieMessage("out of order"))
      const delivery = yield* Delivery.make(store)
      offerAll(delivery, records(1, 20))
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(delivery.stats(), { rejected: 0, dropped: 0, pending: 20 })
      works = true
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(delivery.stats(), { written: 20, rejected: 0, dropped: 0, pending: 0 })
      assert.strictEqual(new Set(store.written).size, 20)
    }))
})

describe("flush", () => {
  it.scoped("waits for what was accepted before, and not for what came later", () =>
    Effect.gen(function*() {
      const first = yield* Effect.makeLatch(false)
      const store = provider((batch) => numberOf(batch[0]) === 1 ? first.await : Effect.never)
      const delivery = yield* Delivery.make(store)
      delivery.offer(record(1))
      const flushing = yield* Effect.fork(delivery.flush("1 minute"))
      yield* pause
      assert.deepStrictEqual(store.attempts, [{ at: 0, numbers: [1] }])
      delivery.offer(record(2))
      yield* pause
      assert.isTrue(Option.isNone(yield* Fiber.poll(flushing)))
      yield* first.open
      const receipt = yield* Fiber.join(flushing)
      assert.deepInclude(receipt, { accepted: 2, written: 1, pending: 1 })
    }))

  it.scoped("returns when its time is up, and says what is still pending", () =>
    Effect.gen(function*() {
      const delivery = yield* Delivery.make(Testing.hanging())
      delivery.offer(record(1))
      const flushing = yield* Effect.fork(delivery.flush("2 seconds"))
      yield* TestClock.adjust("1999 millis")
      assert.isTrue(Option.isNone(yield* Fiber.poll(flushing)))
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* Fiber.join(flushing), { accepted: 1, written: 0, pending: 1 })
    }))

  it.scoped("times out also where nothing may be interrupted", () =>
    Effect.gen(function*() {
      const delivery = yield* Delivery.make(Testing.hanging())
      delivery.offer(record(1))
      const flushing = yield* Effect.fork(Effect.uninterruptible(delivery.flush("2 seconds")))
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* Fiber.join(flushing), { pending: 1 })
    }))

  it.scoped("can be interrupted, and nothing is lost by it", () =>
    Effect.gen(function*() {
      const gate = yield* Effect.makeLatch(false)
      const store = provider(() => gate.await)
      const delivery = yield* Delivery.make(store)
      delivery.offer(record(1))
      const flushing = yield* Effect.fork(delivery.flush("1 minute"))
      yield* pause
      yield* Fiber.interrupt(flushing)
      yield* gate.open
      assert.deepInclude(yield* delivery.flush("1 minute"), { written: 1 })
    }))

  it.scoped("of nothing returns at once", () =>
    Effect.gen(function*() {
      const delivery = yield* Delivery.make(Testing.hanging())
      assert.deepInclude(yield* delivery.flush("1 minute"), { accepted: 0, pending: 0 })
    }))
})

describe("at any time", () => {
  const answer = FastCheck.constantFrom("write", "write", "fail", "die", "refuse", "refuse one", "slow")
  const step = FastCheck.oneof(
    FastCheck.record({ _tag: FastCheck.constant("offer" as const), count: FastCheck.nat({ max: 12 }) }),
    FastCheck.record({ _tag: FastCheck.constant("wait" as const), millis: FastCheck.nat({ max: 500 }) }),
    FastCheck.record({ _tag: FastCheck.constant("flush" as const) })
  )

  it.effect.prop("every record that was accepted is in exactly one place, whatever the provider answers", [
    FastCheck.array(answer, { maxLength: 20 }),
    FastCheck.array(step, { maxLength: 12 }),
    FastCheck.integer({ min: 1, max: 3 })
  ], ([answers, steps, concurrency]) =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const refused = new Set<number>()
      const store = provider((batch, attempt): Effect.Effect<void, ProviderError> => {
        switch (answers[attempt - 1]) {
          case "fail":
            return transient
          case "die":
            return Effect.dieMessage("dead")
          case "refuse":
            if (batch.length === 1) refused.add(numberOf(batch[0]))
            return Effect.suspend(() => ProviderError.rejected("refused"))
          case "refuse one":
            refused.add(numberOf(batch[0]))
            for (const one of batch.slice(1)) store.written.push(numberOf(one))
            return Effect.suspend(() => ProviderError.rejected("one", { rejections: [{ index: 0, message: "this" }] }))
          case "slow":
            return Effect.sleep("300 millis")
          default:
            return Effect.void
        }
      })
      // room for some 30 records: the budget is spent now and then
      const delivery = yield* Delivery.make(store, { batchRecords: 4, queueBytes: 3_000, concurrency }).pipe(
        Scope.extend(scope)
      )
      let next = 1
      for (const one of steps) {
        if (one._tag === "offer") {
          offerAll(delivery, records(next, one.count))
          next += one.count
        } else if (one._tag === "wait") {
          yield* TestClock.adjust(one.millis)
        } else {
          const flushing = yield* Effect.fork(delivery.flush("100 millis"))
          yield* TestClock.adjust("100 millis")
          addsUp(yield* Fiber.join(flushing))
        }
        addsUp(delivery.stats())
      }
      // by now the provider only writes
      yield* TestClock.adjust("10 minutes")
      const stats = delivery.stats()
      addsUp(stats)
      const droppedByReason = Object.values(stats.droppedByReason).reduce((sum, count) => sum + count, 0)
      assert.strictEqual(droppedByReason, stats.dropped)
      assert.deepStrictEqual([stats.pending, stats.pendingBytes], [0, 0])
      assert.isAtLeast(stats.accepted, next - 1)
      // a record that stands alone is given up, too, when the provider died on it, wrote others, and died on it again
      const deaths = answers.filter((each) => each === "die").length
      assert.isAtLeast(stats.rejected, refused.size)
      assert.isAtMost(stats.rejected, refused.size + Math.floor(deaths / 2))
      assert.strictEqual(new Set(store.written).size, store.written.length, "nothing is written twice")
      yield* Scope.close(scope, Exit.void)
    }), { fastCheck: { numRuns: 60 } })
})

describe("when memory is full", () => {
  it.scoped("records are dropped and counted by kind and reason, and the store is told when there is room", () =>
    Effect.gen(function*() {
      const gate = yield* Effect.makeLatch(false)
      const all: Array<Observation> = []
      const store = provider((batch) =>
        Effect.map(gate.await, () => {
          for (const one of batch) all.push(one)
        })
      )
      const delivery = yield* Delivery.make(store, { queueBytes: 100_000 })
      offerAll(delivery, [
        trace({ status: "success", traceId: traceId(2), size: 10_000 }),
        ...records(1, 9, 10_000),
        chatMessage({ traceId: traceId(2), size: 10_000 }),
        chatMessage({ traceId: traceId(2), size: 10_000 }),
        span({ traceId: traceId(2), status: "success", size: 10_000 })
      ])
      assert.deepInclude(delivery.stats(), { accepted: 13, dropped: 3, pending: 10, pendingBytes: 100_000 })
      assert.deepStrictEqual(delivery.stats().droppedByReason, { "ChatMessage/budget": 2, "Span/budget": 1 })
      // a trace has a reserve: without it nobody would see what is missing
      delivery.offer(trace({ traceId: traceId(3), size: 10_000 }))
      assert.deepInclude(delivery.stats(), { dropped: 3, pending: 11 })
      yield* gate.open
      yield* TestClock.adjust("1 second")
      const notes = all.filter((one) => one._tag === "Span" && one.type === "dropped")
      assert.deepStrictEqual(
        notes.map((one) => [one.traceId, one._tag === "Span" && one.attributes]),
        [
          [traceId(2), { kind: "ChatMessage", count: 2, reason: "budget" }],
          [traceId(2), { kind: "Span", count: 1, reason: "budget" }]
        ]
      )
      const stats = delivery.stats()
      addsUp(stats)
      assert.deepStrictEqual([stats.pending, stats.dropped], [0, 3])
    }))
})

describe("closing", () => {
  it.effect("writes what waits and what is on its way, then accepts nothing more", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const inFlight = yield* Deferred.make<void>()
      const store = provider((_, attempt) =>
        attempt === 1 ? Effect.zipRight(Deferred.succeed(inFlight, undefined), Effect.yieldNow()) : Effect.void
      )
      const delivery = yield* Scope.extend(Delivery.make(store, { batchRecords: 2 }), scope)
      offerAll(delivery, records(1, 5))
      yield* Deferred.await(inFlight)
      assert.deepInclude(yield* delivery.close("1 minute"), { accepted: 5, written: 5, pending: 0, dropped: 0 })
      delivery.offer(record(6))
      const receipt = yield* delivery.close("1 minute")
      assert.deepInclude(receipt, { accepted: 6, written: 5, pending: 0, dropped: 1 })
      assert.deepStrictEqual(delivery.stats().droppedByReason, { "Span/closed": 1 })
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("ends at the deadline with a provider that hangs, and counts what is lost", () =>
    Effect.gen(function*() {
      for (const bad of [Testing.hanging(), Testing.failing(), Testing.dying(), Testing.throwing()]) {
        const scope = yield* Scope.make()
        const delivery = yield* Scope.extend(
          Delivery.make(bad, { retryDelay: "1 hour", maxRetryDelay: "1 hour" }),
          scope
        )
        offerAll(delivery, records(1, 5))
        const receipt = yield* delivery.close("20 millis")
        assert.deepInclude(receipt, { accepted: 5, written: 0, dropped: 5, pending: 0 }, bad.name)
        yield* Scope.close(scope, Exit.void)
      }
    }))

  it.effect("goes on where the program is interrupted meanwhile, as by a second signal", () =>
    Effect.gen(function*() {
      const inFlight = yield* Deferred.make<void>()
      const answer = yield* Deferred.make<void>()
      const store = provider(() => Effect.zipRight(Deferred.succeed(inFlight, undefined), Deferred.await(answer)))
      const program = Effect.flatMap(
        ObservabilityService,
        (service) => service.startTrace({ name: "trace" })
      ).pipe(Effect.provide(ObservabilityService.layer({ providers: [store], closeDeadline: "1 minute" })))
      const running = yield* Effect.fork(program)
      yield* Deferred.await(inFlight)
      const interruption = yield* Effect.fork(Fiber.interrupt(running))
      yield* Effect.yieldNow()
      yield* Deferred.succeed(answer, undefined)
      yield* Fiber.join(interruption)
      assert.strictEqual(store.written.length, 1)
    }))

  for (const bad of [Testing.hanging(), Testing.failing()]) {
    it.scopedLive(`ends at the deadline and keeps the rest where it is interrupted meanwhile (${bad.name})`, () =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const spoolDirectory = yield* emptyFolder
        const delivery = yield* Scope.extend(Delivery.make(bad, { spoolDirectory, queueBytes: 1_000 }), scope)
        offerAll(delivery, records(1, 8))
        // what is beyond half of the queue goes to the disk as soon as that is there
        const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        yield* Effect.repeat(turn, { until: () => delivery.stats().spooled > 0 })
        const closing = yield* Effect.fork(delivery.close("200 millis"))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(closing)
        yield* Scope.close(scope, Exit.void)
        assert.deepInclude(yield* delivery.close("1 minute"), { accepted: 8, spooled: 8, dropped: 0, pending: 0 })
      }))
  }

  it.scopedLive("keeps the rest also when the disk is not open yet", () =>
    Effect.gen(function*() {
      const delivery = yield* Delivery.make(Testing.failing(), { spoolDirectory: yield* emptyFolder })
      offerAll(delivery, records(1, 3))
      assert.deepInclude(yield* delivery.close(0), { accepted: 3, spooled: 3, dropped: 0, pending: 0 })
    }))

  it.scopedLive.skipIf(process.platform === "win32")(
    "while refused records are being kept waits for that, and counts their batch once",
    () =>
      Effect.gen(function*() {
        const spoolDirectory = yield* emptyFolder
        const letters = join(spoolDirectory, "test", "dead-letter.jsonl")
        // a file that is not written before somebody reads it
        yield* Effect.promise(() => mkdir(join(spoolDirectory, "test")))
        execFileSync("mkfifo", [letters])
        const interrupted = yield* Deferred.make<void>()
        const rejections = [{ index: 0, message: "too odd" }]
        const store = provider((batch) =>
          batch.length > 1
            ? Effect.suspend(() => ProviderError.rejected("partly", { rejections }))
            : Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
        )
        const delivery = yield* Delivery.make(store, { spoolDirectory, batchRecords: 50, concurrency: 2 })
        offerAll(delivery, records(1, 51))
        const flushing = yield* Effect.fork(delivery.flush("1 minute"))
        yield* Effect.repeat(Effect.yieldNow(), { until: () => delivery.stats().rejected > 0 })
        const closing = yield* Effect.fork(delivery.close(0))
        yield* Deferred.await(interrupted)
        const text = yield* Effect.promise(() => readFile(letters, "utf8"))
        assert.deepInclude(JSON.parse(text), { reason: "too odd" })
        assert.deepInclude(yield* Fiber.join(closing), { accepted: 51, written: 49, rejected: 1, pending: 0 })
        yield* Fiber.join(flushing)
      })
  )

  it.effect("of the scope alone gives up at once what was not flushed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const delivery = yield* Scope.extend(Delivery.make(Testing.hanging()), scope)
      delivery.offer(record(1))
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude(delivery.stats(), { dropped: 1, pending: 0, pendingBytes: 0 })
    }))
})

describe("warnings", () => {
  it.scoped("come once in an interval, with the number of times since the last", () =>
    Effect.gen(function*() {
      const counts: Array<unknown> = []
      const logger = Logger.make(({ annotations }) => {
        counts.push(Option.getOrUndefined(HashMap.get(annotations, "count")))
      })
      const options = { retryDelay: "2 seconds", maxRetryDelay: "2 seconds", warningInterval: "1 minute" } as const
      const delivery = yield* Delivery.make(Testing.failing(), options).pipe(
        Effect.withRandom(Random.fixed([0])),
        Effect.provide(Logger.add(logger))
      )
      delivery.offer(record(1))
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(counts, [1])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(counts, [1, 60])
    }))

  it.scoped("come also after the clock was set back", () => {
    const said: Array<unknown> = []
    return Effect.gen(function*() {
      yield* TestClock.adjust("1 day")
      const delivery = yield* Delivery.make(provider(() => ProviderError.rejected("refused")))
      for (const time of ["1 day", "1 hour"] as const) {
        yield* TestClock.setTime(Duration.toMillis(time))
        delivery.offer(record(1))
        yield* TestClock.adjust("1 second")
      }
      assert.lengthOf(said, 2)
    }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => said.push(message)))))
  })

  it.scoped("to a logger that throws stop nothing", () =>
    Effect.gen(function*() {
      const broken = Logger.make(() => {
        throw new Error("this logger throws")
      })
      const store = provider((batch, attempt) =>
        attempt <= 2
          ? transient
          : batch.some((one) => numberOf(one) === 2)
          ? Effect.suspend(() => ProviderError.rejected("refused"))
          : Effect.void
      )
      const delivery = yield* Effect.provide(Delivery.make(store), Logger.add(broken))
      offerAll(delivery, records(1, 12))
      yield* TestClock.adjust("1 minute")
      const stats = delivery.stats()
      assert.deepInclude(stats, { rejected: 1, pending: 0 })
      offerAll(delivery, records(20, 3))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(delivery.stats().written, stats.written + 3)
      // closing with losses is worth a warning, too
      const receipt = yield* Effect.provide(delivery.close("1 second"), Logger.add(broken))
      assert.deepInclude(receipt, { rejected: 1, pending: 0 })
    }))
})

describe("a delivery", () => {
  it.scoped("is not seen by the application's tracer", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const native = yield* Effect.tracer
      const tracer = Tracer.make({
        span: (name, ...rest) => {
          seen.push(name)
          return native.span(name, ...rest)
        },
        context: native.context
      })
      const store = memory()
      const traced: Provider = { ...store, write: (batch) => Effect.withSpan(store.write(batch), "sql.execute") }
      const delivery = yield* Effect.withTracer(Delivery.make(traced), tracer)
      delivery.offer(record(1))
      yield* Effect.withTracer(Effect.withSpan(delivery.flush("1 minute"), "the application's"), tracer)
      assert.strictEqual(store.records.length, 1)
      assert.deepStrictEqual(seen, ["the application's"])
    }))

  it.scoped("asks its source before a batch is cut, and before a flush", () =>
    Effect.gen(function*() {
      const source = records(1, 3).slice()
      const store = provider()
      const delivery: Delivery.Delivery = yield* Delivery.make(store, {}, () => {
        const one = source.shift()
        if (one !== undefined) delivery.offer(one)
      })
      delivery.wake()
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual(store.written[0], 1)
      assert.deepInclude(yield* delivery.flush("1 minute"), { pending: 0 })
      assert.isAtLeast(store.written.length, 2)
    }))
})
