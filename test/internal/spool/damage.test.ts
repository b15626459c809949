import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Option } from "effect"
import { appendFile, mkdir, mkdtemp, open as openFile, readFile, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { crc32 } from "node:zlib"
import { frameBytes, headAt, headBytes, seal, tailBytes } from "../../../src/internal/spool/frame.ts"
import type { Observation } from "../../../src/Observation.ts"
import { abandoned, child, drain, filesBelow, folder, idOf, open, openAndClose, spans } from "./fixtures/spools.ts"

interface File {
  readonly name: string
  readonly bytes: Buffer
}

interface Extent {
  readonly from: number
  readonly to: number
  /** How many records of the segment lie before the place to which this points. */
  readonly tells: number
}

interface Layout {
  readonly heads: ReadonlyArray<Extent & { readonly through: number; readonly end: number }>
  readonly tails: ReadonlyArray<Extent>
}

/** Segments of a process that has ended: 24 batches of 1 to 5 spans. */
const written = Effect.scoped(Effect.flatMap(folder, (directory) =>
  Effect.gen(function*() {
    yield* openAndClose(directory, (spool) =>
      Effect.gen(function*() {
        for (let batch = 0, first = 1; batch < 24; batch++) {
          const count = batch % 5 + 1
          yield* spool.append(spans(first, count, "é\u0000".repeat(batch * 7)))
          first += count
        }
      }), { segmentBytes: 12_000 })
    const paths = yield* filesBelow(directory)
    return yield* Effect.promise(() =>
      Promise.all(paths.map(async (path): Promise<File> => ({ name: basename(path), bytes: await readFile(path) })))
    )
  })))

const layoutOf = (bytes: Buffer): Layout => {
  const heads: Array<Layout["heads"][number]> = []
  const tails: Array<Extent> = []
  for (let at = 0; at < bytes.length;) {
    const head = headAt(bytes, at)!
    const end = at + frameBytes(head)
    const through = head.recordsBefore + head.records
    // the mark is not part of what tells anything
    heads.push({ from: at, to: at + headBytes - 4, tells: head.recordsBefore, through, end })
    tails.push({ from: end - tailBytes, to: end, tells: through })
    at = end
  }
  return { heads, tails }
}

/** How many records of a damaged segment are known to have been in it. */
const known = (original: Buffer, damaged: Buffer): number => {
  const isIntact = ({ from, to }: Extent) => to <= damaged.length && original.compare(damaged, from, to, from, to) === 0
  const { heads, tails } = layoutOf(original)
  return Math.max(
    0,
    ...heads.filter(isIntact).map((head) => head.end <= damaged.length ? head.through : head.tells),
    ...tails.filter(isIntact).map((tail) => tail.tells)
  )
}

/** What a new process makes of these files. */
const recover = (files: ReadonlyArray<File>) =>
  Effect.acquireUseRelease(
    Effect.promise(async () => {
      const directory = await mkdtemp(join(tmpdir(), "spool-test-"))
      await mkdir(join(directory, "process-dead-000000"))
      for (const { bytes, name } of files) await writeFile(join(directory, "process-dead-000000", name), bytes)
      return directory
    }),
    (directory) =>
      Effect.scoped(Effect.gen(function*() {
        const spool = yield* open(directory)
        const adopted = yield* spool.adopt
        const read: Array<Observation> = []
        for (let next = yield* spool.next; Option.isSome(next); next = yield* spool.next) {
          for (const record of next.value.records) read.push(record)
          yield* next.value.done
        }
        expect(spool.records).toBe(0)
        const kept = yield* filesBelow(directory, ".corrupt")
        return { adopted, read, corrupt: spool.corrupt, bytes: spool.bytes, kept }
      })),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  )

const isSegment = ({ name }: File): boolean => name.endsWith(".segment")

describe("damaged segments", () => {
  it("cost the records that are hit and no others, and these are counted", async () => {
    const files = await Effect.runPromise(written)
    const segments = files.filter(isSegment)
    expect(segments.length).toBeGreaterThan(3)
    const originals = new Map(
      Array.from({ length: 24 }, (_, batch) => ({ batch, count: batch % 5 + 1 })).flatMap(({ batch, count }) => {
        const first = Math.floor(batch / 5) * 15 + [0, 1, 3, 6, 10][batch % 5]! + 1
        return spans(first, count, "é\u0000".repeat(batch * 7)).map((record) => [idOf(record), record])
      })
    )
    const place = fc.record({ file: fc.nat(segments.length - 1), at: fc.double({ min: 0, max: 1, noNaN: true }) })
    const flip = fc.record({ place, value: fc.integer({ min: 1, max: 255 }), length: fc.constantFrom(1, 1, 1, 4, 40) })
    const damage = fc.record({
      flips: fc.array(flip, { maxLength: 6 }),
      cuts: fc.array(place, { maxLength: 2 })
    })
    await fc.assert(
      fc.asyncProperty(damage, async ({ cuts, flips }) => {
        const bytes = segments.map((segment) => Buffer.from(segment.bytes))
        for (const { length, place, value } of flips) {
          const target = bytes[place.file]!
          const at = Math.floor(place.at * (target.length - 1))
          for (let index = at; index < Math.min(at + length, target.length); index++) target[index]! ^= value
        }
        for (const { at, file } of cuts) bytes[file] = bytes[file]!.subarray(0, Math.floor(at * bytes[file]!.length))
        const expected = segments.reduce((sum, segment, index) => sum + known(segment.bytes, bytes[index]!), 0)
        const { adopted, corrupt, read } = await Effect.runPromise(recover([
          ...files.filter((file) => !isSegment(file)),
          ...segments.map(({ name }, index) => ({ name, bytes: bytes[index]! }))
        ]))
        expect(adopted).toBe(expected)
        expect(read.length + corrupt).toBe(expected)
        const ids = read.map(idOf)
        expect(ids).toEqual([...new Set(ids)].sort((left, right) => left - right))
        for (const record of read) expect(record).toStrictEqual(originals.get(idOf(record)))
      }),
      { numRuns: 120 }
    )
  }, 60_000)

  it("give up one batch for one damaged byte, wherever it is", async () => {
    const files = await Effect.runPromise(written)
    const [segment] = files.filter(isSegment)
    const others = files.filter((file) => !isSegment(file))
    const { heads, tails } = layoutOf(segment!.bytes)
    const total = heads.at(-1)!.through
    for (const frame of [0, 1, heads.length - 1]) {
      const { end, from, tells, through } = heads[frame]!
      const payload = [from + headBytes, Math.floor((from + end) / 2), end - tailBytes - 1]
      const headOrPayload = [...Array.from({ length: headBytes - 4 }, (_, index) => from + index), ...payload]
      const harmless = [from + headBytes - 1, tails[frame]!.from, tails[frame]!.to - 1]
      for (const at of [...headOrPayload, ...harmless]) {
        const bytes = Buffer.from(segment!.bytes)
        bytes[at]! ^= 0x10
        const lost = harmless.includes(at) ? 0 : through - tells
        const { corrupt, kept, read } = await Effect.runPromise(recover([...others, { ...segment!, bytes }]))
        expect([at, corrupt, read.length]).toEqual([at, lost, total - lost])
        expect(kept.length).toBe(lost === 0 ? 0 : 1)
      }
    }
  })

  it.scoped("are kept for a person to look at, and counted in bytes", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      yield* openAndClose(directory, (spool) =>
        Effect.zipRight(spool.append(spans(1, 2, "precious")), spool.append(spans(3, 2))))
      const [path] = yield* filesBelow(directory, ".segment")
      yield* Effect.promise(async () => {
        const bytes = await readFile(path!)
        bytes[headBytes + 5]! ^= 1
        await writeFile(path!, bytes)
        await appendFile(path!, "what somebody wrote into it, longer than any head")
      })
      const kept = yield* openAndClose(directory, (spool) =>
        Effect.gen(function*() {
          yield* spool.adopt
          expect(yield* drain(spool)).toEqual([[3, 4]])
          expect(spool.corrupt).toBe(2)
          const kept = yield* filesBelow(directory, ".corrupt")
          const contents = yield* Effect.promise(() =>
            Promise.all(kept.map((file) => readFile(file, "utf8")))
          )
          expect(contents.some((content) => content.includes("precious"))).toBe(true)
          expect(contents.some((content) => content.includes("what somebody wrote"))).toBe(true)
          expect(spool.bytes).toBe(contents.reduce((sum, content) => sum + content.length, 0))
          return kept.map((file) => basename(file))
        }))
      const later = yield* open(directory)
      expect(yield* later.adopt).toBe(0)
      expect((yield* filesBelow(directory, ".corrupt")).map((file) => basename(file))).toEqual(kept)
      expect(later.bytes).toBeGreaterThan(0)
    }))

  it.scoped("hold back only what is no observation", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      yield* openAndClose(directory, (spool) => Effect.zipRight(spool.append(spans(1, 3)), spool.append(spans(4, 1))))
      const [path] = yield* filesBelow(directory, ".segment")
      // a frame that is right in all but its meaning
      yield* Effect.promise(async () => {
        const bytes = await readFile(path!)
        const frame = Buffer.from(bytes.subarray(0, frameBytes(headAt(bytes)!)))
        frame.write("Spam", frame.indexOf("\"Span\"") + 1)
        const payload = frame.subarray(headBytes, frame.length - tailBytes)
        seal({ bytes: frame, records: 3, payloadCrc: crc32(payload) }, 0)
        frame.copy(bytes)
        await writeFile(path!, bytes)
      })
      const spool = yield* open(directory)
      expect(yield* spool.adopt).toBe(4)
      expect(yield* drain(spool)).toEqual([[2, 3], [4]])
      expect(spool.corrupt).toBe(1)
      expect(yield* filesBelow(directory, ".corrupt")).toHaveLength(1)
    }))

  it.scoped("under a living process cost no more", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const spool = yield* abandoned(open(directory, { segmentBytes: 1_000 }))
      for (const first of [1, 2, 3, 4]) yield* spool.append(spans(first, 1, "z".repeat(600)))
      const [first, second, third] = yield* filesBelow(directory, ".segment")
      yield* Effect.promise(async () => {
        await truncate(first!, 300)
        await rm(second!)
        const handle = await openFile(third!, "r+")
        await handle.write(Buffer.alloc(100), 0, 100, 0)
        await handle.close()
      })
      expect(yield* drain(spool)).toEqual([[4]])
      expect([spool.corrupt, spool.forfeited, spool.records]).toEqual([2, 1, 0])
    }))
})

describe("a process killed while it appends", () => {
  it.live("has lost nothing that was confirmed, and half a batch does no harm", () =>
    Effect.gen(function*() {
      for (const confirmed of [1, 40, 150]) {
        const directory = yield* folder
        const writer = yield* child("append", directory)
        let last = 0
        for (let count = 0; count < confirmed; count++) last = Number(yield* writer.line)
        yield* writer.kill
        const spool = yield* open(directory)
        // a batch that a kill happened to tear is rare: make one of the last bytes certain
        const torn = (yield* filesBelow(directory, ".segment")).at(-1)!
        yield* Effect.promise(() => appendFile(torn, Buffer.from([0xff, 0x4f, 0x53, 0x48, 1, 2, 3])))
        const adopted = yield* spool.adopt
        const ids = (yield* drain(spool)).flat()
        expect(ids).toEqual(Array.from({ length: adopted }, (_, index) => index + 1))
        expect(ids.length).toBeGreaterThanOrEqual(last + 9)
        expect([spool.corrupt, spool.bytes]).toEqual([0, 0])
        yield* spool.close
      }
    }).pipe(Effect.scoped), 60_000)
})
