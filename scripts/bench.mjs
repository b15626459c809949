// Compiles the library and the benchmarks as they are published, and runs them: a loader that compiles on the fly adds
// a call to every function it names, which is most of the cost of a span. The saved results then become the table in
// docs/performance.md; `node scripts/bench.mjs --docs` only writes that table.
import { spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { bundle } from "./bundle.mjs"
import { writeFigures } from "./figures.mjs"

const root = Path.resolve(import.meta.dirname, "..")
const built = Path.join(root, ".bench-build")

if (process.argv.includes("--docs")) {
  writeFigures(root)
  process.exit(0)
}

const run = (command, args) => {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
}

Fs.rmSync(built, { recursive: true, force: true })
run(process.execPath, [Path.join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.bench.json"])
await bundle(Path.join(built, "src"))
// the young generation is large enough for a whole run whose allocation is measured
run(process.execPath, [
  "--expose-gc",
  "--max-semi-space-size=256",
  "--min-semi-space-size=256",
  Path.join(built, "bench/main.js"),
  ...process.argv.slice(2)
])
if (!process.argv.includes("--only")) writeFigures(root)
