/**
 * Whether a span costs the same however much there is already: spans in one trace, spans that are open, spans that the
 * process has made, rows in the table. Each figure is what the last point of a curve costs next to the first; the curve
 * stands beside it.
 */
import { Effect } from "effect"
import { answer } from "./child.ts"
import type { Figure } from "./compare.ts"
import { median } from "./compare.ts"
import type { Found } from "./growth/spans.ts"
import { tableGrowth } from "./growth/table.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"

const bar = { kind: "at most", value: 1.3 } as const

const curve = (name: string, figures: ReadonlyArray<Figure>): Result => {
  const first = figures[0]!
  const last = figures[figures.length - 1]!
  return result({
    name: `growth: ${name}`,
    value: last.median / first.median,
    unit: `at ${last.name} of at ${first.name}`,
    bar,
    min: last.min / first.median,
    max: last.max / first.median,
    peers: Object.fromEntries(figures.map((figure) => [`µs at ${figure.name}`, figure.median]))
  })
}

/** The tenths of a process's life, over several processes. */
const life = (spans: number, runs: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<Figure> =>
  runs[0]!.map((_, part) => {
    const times = runs.map((run) => run[part]!)
    return {
      name: String(spans / 10 * (part + 1)),
      median: median(times),
      min: Math.min(...times),
      max: Math.max(...times),
      bytes: 0
    }
  })

export const growthBench = async (quick: boolean): Promise<ReadonlyArray<Result>> => {
  const spans = quick ? 100_000 : 1_000_000
  const rounds = quick ? 3 : 5
  const { open, trace } = await answer<Found>("growth/spans", { args: [String(spans)] })
  const lives: Array<ReadonlyArray<number>> = []
  for (let run = 0; run < rounds; run++) lives.push(await answer("growth/process", { args: [String(spans)] }))
  const sizes = [1_000, 10_000, 100_000, 1_000_000, 10_000_000].slice(0, quick ? 3 : 5)
  return [
    curve("spans in one trace", trace),
    curve("spans open at once", open),
    curve("spans of a process", life(spans, lives)),
    curve("rows in the table", await Effect.runPromise(tableGrowth(sizes, rounds)))
  ]
}
