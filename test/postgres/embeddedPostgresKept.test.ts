import { describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { existsSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as EmbeddedPostgres from "../../src/EmbeddedPostgres.ts"
import {
  allRows,
  folder,
  holder,
  isAlive,
  isRoot,
  keep,
  nobody,
  postmasterOf,
  query,
  rows,
  userOf
} from "./fixtures/embeddedPostgres.ts"

describe("EmbeddedPostgres in a kept folder", () => {
  it.scoped("finds the data again", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      yield* Effect.scoped(Effect.flatMap(EmbeddedPostgres.make({ dataDirectory }), ({ url }) => keep(url)))
      expect(existsSync(join(dataDirectory, "data", "postmaster.pid"))).toBe(false)
      const { url } = yield* EmbeddedPostgres.make({ dataDirectory })
      expect(yield* rows(url)).toEqual(allRows)
    }))

  it.scoped("finds the running server again when its process was killed", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const killed = yield* holder({ dataDirectory })
      yield* keep(Redacted.make(killed.url))
      yield* killed.kill
      yield* Effect.scoped(Effect.gen(function*() {
        const { url } = yield* EmbeddedPostgres.make({ dataDirectory })
        expect(postmasterOf(dataDirectory)).toBe(killed.postmaster)
        expect(yield* rows(url)).toEqual(allRows)
      }))
      expect(isAlive(killed.postmaster)).toBe(false)
    }))

  it.scoped("recovers when both its process and the postmaster were killed", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const killed = yield* holder({ dataDirectory })
      yield* keep(Redacted.make(killed.url))
      yield* killed.kill
      process.kill(killed.postmaster, "SIGKILL")
      const { url } = yield* EmbeddedPostgres.make({ dataDirectory })
      expect(postmasterOf(dataDirectory)).not.toBe(killed.postmaster)
      expect(yield* rows(url)).toEqual(allRows)
    }))

  it.scoped("starts when the process id of a dead server belongs to another program now", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      yield* Effect.scoped(Effect.gen(function*() {
        const { server, url } = yield* EmbeddedPostgres.make({ dataDirectory })
        yield* keep(url)
        yield* server.kill
      }))
      yield* Effect.promise(async () => {
        for (const name of ["postmaster.pid", ".s.PGSQL.5432.lock"]) {
          const path = join(dataDirectory, "data", name)
          await writeFile(path, (await readFile(path, "utf8")).replace(/^\d+/, String(process.pid)))
        }
      })
      const { url } = yield* EmbeddedPostgres.make({ dataDirectory })
      expect(yield* rows(url)).toEqual(allRows)
    }))

  it.scoped("starts when the dead server is a zombie, as it stays where nothing reaps", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const parent = yield* holder({ dataDirectory })
      yield* keep(Redacted.make(parent.url))
      // A parent that is stopped does not reap its children.
      yield* parent.signal("SIGSTOP")
      process.kill(parent.postmaster, "SIGKILL")
      const { url } = yield* EmbeddedPostgres.make({ dataDirectory })
      expect(yield* rows(url)).toEqual(allRows)
      // While it is there, even stopped, the server is not this scope's to end, and would outlive its folder.
      yield* parent.kill
    }))

  it.scoped("is shared by processes that start at the same time, until the last one leaves", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const [first, second, third] = yield* Effect.all(
        [holder({ dataDirectory }), holder({ dataDirectory }), EmbeddedPostgres.make({ dataDirectory })],
        { concurrency: "unbounded" }
      )
      expect(second.postmaster).toBe(first.postmaster)
      expect(yield* first.leave).toBe(0)
      yield* second.kill
      yield* keep(third.url)
      expect(yield* rows(third.url)).toEqual(allRows)
      expect(postmasterOf(dataDirectory)).toBe(first.postmaster)
    }))

  it.scoped("is stopped by one of several that leave at the same time", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const holders = yield* Effect.all([holder({ dataDirectory }), holder({ dataDirectory })], { concurrency: 2 })
      yield* Effect.forEach(holders, ({ leave }) => leave, { concurrency: 2 })
      expect(isAlive(holders[0].postmaster)).toBe(false)
    }))

  it.scoped("is there for who comes while the last one leaves", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const leaving = yield* holder({ dataDirectory })
      yield* keep(Redacted.make(leaving.url))
      const [, { url }] = yield* Effect.all([leaving.leave, EmbeddedPostgres.make({ dataDirectory })], {
        concurrency: 2
      })
      expect(yield* rows(url)).toEqual(allRows)
    }))

  it.scoped("works in a folder whose path is too long for a socket", () =>
    Effect.gen(function*() {
      const dataDirectory = join(yield* folder(), "long".repeat(30))
      const { socketDirectory, url } = yield* EmbeddedPostgres.make({ dataDirectory })
      expect(socketDirectory.length).toBeLessThan(90)
      expect(yield* query(url, (sql) => sql`select 1 as n`)).toEqual([{ n: 1 }])
    }))
})

describe("EmbeddedPostgres and users", () => {
  it.scoped("works below a folder that no other user may enter", () =>
    Effect.gen(function*() {
      const dataDirectory = join(yield* folder(0o700), "below")
      yield* Effect.scoped(Effect.flatMap(EmbeddedPostgres.make({ dataDirectory }), ({ url }) => keep(url)))
      const { url } = yield* EmbeddedPostgres.make({ dataDirectory })
      expect(yield* rows(url)).toEqual(allRows)
    }))

  it.scoped("runs as the user of the process when that is an ordinary one", () =>
    Effect.gen(function*() {
      const { leave, postmaster, url, user } = yield* holder({}, isRoot ? nobody : undefined)
      expect(user).not.toBe(0)
      expect(userOf(postmaster)).toBe(user)
      expect(yield* query(Redacted.make(url), (sql) => sql`select 1 as n`)).toEqual([{ n: 1 }])
      expect(yield* leave).toBe(0)
      expect(isAlive(postmaster)).toBe(false)
    }))

  it.scoped.skipIf(!isRoot)(
    "runs as another user when the process is root (skipped unless the tests run as root)",
    () =>
      Effect.gen(function*() {
        const { dataDirectory } = yield* EmbeddedPostgres.make()
        expect(userOf(postmasterOf(dataDirectory))).not.toBe(0)
      })
  )
})
