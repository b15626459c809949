// Puts the library's modules together in few files: one for each entry of the package, and what they share. What `index`
// needs are two of these: to find, read and link its 130 modules one by one, and to find what each of them imports, took a
// program two thirds of the time that it took to load the library.
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

/** Whether `index` leads to a module, where `importersOf` are the ones that a module is reached from. */
const isReached = (id, importersOf, seen = new Set()) => {
  if (seen.has(id)) return false
  seen.add(id)
  return importersOf(id).some((importer) =>
    Path.basename(importer) === "index.ts" || isReached(importer, importersOf, seen)
  )
}

const live = Path.join(source, "ObservabilityLive.ts")

/**
 * The file for what is loaded with `index`, and not only when something is used. What `ObservabilityLive` alone needs of it is in
 * another one: a bundler takes all that a file imports, and so PostgreSQL would come into the bundle of a program that records
 * to a provider of its own.
 */
const fileOf = (id, { getModuleInfo }) => {
  const atOnce = (module) => getModuleInfo(module).importers
  const withoutLive = (module) =>
    module === live ? [] : [...getModuleInfo(module).importers, ...getModuleInfo(module).dynamicImporters]
  if (!isReached(id, atOnce)) return undefined
  return isReached(id, withoutLive) ? "core" : "live"
}

/** Writes the JavaScript of the library's entries into a folder, with source maps. Throws where there is an error. */
export const bundle = async (outdir) => {
  const modules = await rollup({
    input: Fs.readdirSync(source).filter((name) => name.endsWith(".ts")).map((name) => Path.join(source, name)),
    external: (id) => !id.startsWith(".") && !Path.isAbsolute(id),
    plugins: [typescript],
    // an entry of types alone would otherwise become the file that the others share
    preserveEntrySignatures: "strict",
    onwarn: ({ code, message }) => {
      // a module of types alone
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
