/** What a delivery does about providers that fail in odder ways than by saying so. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Exit, Fiber, Logger, Option, Random, Scope, TestClock } from "effect"
import * as Delivery from "../src/Delivery.ts"
import type { Observation } from "../src/Observation.ts"
import type { Provider } from "../src/Provider.ts"
import { memory, ProviderError } from "../src/Provider.ts"
import * as Testing from "../src/Testing.ts"
import { span, spanId } from "./observations.ts"

let drawn = 0

const spans = (count: number): ReadonlyArray<Observation> =>
  Array.from({ length: count }, () => span({ spanId: spanId(++drawn), status: "success" }))

const offerAll = (delivery: Delivery.Delivery, records: ReadonlyArray<Observation>): void => {
  for (const record of records) delivery.offer(record)
}

const busy = Effect.suspend(() => ProviderError.transient("busy"))

/** The times at which a provider that always fails is asked within ten minutes. */
const attemptTimes = (seed: string) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const delivery = yield* Delivery.make({
      name: "failing",
      write: () =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          times.push(now)
          return busy
        })
    })
    const start = yield* Clock.currentTimeMillis
    offerAll(delivery, spans(1))
    yield* TestClock.adjust("2 minutes")
    return times.map((time) => time - start)
  }).pipe(Effect.withRandom(Random.make(seed)), Effect.scoped)

describe("a batch that keeps failing by itself", () => {
  for (const concurrency of [1, 3]) {
    it.scoped(`does not keep the others from being written (${concurrency} at a time)`, () =>
      Effect.gen(function*() {
        const [poison, ...others] = spans(41)
        const written: Array<string> = []
        const delivery = yield* Delivery.make({
          name: "locked",
          concurrency,
          write: (batch) =>
            batch.includes(poison!)
              ? Effect.delay(busy, "5 millis")
              : Effect.delay(Effect.sync(() => batch.forEach(({ spanId }) => written.push(spanId))), "5 millis")
        }, { maxRetryDelay: "1 second" })
        delivery.offer(poison!)
        yield* TestClock.adjust("300 millis")
        for (const other of others) {
          delivery.offer(other)
          yield* TestClock.adjust("500 millis")
        }
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(written.toSorted(), others.map(({ spanId }) => spanId).toSorted())
        assert.deepInclude(delivery.stats(), { accepted: 41, written: 40, pending: 1, dropped: 0 })
      }))
  }

  it.scoped("is not the only one to be tried where there are several, and all are written when they can be", () =>
    Effect.gen(function*() {
      const all = spans(30)
      const locked = new Set(all.slice(0, 10))
      const written: Array<Observation> = []
      const delivery = yield* Delivery.make({
        name: "locked",
        write: (batch) =>
          batch.some((record) => locked.has(record))
            ? busy
            : Effect.sync(() => batch.forEach((record) => written.push(record)))
      }, { batchRecords: 1, maxRetryDelay: "1 second" })
      offerAll(delivery, all)
      yield* TestClock.adjust("1 minute")
      locked.clear()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(written.length, 30)
      assert.strictEqual(new Set(written).size, 30)
      assert.deepInclude(delivery.stats(), { written: 30, pending: 0, breaker: "closed" })
    }))
})

describe("the waits between attempts", () => {
  it.effect("are drawn from the Random in the context: the same seed gives the same, another one others", () =>
    Effect.gen(function*() {
      const first = yield* attemptTimes("seed")
      assert.deepStrictEqual(yield* attemptTimes("seed"), first)
      assert.notDeepEqual(yield* attemptTimes("another seed"), first)
      const waits = first.slice(1).map((time, index) => time - first[index]!)
      assert.isAbove(waits.length, 10)
      for (const [index, wait] of waits.entries()) {
        const longest = Math.min(200 * 2 ** index, 10_000)
        assert.isTrue(Number.isInteger(wait), "a fraction of a millisecond breaks the nanoseconds of a test's clock")
        assert.isAtLeast(wait, longest / 2)
        assert.isAtMost(wait, longest)
      }
    }))

  it.scoped("end when the delivery is closed: what was given up is not written after all", () =>
    Effect.gen(function*() {
      let attempts = 0
      const delivery = yield* Delivery.make({
        name: "failing",
        write: () =>
          Effect.suspend(() => {
            attempts++
            return busy
          })
      })
      offerAll(delivery, spans(1))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* delivery.close(0), { accepted: 1, dropped: 1, pending: 0 })
      const before = attempts
      assert.isAbove(before, 0)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(attempts, before)
    }))

  it.scoped("are short again after a success", () =>
    Effect.gen(function*() {
      let failures = 8
      const delivery = yield* Delivery.make({ name: "moody", write: () => failures-- > 0 ? busy : Effect.void }, {
        maxRetryDelay: "1 hour"
      })
      offerAll(delivery, spans(1))
      yield* TestClock.adjust("10 minutes")
      assert.deepInclude(delivery.stats(), { written: 1, retries: 8, breaker: "closed" })
      failures = 1
      offerAll(delivery, spans(1))
      yield* TestClock.adjust("500 millis")
      assert.deepInclude(delivery.stats(), { written: 2, retries: 9 })
    }))
})

describe("an outage", () => {
  it.scoped("that several writes meet at once is one failure, and not as many", () =>
    Effect.gen(function*() {
      let attempts = 0
      const delivery = yield* Delivery.make(
        {
          name: "failing",
          write: () => Effect.zipRight(Effect.sync(() => attempts++), Effect.delay(busy, "1 second"))
        },
        { batchRecords: 1, concurrency: 4, retryDelay: "1 minute", maxRetryDelay: "1 hour" }
      )
      offerAll(delivery, spans(4))
      yield* TestClock.adjust("1 second")
      assert.deepInclude(delivery.stats(), { retries: 4, breaker: "open" })
      assert.strictEqual(attempts, 4)
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(attempts, 5)
      // two minutes at most after the second failure; after the fifth it would be eight to sixteen
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(attempts, 6)
    }))
})

describe("when a provider works again", () => {
  it.scoped("batches that waited are written at the same time, as many as may be", () =>
    Effect.gen(function*() {
      let works = false
      const store = memory()
      const delivery = yield* Delivery.make(
        { name: "slow", write: (batch) => works ? Effect.delay(store.write(batch), "10 seconds") : busy },
        { batchRecords: 1, concurrency: 4, retryDelay: "1 second", maxRetryDelay: "1 second" }
      )
      offerAll(delivery, spans(4))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(delivery.stats().pending, 4)
      works = true
      // a wait of a second at most, then the probe, then all others together
      yield* TestClock.adjust("12 seconds")
      assert.deepInclude(delivery.stats(), { written: 1, pending: 3, breaker: "closed" })
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(delivery.stats(), { written: 4, pending: 0 })
    }))

  it.scoped("a record that it died on while nothing worked is not taken for the culprit", () =>
    Effect.gen(function*() {
      let works = false
      const store = memory()
      const delivery = yield* Delivery.make(
        { name: "dead", write: (batch) => works ? store.write(batch) : Effect.dieMessage("dead") },
        { concurrency: 2, batchRecords: 4 }
      )
      const records = spans(10)
      offerAll(delivery, records)
      yield* TestClock.adjust("20 minutes")
      assert.deepInclude(delivery.stats(), { pending: 10, rejected: 0 })
      works = true
      yield* TestClock.adjust("20 minutes")
      assert.sameMembers([...store.records], [...records])
      assert.deepInclude(delivery.stats(), { accepted: 10, written: 10, rejected: 0, pending: 0 })
    }))
})

describe("a provider that is no provider", () => {
  const answers: ReadonlyArray<readonly [string, () => unknown]> = [
    ["gives nothing at all", () => undefined],
    ["gives a promise", () => Promise.resolve()],
    ["gives a plain object", () => ({ _tag: "Success" })],
    ["fails with a text", () => Effect.fail("text")],
    ["fails with nothing", () => Effect.fail(undefined)],
    ["dies with a proxy that cannot be read", () =>
      Effect.die(
        new Proxy({}, {
          get: () => {
            throw new Error("hostile")
          }
        })
      )],
    ["interrupts itself", () => Effect.interrupt],
    ["throws", () => {
      throw new TypeError("no")
    }]
  ]
  for (const [name, answer] of answers) {
    it.scoped(`that ${name} is tried again, and loses nothing`, () =>
      Effect.gen(function*() {
        let works = false
        const store = memory()
        const write = ((batch) => works ? store.write(batch) : answer()) as Provider["write"]
        const delivery = yield* Delivery.make({ name: "odd", write })
        const records = spans(3)
        offerAll(delivery, records)
        yield* TestClock.adjust("1 minute")
        assert.deepInclude(delivery.stats(), { written: 0, pending: 3, rejected: 0, dropped: 0 })
        assert.isAbove(delivery.stats().retries, 1)
        works = true
        yield* TestClock.adjust("1 minute")
        assert.sameMembers([...store.records], [...records])
        assert.deepInclude(delivery.stats(), { written: 3, pending: 0, rejected: 0, dropped: 0 })
      }))
  }
})

describe("a write that takes too long", () => {
  it.scoped("and succeeds after all is counted once, though it is made again", () =>
    Effect.gen(function*() {
      const store = memory()
      let attempts = 0
      const delivery = yield* Delivery.make({
        name: "late",
        write: (batch) => Effect.uninterruptible(Effect.delay(store.write(batch), attempts++ === 0 ? "31 seconds" : 0))
      })
      offerAll(delivery, spans(2))
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(delivery.stats().pending, 2)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.records.length, 4)
      assert.deepInclude(delivery.stats(), { accepted: 2, written: 2, pending: 0, retries: 1, batches: 1 })
    }))

  it.scoped("is left alone where it can be interrupted, and nowhere counted as written", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const delivery = yield* Delivery.make({
        name: "never",
        write: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      }, { writeTimeout: "5 seconds" })
      offerAll(delivery, spans(2))
      yield* TestClock.adjust("5200 millis")
      assert.strictEqual(interrupted, 1)
      assert.deepInclude(delivery.stats(), { written: 0, pending: 2, retries: 1 })
    }))
})

describe("refused records", () => {
  it.scoped("are found with few questions: not one for every record of the batch", () =>
    Effect.gen(function*() {
      const records = spans(1_024)
      const bad = new Set([records[3], records[700]])
      let attempts = 0
      const store = Testing.refusing((record) => bad.has(record))
      const delivery = yield* Delivery.make({
        ...store,
        write: (batch) => {
          attempts++
          return store.write(batch)
        }
      }, { batchRecords: 1_024 })
      offerAll(delivery, records)
      assert.deepInclude(yield* delivery.flush("1 second"), { written: 1_022, rejected: 2, pending: 0 })
      assert.isAtMost(attempts, 1 + 2 * 2 * 10)
    }))

  it.scoped("are counted by their positions: one that was offered twice, and refused once, is written once", () =>
    Effect.gen(function*() {
      const rejected = ProviderError.rejected("no", { rejections: [{ index: 0, message: "no" }] })
      const delivery = yield* Delivery.make({ name: "picky", write: () => rejected })
      const [record] = spans(1)
      offerAll(delivery, [record!, record!])
      assert.deepInclude(yield* delivery.flush("1 second"), { accepted: 2, rejected: 1, written: 1, pending: 0 })
    }))

  it.scoped("do not count as failures: the breaker stays closed, and others are not kept waiting", () =>
    Effect.gen(function*() {
      const delivery = yield* Delivery.make(Testing.refusing(() => true))
      offerAll(delivery, spans(20))
      assert.deepInclude(yield* delivery.flush("1 second"), { rejected: 20, pending: 0 })
      assert.deepInclude(delivery.stats(), { retries: 0, breaker: "closed" })
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    }))
})

describe("closing", () => {
  it.live("with the scope takes no time, also when the delivery was made where nothing can be interrupted", () =>
    Effect.gen(function*() {
      for (const options of [{}, { retryDelay: "1 hour" as const }]) {
        for (const provider of [memory(), Testing.hanging(), Testing.failing()]) {
          const scope = yield* Scope.make()
          const delivery = yield* Effect.uninterruptible(Scope.extend(Delivery.make(provider, options), scope))
          offerAll(delivery, spans(5))
          yield* delivery.flush("20 millis")
          const closed = yield* Scope.close(scope, Exit.void).pipe(Effect.disconnect, Effect.timeoutOption("3 seconds"))
          assert.isTrue(Option.isSome(closed), `${provider.name}: the scope does not close`)
          assert.strictEqual(delivery.stats().pending, 0)
        }
      }
    }))

  it.effect("twice at once is closing once: both get the one receipt, and what was lost is said once", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const scope = yield* Scope.make()
      const delivery = yield* Scope.extend(Delivery.make(Testing.hanging()), scope)
      offerAll(delivery, spans(3))
      const receipts = yield* Effect.all([delivery.close(0), delivery.close("1 hour")], { concurrency: 2 }).pipe(
        Effect.provide(Logger.replace(Logger.defaultLogger, Logger.make(({ message }) => said.push(String(message)))))
      )
      assert.deepStrictEqual(receipts[0], receipts[1])
      assert.deepInclude(receipts[0], { accepted: 3, dropped: 3, pending: 0 })
      assert.lengthOf(said.filter((line) => line.includes("closed with records")), 1)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("takes what is still offered until it is over, and then nothing more", () =>
    Effect.gen(function*() {
      const answer = yield* Deferred.make<void>()
      const started = yield* Deferred.make<void>()
      const store = memory()
      const scope = yield* Scope.make()
      const delivery = yield* Scope.extend(
        Delivery.make({
          name: "slow",
          write: (batch) =>
            Deferred.succeed(started, undefined).pipe(
              Effect.zipRight(Deferred.await(answer)),
              Effect.zipRight(store.write(batch))
            )
        }),
        scope
      )
      offerAll(delivery, spans(1))
      const closing = yield* Effect.fork(delivery.close("1 minute"))
      yield* Deferred.await(started)
      offerAll(delivery, spans(1))
      yield* Deferred.succeed(answer, undefined)
      assert.deepInclude(yield* Fiber.join(closing), { accepted: 2, written: 2, pending: 0 })
      offerAll(delivery, spans(1))
      assert.deepInclude(delivery.stats(), { accepted: 3, written: 2, dropped: 1 })
      yield* Scope.close(scope, Exit.void)
    }))

  it.scoped("gives up a write that is still running, and counts it once, also when it ends after all", () =>
    Effect.gen(function*() {
      const gate = yield* Effect.makeLatch(false)
      const store = memory()
      const delivery = yield* Delivery.make({
        name: "late",
        write: (batch) => Effect.uninterruptible(Effect.zipRight(gate.await, store.write(batch)))
      })
      offerAll(delivery, spans(2))
      const receipt = yield* delivery.close("20 millis")
      yield* gate.open
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(store.records.length, 2)
      assert.deepInclude(receipt, { accepted: 2, written: 0, dropped: 2, pending: 0 })
      assert.deepInclude(delivery.stats(), receipt)
      assert.deepStrictEqual(delivery.stats().droppedByReason, { "Span/closed": 2 })
    }))
})
