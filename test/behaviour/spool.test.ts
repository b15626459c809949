/** The spool's disk is full, read-only, damaged or silent: the application goes on, and every record is accounted for. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, HashMap, Logger, Metric, Option, Random, TestClock } from "effect"
import { chmod, open, readdir, readFile, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { vi } from "vitest"
import * as Delivery from "../../src/Delivery.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Provider } from "../../src/Provider.ts"
import { ProviderError } from "../../src/Provider.ts"
import { span } from "../observations.ts"
import { recordCall } from "./fixtures/calls.ts"
import { canMount, disk, fileHandles } from "./fixtures/disks.ts"
import { gate } from "./fixtures/gate.ts"
import { emptyFolder, settled, statsOnce } from "./fixtures/spools.ts"
import { upTo } from "./fixtures/stored.ts"

const mebibyte = 1024 * 1024

const serviceWith = (provider: Provider, delivery: Delivery.Options, closeDeadline: "0 millis" | "10 seconds") =>
  ObservabilityService.make({
    providers: [provider],
    closeDeadline,
    delivery: { batchBytes: 128 * 1024, retryDelay: "50 millis", maxRetryDelay: "100 millis", ...delivery }
  })

/** Records numbered calls, each a trace of its own, with time for the deliveries in between. */
const recordSome = (service: Effect.Effect.Success<ReturnType<typeof serviceWith>>, total: number) =>
  Effect.gen(function*() {
    for (let number = 1; number <= total; number++) {
      yield* recordCall(service, number)
      if (number % 10 === 0) yield* Effect.sleep("5 millis")
    }
  })

/** A call in a kilobyte. */
const smallCall = (number: number) =>
  span({ type: "llm", status: "success", revision: 2 ** 30, size: 1_000, attributes: { number } })

/** Offers small calls until half of a megabyte of memory is in use, and the disk is; says how many that took. */
const offerUntil = (delivery: Delivery.Delivery, diskIsUsed: () => boolean) =>
  Effect.promise(() => {
    let total = 0
    return vi.waitFor(() => {
      do delivery.offer(smallCall(++total))
      while (total < 510)
      assert.isTrue(diskIsUsed())
      return total
    }, { timeout: 10_000, interval: 10 })
  })

/** Lets the real disk work. */
const macrotask = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** The figures as soon as they fit; until then time passes, and the real disk works. They add up all the while. */
const figuresOnce = (delivery: Delivery.Delivery, fit: (stats: Delivery.Stats) => boolean) =>
  Effect.gen(function*() {
    for (;;) {
      const stats = delivery.stats()
      assert.strictEqual(stats.accepted, stats.written + stats.rejected + stats.spooled + stats.pending)
      assert.isAtLeast(stats.spooled, 0)
      if (fit(stats)) return stats
      yield* Effect.zipRight(TestClock.adjust("100 millis"), macrotask)
    }
  })

/** The disk's next `datasync` answers when it is told to. */
const lateAnswer = Effect.gen(function*() {
  const handles = yield* fileHandles
  const { datasync } = handles
  let answer: (() => void) | undefined
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      vi.spyOn(handles, "datasync").mockImplementationOnce(async function(this: typeof handles) {
        await new Promise<void>((resolve) => answer = resolve)
        return datasync.call(this)
      })
    ),
    (spy) => Effect.sync(() => spy.mockRestore())
  )
  return { isAsked: () => answer !== undefined, answer: Effect.sync(() => answer?.()) }
})

/** Overwrites some bytes of the segments below a folder. */
const corrupt = (directory: string, times: number) =>
  Effect.gen(function*() {
    const names = yield* Effect.promise(() => readdir(directory, { recursive: true }))
    const segments = names.filter((name) => name.endsWith(".segment"))
    for (let index = 0; index < times; index++) {
      const name = segments[yield* Random.nextIntBetween(0, segments.length)]!
      const place = yield* Random.next
      const byte = yield* Random.nextIntBetween(0, 256)
      yield* Effect.promise(async () => {
        const file = await open(join(directory, name), "r+")
        try {
          const { size } = await file.stat()
          await file.write(Buffer.alloc(8, byte), 0, 8, Math.floor(place * (size - 8)))
        } finally {
          await file.close()
        }
      })
    }
  })

describe("a spool", { timeout: 60_000 }, () => {
  it.scopedLive("is used before anything is dropped, also when one batch would fill the memory", () =>
    Effect.gen(function*() {
      const store = gate()
      const service = yield* serviceWith(store.provider, {
        spoolDirectory: yield* emptyFolder,
        queueBytes: 4 * mebibyte,
        batchBytes: 4 * mebibyte
      }, "10 seconds")
      for (let number = 1; number <= 600; number++) {
        yield* recordCall(service, number)
        // no faster than the disk is
        if (number % 10 === 0) yield* statsOnce(service, ({ pendingBytes }) => pendingBytes < 3 * mebibyte, "store")
      }
      // takes in what waits for the batch window to be over
      yield* service.flush({ timeout: 0 })
      const { dropped, spooled } = yield* statsOnce(service, ({ accepted }) => accepted >= 1_200, "store")
      assert.strictEqual(dropped, 0)
      assert.isAbove(spooled, 0)
      yield* store.up
      yield* settled(service, ({ written }) => written > 0, "store")
      assert.deepStrictEqual([...store.numbers()].sort((left, right) => left - right), upTo(600))
    }))

  it.scopedLive.skipIf(!canMount)(
    "on a full disk: what finds no room is dropped and counted, all else arrives",
    () =>
      Effect.gen(function*() {
        const store = gate()
        const spoolDirectory = join(yield* disk("size=1m"), "spool")
        const service = yield* serviceWith(store.provider, { spoolDirectory, queueBytes: mebibyte }, "10 seconds")
        yield* recordSome(service, 1_000)
        const full = yield* statsOnce(service, ({ dropped, spooled }) => dropped > 0 && spooled > 0, "store")
        assert.strictEqual(full.accepted, full.spooled + full.dropped + full.pending)

        yield* store.up
        // what was recorded last may not have been handed over yet
        yield* service.flush()
        const after = yield* settled(service, ({ written }) => written > 0, "store")
        assert.strictEqual(after.accepted, after.written + after.dropped)
        const numbers = store.numbers()
        assert.strictEqual(new Set(numbers).size, numbers.length)
        assert.strictEqual(numbers.length, 1_000 - after.droppedByReason["Span/budget"]!)
      })
  )

  it.scopedLive.skipIf(!canMount)(
    "on a read-only disk: the application works, and memory alone has to do",
    () =>
      Effect.gen(function*() {
        const store = gate()
        const service = yield* serviceWith(store.provider, { spoolDirectory: yield* disk("ro") }, "10 seconds")
        yield* recordSome(service, 500)
        yield* store.up
        const { store: receipt } = yield* service.flush()
        assert.deepInclude(receipt, { written: receipt!.accepted, spooled: 0, dropped: 0 })
        // a batch that failed several times has made way for others
        assert.deepStrictEqual(store.numbers().toSorted((left, right) => left - right), upTo(500))
      })
  )

  it.scopedLive.skipIf(process.getuid?.() === 0)("in a read-only folder: the same", () =>
    Effect.gen(function*() {
      const spoolDirectory = yield* emptyFolder
      yield* Effect.promise(() => chmod(spoolDirectory, 0o500))
      const store = gate(true)
      const service = yield* serviceWith(store.provider, { spoolDirectory }, "10 seconds")
      yield* recordSome(service, 100)
      const { store: receipt } = yield* service.flush()
      assert.deepInclude(receipt, { written: receipt!.accepted, spooled: 0, dropped: 0 })
    }))

  it.scopedLive("that is damaged between two processes: every record is written once or counted as damaged", () =>
    Effect.gen(function*() {
      for (const times of [1, 3, 10, 100]) {
        const spoolDirectory = yield* emptyFolder
        const before = yield* Effect.scoped(Effect.gen(function*() {
          const service = yield* serviceWith(gate().provider, { spoolDirectory }, "0 millis")
          // without the disk there is nothing that could be damaged
          yield* Effect.repeat(Effect.promise(() => readdir(join(spoolDirectory, "store")).catch(() => [])), {
            until: ({ length }) => length > 0
          })
          yield* Effect.sleep("50 millis")
          yield* recordSome(service, 500)
          return service
        })).pipe(Effect.flatMap((service) => service.stats))
        const { accepted: left } = before.providers["store"]!
        assert.strictEqual(before.providers["store"]!.spooled, left)
        yield* corrupt(spoolDirectory, times)

        const store = gate(true)
        const next = yield* serviceWith(store.provider, { spoolDirectory }, "0 millis")
        const after = yield* settled(next, ({ accepted }) => accepted > 0, "store")
        const damaged = after.droppedByReason["damaged"] ?? 0
        assert.strictEqual(after.accepted, after.written + damaged)
        assert.isAtMost(after.accepted, left)
        const numbers = store.numbers()
        assert.strictEqual(new Set(numbers).size, numbers.length)
        if (times < 100) assert.isAbove(numbers.length, 0, "one place costs one batch, not all of them")
      }
    }).pipe(Effect.withRandom(Random.make("damage"))))

  it.scopedLive("on a disk that does not answer: the store gets what it can take, and the end is not held up", () =>
    Effect.gen(function*() {
      const handles = yield* fileHandles
      const silent = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(handles, "datasync").mockImplementation(() => new Promise(() => {}))),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      const store = gate()
      const spoolDirectory = yield* emptyFolder
      let closing = 0
      const service = yield* Effect.scoped(Effect.gen(function*() {
        const service = yield* serviceWith(
          store.provider,
          { spoolDirectory, queueBytes: 8 * mebibyte },
          "10 seconds"
        )
        yield* recordSome(service, 600)
        // half of the memory is in use, and the disk is asked to take some of it
        yield* Effect.repeat(Effect.delay(Effect.sync(() => silent.mock.calls.length), "10 millis"), {
          until: (calls) => calls > 0
        })
        yield* store.up
        closing = performance.now()
        return service
      }))
      assert.isBelow(performance.now() - closing, 10_000 + 15_000)
      const { providers } = yield* service.stats
      const stats = providers["store"]!
      assert.strictEqual(stats.accepted, stats.written + stats.dropped + stats.spooled)
      // what the disk was asked to take is given back after its time, and written
      assert.deepStrictEqual([...store.numbers()].sort((left, right) => left - right), upTo(600))
    }))

  it.scoped("on a disk that answers too late: what went back to memory is not on the disk, too", () =>
    Effect.gen(function*() {
      const disk = yield* lateAnswer
      const store = gate()
      const delivery = yield* Delivery.make(store.provider, {
        queueBytes: 1_000_000,
        batchBytes: 50_000,
        spoolDirectory: yield* emptyFolder
      })
      const total = yield* offerUntil(delivery, disk.isAsked)
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(delivery.stats(), { accepted: total, pending: total, spooled: 0 })
      yield* disk.answer
      yield* figuresOnce(delivery, ({ spooled }) => spooled > 0)
      yield* store.up
      const after = yield* figuresOnce(delivery, ({ pending, spooled }) => pending <= 0 && spooled <= 0)
      assert.deepInclude(after, { accepted: total, written: total })
      assert.deepStrictEqual([...store.numbers()].sort((left, right) => left - right), upTo(total))
    }))

  it.scoped("is read no faster than this process's memory allows, whatever batches another one left there", () =>
    Effect.gen(function*() {
      const spoolDirectory = yield* emptyFolder
      yield* Effect.scoped(Effect.gen(function*() {
        const before = yield* Delivery.make(gate().provider, { spoolDirectory })
        for (let number = 1; number <= 100; number++) before.offer(smallCall(number))
        assert.deepInclude(yield* before.close(0), { spooled: 100 })
      }))
      const store = gate()
      const delivery = yield* Delivery.make(store.provider, { spoolDirectory, queueBytes: 10_000, batchRecords: 2 })
      const adopted = yield* figuresOnce(delivery, ({ accepted, retries }) => accepted === 100 && retries > 0)
      assert.deepInclude(adopted, { pending: 2, pendingBytes: 2_000, spooled: 98 })
      delivery.offer(smallCall(101))
      assert.deepInclude(delivery.stats(), { dropped: 0, pending: 3 })
      yield* store.up
      yield* figuresOnce(delivery, ({ pending, spooled }) => pending + spooled === 0)
      assert.deepStrictEqual([...store.numbers()].sort((left, right) => left - right), upTo(101))
    }))

  it.scoped("loses of a batch what is no plain data, says it, and keeps all else, also at the end", () =>
    Effect.gen(function*() {
      const warnings: Array<unknown> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ annotations }) => void warnings.push(Option.getOrUndefined(HashMap.get(annotations, "kind"))))
      )
      const delivery = yield* Effect.provide(
        Delivery.make(gate().provider, { queueBytes: 100_000, batchBytes: 5_000, spoolDirectory: yield* emptyFolder }),
        logger
      )
      const lie = (number: number) => ({ ...smallCall(number), attributes: { number: 1n as unknown as number } })
      for (let number = 1; number <= 80; number++) delivery.offer(number % 20 === 0 ? lie(number) : smallCall(number))
      yield* Effect.repeat(Effect.zipRight(TestClock.adjust("100 millis"), macrotask), {
        until: () => delivery.stats().spooled >= 40
      })
      const receipt = yield* delivery.close(0)
      assert.deepInclude(receipt, { accepted: 80, spooled: 76, dropped: 4, pending: 0 })
      assert.deepStrictEqual(delivery.stats().droppedByReason, { "Span/unencodable": 4 })
      assert.include(warnings, "spool unencodable")
    }))

  it.scoped("behind a provider that dies: what it has stays there, and memory keeps to its budget", () =>
    Effect.gen(function*() {
      let works = false
      const store = gate(true)
      const delivery = yield* Delivery.make({
        name: "store",
        write: (batch) => works ? store.provider.write(batch) : Effect.dieMessage("out of order")
      }, {
        queueBytes: 100_000,
        batchBytes: 5_000,
        retryDelay: "1 millis",
        maxRetryDelay: "2 millis",
        spoolDirectory: yield* emptyFolder
      })
      for (let number = 1; number <= 60; number++) delivery.offer(smallCall(number))
      yield* figuresOnce(delivery, ({ spooled }) => spooled > 0)
      for (let number = 61; number <= 200; number++) {
        delivery.offer(smallCall(number))
        const { retries } = delivery.stats()
        if (number % 5 === 0) yield* figuresOnce(delivery, (stats) => stats.retries >= retries + 20)
      }
      const { pendingBytes } = delivery.stats()
      assert.isAtMost(pendingBytes, 60_000)
      works = true
      yield* figuresOnce(delivery, ({ pending, spooled }) => pending + spooled === 0)
      assert.deepStrictEqual([...store.numbers()].sort((left, right) => left - right), upTo(200))
    }))

  it.scoped("with records on it that kill the provider: they alone are refused, and hold up no others", () =>
    Effect.gen(function*() {
      let works = false
      const store = gate(true)
      const isPoison = (number: number) => number % 10 === 0
      const delivery = yield* Delivery.make({
        name: "store",
        write: (batch) =>
          !works
            ? ProviderError.transient("down")
            : batch.some((record) => record._tag === "Span" && isPoison(record.attributes!["number"] as number))
            ? Effect.dieMessage("poison")
            : store.provider.write(batch)
      }, { queueBytes: 100_000, batchBytes: 5_000, spoolDirectory: yield* emptyFolder })
      for (let number = 1; number <= 100; number++) delivery.offer(smallCall(number))
      yield* figuresOnce(delivery, ({ spooled }) => spooled > 50)
      works = true
      let total = 100
      yield* Effect.repeat(
        Effect.suspend(() => {
          if (!isPoison(++total)) delivery.offer(smallCall(total))
          const { retries } = delivery.stats()
          let turns = 0
          return figuresOnce(delivery, (stats) => stats.pending === 0 || stats.retries > retries || ++turns > 100)
        }),
        { until: ({ pending, rejected, spooled }) => rejected === 10 && pending + spooled === 0 }
      )
      assert.deepStrictEqual(
        [...store.numbers()].sort((left, right) => left - right),
        upTo(total).filter((number) => !isPoison(number))
      )
    }))

  it.scoped("that another process took over while this one slept: each accounts for what it delivers", () =>
    Effect.gen(function*() {
      const warnings: Array<unknown> = []
      const logger = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ annotations }) => void warnings.push(Option.getOrUndefined(HashMap.get(annotations, "kind"))))
      )
      const spoolDirectory = yield* emptyFolder
      const options = { queueBytes: 1_000_000, batchBytes: 50_000, spoolDirectory }
      const [store, otherStore] = [gate(), gate(true)]
      const sleeper = yield* Effect.provide(Delivery.make(store.provider, options), logger)
      const total = yield* offerUntil(sleeper, () => sleeper.stats().spooled > 0)
      yield* Effect.promise(() => vi.waitFor(() => assert.isAtMost(sleeper.stats().pendingBytes, 250_000)))
      const before = sleeper.stats()
      yield* Effect.promise(async () => {
        const folder = join(spoolDirectory, "store", (await readdir(join(spoolDirectory, "store")))[0]!)
        const owner = join(folder, "owner.json")
        await writeFile(owner, JSON.stringify({ ...JSON.parse(await readFile(owner, "utf8")), place: "elsewhere" }))
        await utimes(owner, Date.now() / 1_000 - 3_600, Date.now() / 1_000 - 3_600)
      })
      const other = yield* Delivery.make(otherStore.provider, options)
      const others = yield* figuresOnce(other, ({ spooled, written }) => written > 0 && spooled === 0)
      assert.deepInclude(others, { accepted: before.spooled, written: before.spooled })

      const knowing = yield* figuresOnce(sleeper, ({ accepted }) => accepted < total)
      // no more than the batch that was read before, and is delivered by both
      assert.isAtMost(knowing.spooled, 50)
      const gauges = yield* Metric.snapshot
      const gauge = gauges.find(({ metricKey: { name, tags } }) =>
        name === "effect_observability_spool_records" && tags.some(({ value }) => value === "store")
      )
      assert.strictEqual((gauge?.metricState as { value?: number } | undefined)?.value, knowing.spooled)
      yield* store.up
      const after = yield* figuresOnce(sleeper, ({ pending, spooled }) => pending + spooled === 0)
      assert.strictEqual(after.accepted, after.written)
      assert.deepStrictEqual(
        [...new Set([...store.numbers(), ...otherStore.numbers()])].sort((left, right) => left - right),
        upTo(total)
      )
      assert.strictEqual(warnings.filter((kind) => kind === "spool forfeited").length, 1)
    }))

  it.scopedLive("on a disk that refuses at the end: it is asked once, and not for each batch", () =>
    Effect.gen(function*() {
      const handles = yield* fileHandles
      const refusing = yield* Effect.acquireRelease(
        Effect.sync(() => vi.spyOn(handles, "datasync").mockRejectedValue(new Error("EIO: i/o error, fdatasync"))),
        (spy) => Effect.sync(() => spy.mockRestore())
      )
      const delivery = yield* Delivery.make(gate().provider, { spoolDirectory: yield* emptyFolder, batchRecords: 10 })
      for (let number = 1; number <= 50; number++) delivery.offer(smallCall(number))
      assert.deepInclude(yield* delivery.close(0), { accepted: 50, dropped: 50, spooled: 0 })
      assert.strictEqual(refusing.mock.calls.length, 1)
    }))

  it.scopedLive("on a disk that answers too late for the end: the next process delivers what it has", () =>
    Effect.gen(function*() {
      const disk = yield* lateAnswer
      const spoolDirectory = yield* emptyFolder
      const total = yield* Effect.scoped(Effect.gen(function*() {
        const delivery = yield* Delivery.make(gate().provider, { queueBytes: 1_000_000, spoolDirectory })
        const total = yield* offerUntil(delivery, disk.isAsked)
        assert.deepInclude(yield* delivery.close(0), { accepted: total, dropped: total, spooled: 0 })
        yield* disk.answer
        return total
      }))
      const store = gate(true)
      const next = yield* Delivery.make(store.provider, { spoolDirectory })
      yield* Effect.repeat(Effect.delay(Effect.sync(() => next.stats()), "20 millis"), {
        until: ({ spooled, written }) => written > 0 && spooled === 0
      })
      assert.includeMembers(upTo(total) as Array<number>, store.numbers() as Array<number>)
    }))
})
