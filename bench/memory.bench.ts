/**
 * The library's memory and CPU time in a program that makes 1,000 spans a second, each with 5,000 characters: while
 * PostgreSQL is available, and while it refuses every connection. Compared with the same program without the library,
 * in processes that run at the same time.
 */
import { Effect, Redacted } from "effect"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { answer } from "./child.ts"
import { median } from "./compare.ts"
import type { Found } from "./memory/load.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"

/** An address where nothing listens: every attempt to connect is refused. */
const refusing = "postgres://bench@127.0.0.1:1/nowhere"

const mebibyte = 1024 * 1024

/** The default of `queueBytes`, in MiB. */
const budget = 64

const growth = ({ resident }: Found): number => (Math.max(...resident) - resident[0]!) / mebibyte

/** The memory in the last third of the run relative to the second third, in which everything has reached its size. */
const lastThird = ({ resident }: Found): number => {
  const third = Math.floor(resident.length / 3)
  return median(resident.slice(-third)) / median(resident.slice(-2 * third, -third))
}

/** The slope of the least-squares line through all samples but the first third; MiB per minute. */
const slope = ({ resident }: Found): number => {
  const values = resident.slice(Math.floor(resident.length / 3))
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let above = 0
  let below = 0
  for (const [index, value] of values.entries()) {
    above += (index - middle) * (value - mean)
    below += (index - middle) ** 2
  }
  return above / below * samplesPerMinute / mebibyte
}

const samplesPerMinute = 600

export const memoryBench = (quick: boolean): Promise<ReadonlyArray<Result>> =>
  Effect.gen(function*() {
    const { url } = yield* EmbeddedPostgres.make({ durable: true })
    const seconds = String(quick ? 8 : 60)
    const load = (address?: string) =>
      Effect.promise(() => answer<Found>("memory/load", { args: [seconds, ...address === undefined ? [] : [address]] }))
    const round = Effect.all({
      without: load(),
      there: load(Redacted.value(url)),
      refused: load(refusing)
    }, { concurrency: "unbounded" })
    const rounds = yield* Effect.replicateEffect(round, quick ? 1 : 5)
    for (const { there, refused } of rounds) {
      if (there.written !== there.accepted) {
        return yield* Effect.dieMessage(
          `PostgreSQL got ${there.written} of ${there.accepted}, ${there.dropped} were dropped`
        )
      }
      if (refused.dropped === 0) return yield* Effect.dieMessage("the budget was not reached")
    }
    const of = (way: "without" | "there" | "refused", figure: (found: Found) => number): Array<number> =>
      rounds.map((each) => figure(each[way]))
    const memory = (
      name: string,
      values: ReadonlyArray<number>,
      unit: string,
      bar: number | undefined,
      peers: Result["peers"]
    ): Result =>
      result({
        name,
        value: median(values),
        unit,
        bar: bar === undefined ? undefined : { kind: "at most", value: bar },
        min: Math.min(...values),
        max: Math.max(...values),
        peers
      })
    return [
      memory("memory, 1,000 spans/s: last third", of("there", lastThird), "of the second", 1.05, {
        "without the library": median(of("without", lastThird)),
        "MiB a minute": median(of("there", slope)),
        "without the library, MiB a minute": median(of("without", slope)),
        "growth, MiB": median(of("there", growth)),
        "without the library, growth, MiB": median(of("without", growth))
      }),
      memory("memory, no server: growth", of("refused", growth), "MiB", budget, {
        "without the library": median(of("without", growth)),
        budget
      }),
      memory("memory, no server: held", of("refused", ({ held }) => held / mebibyte), "MiB", budget, {
        "without the library": median(of("without", ({ held }) => held / mebibyte)),
        "believed": median(of("refused", ({ pending }) => pending / mebibyte)),
        budget
      }),
      memory(
        "memory, no server: CPU",
        rounds.map(({ refused, there }) => refused.cpuMicros / there.cpuMicros),
        "of with PostgreSQL there",
        1,
        {
          "µs": median(of("refused", ({ cpuMicros }) => cpuMicros)),
          "µs of that": median(of("there", ({ cpuMicros }) => cpuMicros)),
          "µs without the library": median(of("without", ({ cpuMicros }) => cpuMicros))
        }
      ),
      memory("memory, no server: last third", of("refused", lastThird), "of the second", undefined, {
        "MiB a minute": median(of("refused", slope))
      })
    ]
  }).pipe(Effect.scoped, Effect.runPromise)
