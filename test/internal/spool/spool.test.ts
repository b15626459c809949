import { describe, expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { readdir, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"
import type { Refused } from "../../../src/internal/spool/spool.ts"
import type { Observation } from "../../../src/Observation.ts"
import { span } from "../../observations.ts"
import { child, drain, filesBelow, folder, open, openAndClose, spans } from "./fixtures/spools.ts"

describe("a spool", () => {
  it.scoped("gives back batches in order, the oldest until it is done", () =>
    Effect.gen(function*() {
      const spool = yield* open(yield* folder)
      yield* spool.append(spans(1, 2))
      yield* spool.append(spans(3, 1))
      expect(spool.records).toBe(3)
      const first = Option.getOrThrow(yield* spool.next)
      expect(Option.getOrThrow(yield* spool.next)).toBe(first)
      expect(first.records).toStrictEqual(spans(1, 2))
      yield* first.done
      yield* first.done
      expect(spool.records).toBe(1)
      yield* spool.append(spans(4, 2))
      expect(yield* drain(spool)).toEqual([[3], [4, 5]])
      expect([spool.records, spool.bytes, spool.corrupt, spool.forfeited]).toEqual([0, 0, 0, 0])
      yield* spool.append(spans(6, 1))
      expect(yield* drain(spool)).toEqual([[6]])
    }))

  it.scoped("keeps what waits for the next one, and knows what was done", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      yield* openAndClose(directory, (spool) =>
        Effect.gen(function*() {
          for (const first of [1, 3, 5]) yield* spool.append(spans(first, 2))
          yield* Option.getOrThrow(yield* spool.next).done
        }))
      const spool = yield* open(directory)
      expect(spool.records).toBe(0)
      expect(yield* spool.adopt).toBe(4)
      expect(yield* spool.adopt).toBe(0)
      yield* spool.append(spans(7, 1))
      expect(yield* drain(spool)).toEqual([[3, 4], [5, 6], [7]])
    }))

  it.scoped("fills segment after segment, and deletes each when all of it is done", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const spool = yield* open(directory, { segmentBytes: 3_000 })
      for (let first = 1; first <= 6; first++) yield* spool.append(spans(first, 1, "z".repeat(1_000)))
      expect(yield* filesBelow(directory, ".segment")).toHaveLength(3)
      const bytes = spool.bytes
      for (const left of [3, 2, 2]) {
        yield* Option.getOrThrow(yield* spool.next).done
        expect((yield* filesBelow(directory, ".segment")).length).toBe(left)
        if (left === 2) break
      }
      expect(spool.bytes).toBeCloseTo(bytes * 2 / 3, 5)
      expect(yield* drain(spool)).toEqual([[3], [4], [5], [6]])
      expect(yield* filesBelow(directory, ".segment")).toEqual([])
    }))

  it.scoped("refuses what exceeds its budget, whole", () =>
    Effect.gen(function*() {
      const spool = yield* open(yield* folder, { maxBytes: 5_000 })
      yield* spool.append(spans(1, 1, "z".repeat(3_000)))
      const bytes = spool.bytes
      const error = yield* Effect.flip(spool.append(spans(2, 1, "z".repeat(3_000))))
      expect(error.reason).toBe("full")
      expect(error.message).toMatch(/exceed its limit of 5000.*raise the limit/)
      expect([spool.records, spool.bytes]).toEqual([1, bytes])
      expect(yield* drain(spool)).toEqual([[1]])
      yield* spool.append(spans(2, 1, "z".repeat(3_000)))
    }))

  it.scoped("gives back what is no plain data, and keeps all else", () =>
    Effect.gen(function*() {
      const spool = yield* open(yield* folder)
      const lie = span({ input: { count: 1n as unknown as number } })
      const refused: Array<unknown> = []
      const confirm = (unkept: Refused | undefined) => {
        refused.push(unkept?.records, unkept?.error.reason)
        return true
      }
      yield* spool.append([lie], confirm)
      expect([spool.records, spool.bytes]).toEqual([0, 0])
      const [first, second, third] = spans(1, 3)
      yield* spool.append([first, lie, second!, lie, third!], confirm)
      expect(refused).toEqual([[lie], "unencodable", [lie, lie], "unencodable"])
      expect(spool.records).toBe(3)
      expect(yield* drain(spool)).toEqual([[1, 2, 3]])
    }))

  it.scoped("lets nobody but the owner read", () =>
    Effect.gen(function*() {
      const directory = `${yield* folder}/new/spool`
      const spool = yield* open(directory)
      yield* spool.append(spans(1, 1))
      const modes = yield* Effect.promise(async () => {
        const entries = await readdir(directory, { recursive: true, withFileTypes: true })
        const paths = [directory, dirname(directory), ...entries.map((entry) => `${entry.parentPath}/${entry.name}`)]
        return Promise.all(paths.map(async (path) => {
          const stats = await stat(path)
          return { isFolder: stats.isDirectory(), mode: stats.mode & 0o777 }
        }))
      })
      expect(modes.length).toBe(5)
      for (const { isFolder, mode } of modes) expect(mode).toBe(isFolder ? 0o700 : 0o600)
    }))

  it.scoped("begins anew when its folder is deleted, and says what is gone", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const spool = yield* open(directory)
      yield* spool.append(spans(1, 3))
      yield* Effect.promise(() => rm(directory, { recursive: true }))
      yield* spool.append(spans(4, 2))
      expect([spool.records, spool.forfeited]).toEqual([2, 3])
      expect(yield* drain(spool)).toEqual([[4, 5]])
      yield* Effect.promise(() => rm(directory, { recursive: true }))
      expect(yield* spool.adopt).toBe(0)
      yield* spool.append(spans(6, 2))
      expect(yield* drain(spool)).toEqual([[6, 7]])
    }))

  it.scoped("leaves nothing behind when it ends empty, and does nothing afterwards", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const spool = yield* openAndClose(directory, (spool) =>
        Effect.gen(function*() {
          yield* spool.append(spans(1, 3))
          yield* drain(spool)
          return spool
        }))
      expect(yield* Effect.promise(() => readdir(directory))).toEqual([])
      expect((yield* Effect.flip(spool.append(spans(1, 1)))).reason).toBe("closed")
      expect((yield* Effect.flip(spool.next)).reason).toBe("closed")
      yield* spool.close
    }))

  it.scoped("takes batches from many fibers at once", () =>
    Effect.gen(function*() {
      const spool = yield* open(yield* folder, { segmentBytes: 10_000 })
      const firsts = Array.from({ length: 40 }, (_, index) => index * 5 + 1)
      const append = Effect.forEach(firsts, (first) => spool.append(spans(first, 5)), {
        concurrency: "unbounded",
        discard: true
      })
      yield* Effect.zip(append, Effect.repeatN(spool.next, 20), { concurrent: true })
      const batches = yield* drain(spool)
      expect(batches.map((batch) => batch[0]).sort((left, right) => left! - right!)).toEqual(firsts)
    }))

  it.live("can be interrupted at any time, and is whole afterwards", () =>
    Effect.gen(function*() {
      const spool = yield* open(yield* folder)
      const confirmed: Array<number> = []
      for (let first = 1; first <= 60; first++) {
        const append = spool.append(spans(first, 1, "z".repeat(20_000)))
        const done = yield* Effect.timeoutOption(append, `${first * 50} micros`)
        if (Option.isSome(done)) confirmed.push(first)
      }
      const waiting = spool.records
      const read = (yield* drain(spool)).flat()
      expect(read.length).toBe(waiting)
      expect(read).toEqual(expect.arrayContaining(confirmed))
      expect([spool.corrupt, spool.bytes]).toEqual([0, 0])
    }).pipe(Effect.scoped))

  it.live("keeps the event loop free, and one resource for all records", () =>
    Effect.gen(function*() {
      const spool = yield* open(yield* folder)
      const records = spans(1, 4_000, "payload ".repeat(500)) as [Observation, ...Array<Observation>]
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      yield* spool.append(records)
      const batch = Option.getOrThrow(yield* spool.next)
      clearInterval(timer)
      expect(new Set(batch.records.map((record) => record.resource)).size).toBe(1)
      // 32 MB are encoded and decoded, in slices of 4 ms; at a stretch there would be a turn for each access to the file
      expect(turns).toBeGreaterThan(20)
    }).pipe(Effect.scoped))

  it.live("keeps no process alive", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const idle = yield* child("idle", directory)
      expect(yield* idle.line).toBe("appended")
      yield* idle.ended
      const spool = yield* open(directory)
      expect(yield* spool.adopt).toBe(3)
    }).pipe(Effect.scoped, Effect.timeout("15 seconds")))
})
