/**
 * Whether the cost of a span stays the same as other things grow: spans in one trace, open spans, spans that the
 * process has made, rows in the table. Each figure is the cost at the last point of a curve divided by the cost at the
 * first; the curve is given beside it.
 */
import { Effect } from "effect"
import { answer } from "./child.ts"
import type { Figure } from "./compare.ts"
import { median } from "./compare.ts"
import { tableGrowth } from "./growth/table.ts"
import type { Found } from "./growth/trace.ts"
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

/** The points of a curve, from rounds that each measured all points. */
const points = (
  names: ReadonlyArray<number>,
  rounds: ReadonlyArray<ReadonlyArray<number>>
): ReadonlyArray<Figure> =>
  names.map((name, index) => {
    const times = rounds.map((round) => round[index]!)
    return { name: String(name), median: median(times), min: Math.min(...times), max: Math.max(...times), bytes: 0 }
  })

export const growthBench = async (quick: boolean): Promise<ReadonlyArray<Result>> => {
  const spans = quick ? 100_000 : 1_000_000
  const rounds = quick ? 1 : 5
  const sizes = [1_000, 10_000, 100_000, 1_000_000, 10_000_000]
  const openSizes = sizes.slice(0, quick ? 3 : 4)
  const ages = Array.from({ length: 10 }, (_, tenth) => spans / 10 * (tenth + 1))
  const open: Array<ReadonlyArray<number>> = []
  const lives: Array<ReadonlyArray<number>> = []
  for (let round = 0; round < rounds; round++) {
    const times: Array<number> = []
    for (const size of openSizes) times.push(await answer("growth/open", { args: [String(size)] }))
    open.push(times)
    lives.push(await answer("growth/process", { args: [String(spans)] }))
  }
  return [
    curve("spans in one trace", await answer<Found>("growth/trace", { args: [String(spans)] })),
    curve("open spans", points(openSizes, open)),
    curve("spans of a process", points(ages, lives)),
    curve("rows in the table", await Effect.runPromise(tableGrowth(sizes.slice(0, quick ? 3 : 5), rounds)))
  ]
}
