import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Redacted, Scope } from "effect"
import { existsSync } from "node:fs"
import * as EmbeddedPostgres from "../../src/EmbeddedPostgres.ts"
import { withClient } from "../../src/internal/embeddedPostgres/sql.ts"
import { allRows, isAlive, keep, postmasterOf, rows } from "./fixtures/embeddedPostgres.ts"

describe("createDatabase", () => {
  it.scoped("takes any name that an address can say, and returns one that leads there", () =>
    Effect.gen(function*() {
      const { createDatabase } = yield* EmbeddedPostgres.make()
      const strange = `a.b;c/d%20 "e" 'f' & ü`
      const nameBehind = (url: Redacted.Redacted) =>
        withClient(url, (sql) => sql<{ readonly name: string }>`select current_database() as name`)
      for (const name of ["app.test", strange]) {
        const url = yield* createDatabase(name)
        expect(yield* nameBehind(url)).toEqual([{ name }])
      }
      const copy = yield* createDatabase("copy", { template: strange })
      expect(yield* nameBehind(copy)).toEqual([{ name: "copy" }])
      for (const name of ["a?b", "a#b"]) {
        expect(yield* Effect.flip(createDatabase(name))).toMatchObject({ reason: "DatabaseNotCreated" })
      }
    }))

  it.scoped("copies a template, and says why it cannot", () =>
    Effect.gen(function*() {
      const { createDatabase } = yield* EmbeddedPostgres.make()
      const template = yield* createDatabase("the template")
      yield* keep(template)
      const copy = yield* createDatabase("copy", { template: "the template" })
      expect(yield* rows(copy)).toEqual(allRows)
      const error = yield* Effect.flip(createDatabase("copy"))
      expect(error.reason).toBe("DatabaseNotCreated")
      expect(error.message).toContain("already exists")
    }))
})

describe("server control", () => {
  it.scoped("stops, starts, kills and starts again, with nothing lost", () =>
    Effect.gen(function*() {
      const { dataDirectory, server, url } = yield* EmbeddedPostgres.make()
      yield* keep(url)
      const first = postmasterOf(dataDirectory)
      yield* server.stop
      expect(isAlive(first)).toBe(false)
      yield* Effect.flip(rows(url))
      yield* server.start
      expect(yield* rows(url)).toEqual(allRows)

      const second = postmasterOf(dataDirectory)
      yield* server.kill
      yield* server.kill
      expect(isAlive(second)).toBe(false)
      yield* server.start
      yield* server.start
      expect(yield* rows(url)).toEqual(allRows)
    }))

  it.scoped("pauses and resumes; a paused server answers nobody, and the scope stops it all the same", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const { dataDirectory, server, url } = yield* Scope.extend(EmbeddedPostgres.make(), scope)
      yield* keep(url)
      yield* server.pause
      const answer = yield* Effect.fork(rows(url))
      expect(yield* Fiber.poll(answer)).toMatchObject({ _tag: "None" })
      yield* server.resume
      expect(yield* Fiber.join(answer)).toEqual(allRows)

      const postmaster = postmasterOf(dataDirectory)
      yield* server.pause
      yield* Scope.close(scope, Exit.void)
      expect(isAlive(postmaster)).toBe(false)
      expect(existsSync(dataDirectory)).toBe(false)
    }))
})
