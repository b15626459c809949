// Puts the library's modules together in few files: one for each entry of the package, and what they share. What `index`
// needs is one of these: to find, read and link its 130 modules one by one, and to find what each of them imports, took a
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

/** Whether a module is loaded with `index`, and not only when something is used. */
const isLoadedFirst = (id, { getModuleInfo }, seen = new Set()) => {
  if (seen.has(id)) return false
  seen.add(id)
  return Path.basename(id) === "index.ts" ||
    getModuleInfo(id).importers.some((importer) => isLoadedFirst(importer, { getModuleInfo }, seen))
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
    manualChunks: (id, graph) => isLoadedFirst(id, graph) ? "core" : undefined,
    sourcemap: true,
    // the sources are part of the package
    sourcemapExcludeSources: true
  })
  await modules.close()
}
