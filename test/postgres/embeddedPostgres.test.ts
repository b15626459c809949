import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Exit, Fiber, Layer, Redacted, Scope } from "effect"
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { chown, mkdir, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as EmbeddedPostgres from "../../src/EmbeddedPostgres.ts"
import { sweep } from "../../src/internal/embeddedPostgres/leftovers.ts"
import { serverUser } from "../../src/internal/embeddedPostgres/serverUser.ts"
import { eventually, folder, holder, isAlive, postmasterOf, query } from "./fixtures/embeddedPostgres.ts"

/** The process that watches over the temporary server in this folder. */
const watchdogOf = (dataDirectory: string): number => {
  const rows = execFileSync("ps", ["-axww", "-o", "pid=,args="], { encoding: "utf8" }).split("\n")
  return Number.parseInt(rows.find((row) => row.trim().endsWith(`sh ${dataDirectory}`)) ?? "", 10)
}

describe("EmbeddedPostgres in a temporary folder", () => {
  it.effect("answers, under a TestClock too, and is gone with its scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const server = yield* Scope.extend(EmbeddedPostgres.make(), scope)
      const [row] = yield* query(server.url, (sql) => sql<{ version: string }>`select version()`)
      expect(row?.version).toContain(`PostgreSQL ${server.version}`)
      expect(server.version).toMatch(/^18\./)
      const postmaster = postmasterOf(server.dataDirectory)
      expect(isAlive(postmaster)).toBe(true)

      yield* Scope.close(scope, Exit.void)
      expect(isAlive(postmaster)).toBe(false)
      expect(existsSync(server.dataDirectory)).toBe(false)
    }))

  it.effect("is a layer to build a client on", () => {
    const Database = Layer.unwrapEffect(
      Effect.map(EmbeddedPostgres.EmbeddedPostgres, ({ url }) => PgClient.layer({ url }))
    ).pipe(Layer.provide(EmbeddedPostgres.layer()))
    return Effect.gen(function*() {
      const sql = yield* PgClient.PgClient
      expect(yield* sql`select current_user as name`).toEqual([{ name: "postgres" }])
    }).pipe(Effect.provide(Database))
  })

  it.effect("is where DATABASE_URL leads, unless that is set", () =>
    Effect.gen(function*() {
      const Database = Layer.unwrapEffect(
        Effect.map(Config.redacted("DATABASE_URL"), (url) => PgClient.layer({ url, applicationName: "found" }))
      )
      const found = Layer.provide(Database, EmbeddedPostgres.layerDatabaseUrl())
      const name = yield* Effect.flatMap(PgClient.PgClient, (sql) => sql`show application_name`).pipe(
        Effect.provide(found),
        // a variable that is set to nothing is not set
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["DATABASE_URL", " "]])))
      )
      expect(name).toEqual([{ application_name: "found" }])

      const seen = yield* Config.string("DATABASE_URL").pipe(
        Effect.provide(EmbeddedPostgres.layerDatabaseUrl()),
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["DATABASE_URL", "postgres://given"]])))
      )
      expect(seen).toBe("postgres://given")
    }))

  it.scoped("is reached by its socket only, whatever the settings and the environment say", () =>
    Effect.gen(function*() {
      const { socketDirectory, url } = yield* EmbeddedPostgres.make({
        settings: { listen_addresses: "*", max_connections: "7" }
      })
      expect(new URL(Redacted.value(url)).searchParams.get("host")).toBe(socketDirectory)
      yield* Effect.acquireRelease(
        Effect.sync(() => Object.assign(process.env, { PGPORT: "1", PGHOST: "nowhere", PGSSLMODE: "require" })),
        () => Effect.sync(() => ["PGPORT", "PGHOST", "PGSSLMODE"].forEach((name) => delete process.env[name]))
      )
      const settings = yield* query(
        url,
        (sql) =>
          sql`select current_setting('listen_addresses') as addresses, current_setting('max_connections') as maximum`
      )
      expect(settings).toEqual([{ addresses: "", maximum: "7" }])
    }))

  it.scoped("leaves nothing behind when the start is interrupted", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const fiber = yield* Effect.fork(Effect.scoped(EmbeddedPostgres.make({ dataDirectory })))
      yield* eventually(() => existsSync(join(dataDirectory, "data", "postmaster.pid")))
      const postmaster = postmasterOf(dataDirectory)
      yield* Fiber.interrupt(fiber)
      expect(isAlive(postmaster)).toBe(false)
    }))

  it.scoped("ends by itself when its process is killed", () =>
    Effect.gen(function*() {
      const { dataDirectory, kill, postmaster } = yield* holder({})
      yield* kill
      yield* eventually(() => !isAlive(postmaster) && !existsSync(join(dataDirectory, "data", "base")))
    }))

  it.scoped("keeps no process from ending that never closes the scope", () =>
    Effect.gen(function*() {
      const { dataDirectory, ended, postmaster } = yield* holder({ abandon: true })
      expect(yield* ended).toBe(0)
      yield* eventually(() => !isAlive(postmaster) && !existsSync(join(dataDirectory, "data", "base")))
    }))

  it.scoped("is swept away at a later start if not even the watchdog lived on", () =>
    Effect.gen(function*() {
      const living = yield* EmbeddedPostgres.make()
      const abandoned = yield* holder({})
      yield* Effect.sync(() => process.kill(watchdogOf(abandoned.dataDirectory), "SIGKILL"))
      yield* abandoned.kill
      expect(isAlive(abandoned.postmaster)).toBe(true)
      yield* sweep(yield* serverUser(undefined), 0)
      yield* eventually(() => !isAlive(abandoned.postmaster))
      expect(existsSync(abandoned.dataDirectory)).toBe(false)
      expect(yield* query(living.url, (sql) => sql`select 1 as n`)).toEqual([{ n: 1 }])
    }))
})

describe("EmbeddedPostgres that cannot be had", () => {
  it.scoped("quotes the log when the data is corrupt", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      yield* Effect.scoped(EmbeddedPostgres.make({ dataDirectory }))
      yield* Effect.promise(() => truncate(join(dataDirectory, "data", "global", "pg_control"), 0))
      const error = yield* Effect.flip(EmbeddedPostgres.make({ dataDirectory }))
      expect(error).toMatchObject({ _tag: "EmbeddedPostgresError", reason: "StartFailed" })
      expect(error.message).toMatch(/(PANIC|FATAL):.*pg_control/)
    }))

  it.scoped("says so when the data was made by another version, or is no data at all", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const user = yield* serverUser(undefined)
      yield* Effect.promise(async () => {
        await mkdir(join(dataDirectory, "data"))
        await writeFile(join(dataDirectory, "data", "PG_VERSION"), "13\n")
        if (user !== undefined) await chown(join(dataDirectory, "data"), user.uid, user.gid)
      })
      const other = yield* Effect.flip(EmbeddedPostgres.make({ dataDirectory }))
      expect(other.reason).toBe("DataDirectoryUnusable")
      expect(other.message).toContain("made by PostgreSQL 13")
      const itself = yield* Effect.flip(EmbeddedPostgres.make({ dataDirectory: join(dataDirectory, "data") }))
      expect(itself.reason).toBe("DataDirectoryUnusable")
      expect(itself.message).toContain("Choose another")
      const file = join(dataDirectory, "data", "PG_VERSION")
      expect((yield* Effect.flip(EmbeddedPostgres.make({ dataDirectory: file }))).reason).toBe("DataDirectoryUnusable")
    }))

  it.scoped("says what is wrong with the settings", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(EmbeddedPostgres.make({ settings: { max_connections: "many" } }))
      expect(error.reason).toBe("StartFailed")
      expect(error.message).toContain("max_connections")
    }))

  it.scoped("does not wait longer than it is told", () =>
    Effect.gen(function*() {
      const dataDirectory = yield* folder()
      const { server } = yield* EmbeddedPostgres.make({ dataDirectory })
      yield* server.pause
      const error = yield* Effect.flip(EmbeddedPostgres.make({ dataDirectory, startTimeout: "100 millis" }))
      expect(error.reason).toBe("StartFailed")
      expect(error.message).toContain("did not answer within 100ms")
    }))
})
