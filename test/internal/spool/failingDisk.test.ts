import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmdirSync } from "node:fs"
import { chmod, open as openFile, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { vi } from "vitest"
import { fromFileSystem } from "../../../src/internal/spool/error.ts"
import { child, drain, filesBelow, folder, isRoot, open, openAndClose, spans } from "./fixtures/spools.ts"

const mount = (...args: ReadonlyArray<string>) => execFileSync("mount", args, { stdio: "ignore" })

const canMount = (() => {
  if (!isRoot || process.platform !== "linux") return false
  const path = mkdtempSync(join(tmpdir(), "spool-test-"))
  try {
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", path)
    execFileSync("umount", [path])
    return true
  } catch {
    return false
  } finally {
    rmdirSync(path)
  }
})()

/** A disk of 256 KiB. */
const tinyDisk = Effect.acquireRelease(
  Effect.tap(folder, (path) => Effect.sync(() => mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", path))),
  (path) => Effect.sync(() => execFileSync("umount", ["-l", path]))
)

const fileError = (code: string) => Object.assign(new Error(`${code}: as said by the test`), { code })

/** The prototype of the handles through which all is written. */
const handles = Effect.promise(async () => {
  const handle = await openFile(import.meta.filename, "r")
  await handle.close()
  return Object.getPrototypeOf(handle) as Awaited<ReturnType<typeof openFile>>
})

const sizesOf = (paths: ReadonlyArray<string>) =>
  Effect.promise(async () => {
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size))
    return sizes.reduce((sum, size) => sum + size, 0)
  })

describe("a disk that fails", () => {
  it.scoped.skipIf(!canMount)(
    "is full: the batch is refused whole, and taken when there is room again",
    () =>
      Effect.gen(function*() {
        const directory = join(yield* tinyDisk, "spool")
        const spool = yield* open(directory)
        let first = 1
        let append = yield* Effect.either(spool.append(spans(first, 10, "z".repeat(2_000))))
        while (append._tag === "Right") {
          first += 10
          append = yield* Effect.either(spool.append(spans(first, 10, "z".repeat(2_000))))
        }
        expect(append.left.reason).toBe("full")
        expect(append.left.message).toMatch(/ENOSPC.*free some of it/)
        expect(spool.records).toBe(first - 1)
        expect(yield* sizesOf(yield* filesBelow(directory, ".segment"))).toBe(spool.bytes)
        expect((yield* Effect.flip(spool.append(spans(first, 10, "z".repeat(9_000))))).reason).toBe("full")
        expect(yield* sizesOf(yield* filesBelow(directory, ".segment"))).toBe(spool.bytes)

        expect((yield* drain(spool)).flat()).toEqual(Array.from({ length: first - 1 }, (_, index) => index + 1))
        yield* spool.append(spans(first, 10, "z".repeat(2_000)))
        expect(spool.records).toBe(10)
      })
  )

  it.scoped.skipIf(!canMount)("is read-only: it says so", () =>
    Effect.gen(function*() {
      const disk = yield* tinyDisk
      yield* openAndClose(disk, (spool) => spool.append(spans(1, 1)))
      mount("-o", "remount,ro", disk)
      const error = yield* Effect.flip(Effect.scoped(open(disk)))
      expect(error.reason).toBe("denied")
      expect(error.message).toContain("read-only")
    }))

  it.live.skipIf(!isRoot)("does not belong to the user: it says so", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      yield* Effect.promise(() => chmod(directory, 0o755))
      const nobody = yield* child("deny", directory, { uid: 65_534 })
      expect(yield* nobody.line).toMatch(/^denied: .*EACCES.*Give the process's user/)
    }).pipe(Effect.scoped))

  it.scoped("is no folder: it says so", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(open(import.meta.filename))
      expect(error.reason).toBe("unavailable")
      expect(error.message).toContain(import.meta.filename)
    }))

  for (const operation of ["datasync", "write"] as const) {
    it.scoped(`fails in ${operation}: nothing of the batch is left, and the next one goes elsewhere`, () =>
      Effect.gen(function*() {
        const directory = yield* folder
        const spool = yield* open(directory)
        yield* spool.append(spans(1, 2))
        const bytes = spool.bytes
        const failing = vi.spyOn(yield* handles, operation).mockRejectedValueOnce(fileError("EIO"))
        const error = yield* Effect.flip(spool.append(spans(3, 2)))
        failing.mockRestore()
        expect(error.reason).toBe("unavailable")
        expect([spool.records, spool.bytes]).toEqual([2, bytes])
        expect(yield* sizesOf(yield* filesBelow(directory, ".segment"))).toBe(bytes)
        yield* spool.append(spans(5, 2))
        expect(yield* filesBelow(directory, ".segment")).toHaveLength(2)
        expect(yield* drain(spool)).toEqual([[1, 2], [5, 6]])
      }))
  }

  it.scoped("is too slow: of a batch that was given up meanwhile nothing is left", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const spool = yield* open(directory)
      yield* spool.append(spans(1, 2))
      const bytes = spool.bytes
      yield* Effect.flip(spool.append(spans(3, 2), () => false))
      expect([spool.records, spool.bytes]).toEqual([2, bytes])
      expect(yield* sizesOf(yield* filesBelow(directory, ".segment"))).toBe(bytes)
      yield* spool.append(spans(5, 2), () => true)
      expect(yield* drain(spool)).toEqual([[1, 2], [5, 6]])
    }))

  it.scoped("cannot be marked: what is done is done for this process", () =>
    Effect.gen(function*() {
      const directory = yield* folder
      const spool = yield* open(directory)
      for (const first of [1, 2, 3]) yield* spool.append(spans(first, 1))
      const failing = vi.spyOn(yield* handles, "write").mockRejectedValue(fileError("EROFS"))
      const drained = yield* drain(spool)
      failing.mockRestore()
      expect(drained).toEqual([[1], [2], [3]])
      expect(spool.records).toBe(0)
    }))

  it("is told apart by its code", () => {
    const reasonOf = (code: string) => fromFileSystem("/spool", "writing")(fileError(code)).reason
    expect(["ENOSPC", "EDQUOT"].map(reasonOf)).toEqual(["full", "full"])
    expect(["EACCES", "EPERM", "EROFS"].map(reasonOf)).toEqual(["denied", "denied", "denied"])
    expect(["EIO", "ENOTDIR"].map(reasonOf)).toEqual(["unavailable", "unavailable"])
  })
})
