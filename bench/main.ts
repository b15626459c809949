/** `npm run bench [-- --quick]`: measures, prints a table, and keeps the figures in `bench/results`. */
import { join } from "node:path"
import type { Result } from "./report.ts"
import { save, table } from "./report.ts"

const quick = process.argv.includes("--quick")

const suites: ReadonlyArray<
  readonly [name: string, load: () => Promise<(quick: boolean) => Promise<ReadonlyArray<Result>>>]
> = [
  ["span", async () => (await import("./span.bench.ts")).spanBench],
  ["pg", async () => (await import("./pg.bench.ts")).pgBench]
]

const results: Array<Result> = []
for (const [name, load] of suites) {
  console.log(`${name} ...`)
  for (const found of await (await load())(quick)) results.push(found)
}
console.log(`\n${table(results)}\n`)
save(join(process.cwd(), "bench", "results"), results)
const missed = results.filter(({ ok }) => ok === false).length
console.log(missed === 0 ? "all bars met" : `${missed} bars MISSED`)
