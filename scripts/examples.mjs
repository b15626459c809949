// Runs every program of examples/, one after the other, as a user would: without a configured database, in an empty
// folder. Each has 60 seconds and must exit with 0. `npm run examples -- 01` runs only those whose name contains "01".
import * as Fs from "node:fs"
import * as Path from "node:path"
import { run } from "./run.mjs"

const folder = Path.resolve(import.meta.dirname, "..", "examples")
const wanted = process.argv[2] ?? ""
const names = Fs.existsSync(folder)
  ? Fs.readdirSync(folder).filter((name) => name.endsWith(".ts") && name.includes(wanted)).sort()
  : []

let failed = 0
for (const name of names) {
  const { failure, output, seconds } = await run(Path.join(folder, name), 60)
  if (failure === undefined) {
    console.log(`ok    examples/${name}  ${seconds.toFixed(1)} s`)
  } else {
    failed++
    console.log(`FAIL  examples/${name}  ${failure}\n${output}`)
  }
}
console.log(`examples: ${names.length} ran, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
