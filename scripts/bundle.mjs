// Bundles the library's modules into few files: one for each entry of the package, and the files that they share.
// `index` needs two shared files: finding, reading and linking its 130 modules one by one, and finding what each of
// them imports, took two thirds of the time that a program needed to load the library.
import { transform } from "esbuild"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { rollup } from "rollup"

const source = Path.resolve(import.meta.dirname, "..", "src")

const typescript = {
  name: "typescript",
  transform: (code, id) =>
    transform(code, { loader: "ts", target: "node20.19", sourcemap: true, sourcefile: id, sourcesContent: false })
}

/** Whether `index` leads to a module. `importersOf` returns the modules from which a module is reached. */
const isReached = (id, importersOf, seen = new Set()) => {
  if (seen.has(id)) return false
  seen.add(id)
  return importersOf(id).some((importer) =>
    Path.basename(importer) === "index.ts" || isReached(importer, importersOf, seen)
  )
}

const live = Path.join(source, "ObservabilityLive.ts")

/**
 * The shared file of a module that is loaded with `index`, and not only when something is used. Modules that only
 * `ObservabilityLive` needs are in a file of their own: a bundler includes everything that a file imports, so
 * PostgreSQL would otherwise end up in the bundle of a program that records to a provider of its own.
 */
const fileOf = (id, { getModuleInfo }) => {
  const atOnce = (module) => getModuleInfo(module).importers
  const withoutLive = (module) =>
    module === live ? [] : [...getModuleInfo(module).importers, ...getModuleInfo(module).dynamicImporters]
  if (!isReached(id, atOnce)) return undefined
  return isReached(id, withoutLive) ? "core" : "live"
}

/** Writes the JavaScript of the library's entries into a folder, with source maps. Throws if there is an error. */
export const bundle = async (outdir) => {
  const modules = await rollup({
    input: Fs.readdirSync(source).filter((name) => name.endsWith(".ts")).map((name) => Path.join(source, name)),
    external: (id) => !id.startsWith(".") && !Path.isAbsolute(id),
    plugins: [typescript],
    // otherwise an entry that has only types would become the file that the others share
    preserveEntrySignatures: "strict",
    onwarn: ({ code, message }) => {
      // a module that has only types
      if (code !== "EMPTY_BUNDLE") throw new Error(message)
    }
  })
  await modules.write({
    dir: outdir,
    format: "es",
    chunkFileNames: "internal/[hash].js",
    hoistTransitiveImports: false,
    manualChunks: fileOf,
    sourcemap: true,
    // the sources are part of the package
    sourcemapExcludeSources: true
  })
  await modules.close()
}
