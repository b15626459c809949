/**
 * `npm run bench [-- --quick]`: measures, prints a table, and saves the figures in `bench/results`.
 * `npm run bench -- --only span,pg`: runs only these benchmarks, and saves nothing, since a part is no result.
 */
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { Result } from "./report.ts"
import { save, table } from "./report.ts"
import { versions } from "./versions.ts"

const { values: { only, quick } } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } }
})

const suites: ReadonlyArray<
  readonly [name: string, load: () => Promise<(quick: boolean) => Promise<ReadonlyArray<Result>>>]
> = [
  ["span", async () => (await import("./span.bench.ts")).spanBench],
  ["pg", async () => (await import("./pg.bench.ts")).pgBench],
  ["llm", async () => (await import("./llm.bench.ts")).llmBench],
  ["stall", async () => (await import("./stall.bench.ts")).stallBench],
  ["start", async () => (await import("./start.bench.ts")).startBench],
  ["growth", async () => (await import("./growth.bench.ts")).growthBench],
  ["memory", async () => (await import("./memory.bench.ts")).memoryBench]
]

const wanted = only?.split(",") ?? suites.map(([name]) => name)
const unknown = wanted.filter((name) => !suites.some(([known]) => known === name))
if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(", ")}`)

const results: Array<Result> = []
for (const [name, load] of suites.filter(([each]) => wanted.includes(each))) {
  const begin = performance.now()
  for (const found of await (await load())(quick)) results.push(found)
  console.log(`${name}: ${((performance.now() - begin) / 1_000).toFixed(0)} s`)
}
console.log(`\n${table(results)}\n`)
if (only === undefined) save(join(process.cwd(), "bench", "results"), results, { quick, versions: await versions() })
const missed = results.filter(({ ok }) => ok === false).length
console.log(missed === 0 ? "all bars met" : `${missed} bars MISSED`)
