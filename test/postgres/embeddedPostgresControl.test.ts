import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import { existsSync } from "node:fs"
import * as EmbeddedPostgres from "../../src/EmbeddedPostgres.ts"
import { allRows, isAlive, keep, postmasterOf, rows } from "./fixtures/embeddedPostgres.ts"

describe("createDatabase", () => {
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
