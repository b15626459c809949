import { describe, expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { vi } from "vitest"
import { abandoned, child, drain, filesBelow, folder, open, openAndClose, spans } from "./fixtures/spools.ts"

const promise = Effect.promise

const ownerFiles = (directory: string) => filesBelow(directory, "owner.json")

const changeOwner = (path: string, change: (owner: Record<string, unknown>) => Record<string, unknown>) =>
  promise(async () => writeFile(path, JSON.stringify(change(JSON.parse(await readFile(path, "utf8"))))))

const silentFor = (path: string, seconds: number) =>
  promise(() => utimes(path, Date.now() / 1_000 - seconds, Date.now() / 1_000 - seconds))

describe("what a dead process left", () => {
  it.live("is taken over, and what a living one has is not", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const holder = yield* child("hold", directory)
      yield* holder.line
      const spool = yield* open(directory)
      yield* Effect.forEach(yield* ownerFiles(directory), (path) => silentFor(path, 3_600))
      expect(yield* spool.adopt).toBe(0)
      yield* holder.kill
      expect(yield* spool.adopt).toBe(3)
      expect(yield* drain(spool)).toEqual([[1, 2, 3]])
      expect(yield* promise(() => readdir(directory))).toHaveLength(1)
    }).pipe(Effect.scoped))

  it.live("goes to exactly one of several processes that start at once", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const holders = yield* Effect.forEach([1, 2], () => child("hold", directory), { concurrency: "unbounded" })
      yield* Effect.forEach(holders, (holder) => Effect.zipRight(holder.line, holder.kill))
      for (let folder = 1; folder <= 10; folder++) {
        yield* openAndClose(directory, (spool) =>
          Effect.forEach([0, 2, 4, 6], (offset) => spool.append(spans(folder * 100 + offset, 2))), {
          segmentBytes: 1_000
        })
      }
      const adopters = yield* Effect.forEach([1, 2, 3], () =>
        child("adopt", directory), { concurrency: "unbounded" })
      yield* Effect.forEach(adopters, (adopter) =>
        adopter.line)
      yield* Effect.forEach(adopters, (adopter) => adopter.send("go"))
      const reports = yield* Effect.forEach(adopters, (adopter) =>
        Effect.map(adopter.line, (line): { adopted: number; ids: Array<number> } =>
          JSON.parse(line)))
      const ids = reports.flatMap((report) =>
        report.ids
      ).sort((left, right) => left - right)
      const fromFolders = Array.from({ length: 10 }, (_, folder) =>
        Array.from({ length: 8 }, (_, index) => (folder + 1) * 100 + index))
      expect(ids).toEqual([1, 1, 2, 2, 3, 3, ...fromFolders.flat()])
      expect(reports.reduce((sum, report) =>
        sum + report.adopted, 0)).toBe(86)
      yield* Effect.forEach(adopters, (adopter) => adopter.ended)
      expect(yield* promise(() => readdir(directory))).toEqual([])
    }).pipe(Effect.scoped), 60_000)

  it.scoped("is recognised by the time its process started, and by its silence where that says nothing", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      yield* abandoned(Effect.flatMap(open(directory), (spool) => spool.append(spans(1, 3))))
      const [path] = yield* ownerFiles(directory)
      const original = yield* promise(() => readFile(path!, "utf8"))
      const spool = yield* open(directory)
      const isTaken = Effect.map(spool.adopt, (adopted) => adopted > 0)

      expect(yield* isTaken).toBe(false)
      yield* changeOwner(path!, (owner) => ({ ...owner, place: "elsewhere", pid: 999_999_999 }))
      expect(yield* isTaken).toBe(false)
      yield* silentFor(path!, 50)
      expect(yield* isTaken).toBe(false)
      yield* changeOwner(path!, (owner) => ({ ...owner, format: 2 }))
      yield* silentFor(path!, 3_600)
      expect(yield* isTaken).toBe(false)
      yield* promise(() => writeFile(path!, ""))
      expect(yield* isTaken).toBe(false)
      yield* promise(() => writeFile(path!, original))
      yield* silentFor(path!, 3_600)
      expect(yield* isTaken).toBe(false)
      yield* changeOwner(path!, (owner) => ({ ...owner, startTime: "1" }))
      expect(yield* isTaken).toBe(process.platform === "linux")
    }))

  for (
    const [state, change] of [
      [
        "is from another host and silent",
        (path: string) => changeOwner(path, (owner) => ({ ...owner, place: "elsewhere" }))
      ],
      ["has a damaged owner's file", (path: string) => promise(() => writeFile(path, "\0\0\0"))],
      ["has no owner's file", (path: string) => promise(() => rm(path))]
    ] as const
  ) {
    it.scoped(`is taken over when it ${state}`, () =>
      Effect.gen(function*() {
        const directory = yield* folder
        yield* abandoned(Effect.flatMap(open(directory), (spool) => spool.append(spans(1, 3))))
        const [path] = yield* ownerFiles(directory)
        yield* change(path!)
        const spool = yield* open(directory)
        expect(yield* spool.adopt).toBe(0)
        yield* Effect.ignore(Effect.tryPromise(() => utimes(path!, 1_000_000, 1_000_000)))
        yield* promise(() => utimes(dirname(path!), 1_000_000, 1_000_000))
        expect(yield* spool.adopt).toBe(3)
      }))
  }

  it.scoped("survives that its new owner dies while taking over", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      for (const first of [1, 4]) yield* openAndClose(directory, (spool) => spool.append(spans(first, 3)))
      const [inner, outer] = yield* promise(() => readdir(directory))
      yield* promise(() => rename(join(directory, inner!), join(directory, outer!, inner!)))
      const notes = join(directory, "process-notes")
      yield* promise(() => writeFile(notes, "somebody's"))
      yield* silentFor(notes, 3_600)
      const spool = yield* open(directory)
      expect(yield* spool.adopt).toBe(6)
      expect((yield* drain(spool)).flat()).toEqual([1, 2, 3, 4, 5, 6])
      expect(yield* promise(() => readdir(directory))).toContain("process-notes")
    }))

  it.scoped("is read before what came later, also when it comes to light later", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      yield* openAndClose(directory, (spool) => spool.append(spans(1, 1)))
      const spool = yield* open(directory)
      yield* spool.append(spans(2, 1))
      yield* spool.adopt
      expect(yield* drain(spool)).toEqual([[1], [2]])
    }))
})

describe("a living process", () => {
  it.scoped("says so every 15 seconds", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] })
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      yield* open(directory)
      const [path] = yield* ownerFiles(directory)
      yield* silentFor(path!, 3_600)
      vi.advanceTimersByTime(15_000)
      yield* promise(() =>
        vi.waitFor(async () => expect(Date.now() - (await stat(path!)).mtimeMs).toBeLessThan(60_000))
      )
    }))
})

describe("a process that was taken for dead", () => {
  it.scoped("goes on in a new folder, and knows what it has no more", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const sleeper = yield* open(directory, { processId: "sleeper" })
      yield* sleeper.append(spans(1, 3))
      yield* sleeper.append(spans(4, 2))
      const pending = Option.getOrThrow(yield* sleeper.next)
      const [path] = yield* ownerFiles(directory)
      yield* changeOwner(path!, (owner) => ({ ...owner, place: "elsewhere" }))
      yield* silentFor(path!, 3_600)
      const other = yield* open(directory)
      expect(yield* other.adopt).toBe(5)

      yield* sleeper.append(spans(6, 1))
      // three are being delivered, and are not given up
      expect([sleeper.records, sleeper.forfeited]).toEqual([1, 2])
      yield* pending.done
      expect([sleeper.records, sleeper.forfeited]).toEqual([1, 2])
      expect((yield* drain(sleeper)).flat()).toEqual([6])
      // the batch that was written while the folder changed hands may be there twice, and none is missing
      expect((yield* drain(other)).flat().slice(0, 5)).toEqual([1, 2, 3, 4, 5])
    }))
})
