/**
 * Measures the calls of `subjects.ts`, for `llm.bench.ts`. Arguments: `quick` or `full`, and the addresses of Langfuse,
 * of a collector, and of PostgreSQL.
 */
import { say } from "../child.ts"
import type { Figure, Subject } from "../compare.ts"
import { compare } from "../compare.ts"
import type { Logger } from "./subjects.ts"
import { langfuse, langfuseOtel, otel, otelSent, ours, oursStored } from "./subjects.ts"

/**
 * The caller's own time per call in microseconds: percentiles of each round, minus the median of the same measurement
 * of an empty call.
 */
export interface CallerTime {
  readonly name: string
  readonly p50: ReadonlyArray<number>
  readonly p99: ReadonlyArray<number>
}

/** The result of this program. */
export interface Found {
  readonly callers: ReadonlyArray<CallerTime>
  /** CPU time of the whole process, delivery included. */
  readonly spans: ReadonlyArray<Figure>
  /** The same, delivered to a server: this library's calls to PostgreSQL, OpenTelemetry's to a collector. */
  readonly sent: ReadonlyArray<Figure>
  /** The same with `langfuse`, in separate rounds with fewer calls, because it takes so long. */
  readonly events: ReadonlyArray<Figure>
}

/** Lets the event loop turn, so that delivery takes place. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const callsPerTurn = 100

const subject = ({ logMany, name, settle }: Logger): Subject => ({
  name,
  run: async (count) => {
    for (let done = 0; done < count; done += callsPerTurn) {
      logMany(callsPerTurn)
      await turn()
    }
    await settle()
  }
})

/** Microseconds of each of `count` calls, the shortest first. */
const sorted = async (count: number, act: (call: number) => void): Promise<Float64Array> => {
  const times = new Float64Array(count)
  for (let call = 0; call < count; call++) {
    const before = performance.now()
    act(call)
    times[call] = (performance.now() - before) * 1_000
    if (call % callsPerTurn === callsPerTurn - 1) await turn()
  }
  return times.sort()
}

const percentile = (times: Float64Array, share: number): number => times[Math.floor((times.length - 1) * share)]!

const callers = async (
  loggers: ReadonlyArray<Logger>,
  { count, rounds }: { readonly count: number; readonly rounds: number }
): Promise<ReadonlyArray<CallerTime>> => {
  const times = loggers.map(({ name }) => ({ name, p50: new Array<number>(), p99: new Array<number>() }))
  // the first round warms up the compiler
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { log, settle }] of loggers.entries()) {
      const base = percentile(await sorted(count, () => {}), 0.5)
      const found = await sorted(count, log)
      await settle()
      if (round === 0) continue
      times[index]!.p50.push(percentile(found, 0.5) - base)
      times[index]!.p99.push(percentile(found, 0.99) - base)
    }
  }
  return times
}

const [, , size, address, collector, database] = process.argv
const quick = size === "quick"
const library = await ours()
const others = [otel(), langfuseOtel()]
const slow = langfuse(address!)
const stored = await oursStored(database!)
const collected = otelSent(collector!)

const found: Found = {
  callers: [
    ...await callers([library, ...others], quick ? { count: 3_000, rounds: 3 } : { count: 10_000, rounds: 9 }),
    ...await callers([slow], quick ? { count: 500, rounds: 3 } : { count: 1_000, rounds: 7 })
  ],
  spans: await compare(
    [library, ...others].map(subject),
    quick ? { count: 10_000, rounds: 3 } : { count: 50_000, rounds: 9 }
  ),
  sent: await compare(
    [stored, collected].map(subject),
    quick ? { count: 4_000, rounds: 3 } : { count: 10_000, rounds: 9 }
  ),
  events: await compare([library, slow].map(subject), quick ? { count: 500, rounds: 3 } : { count: 1_000, rounds: 7 })
}

// all calls must have arrived: dropped ones cost little, and their delivery would not have been measured
for (const { balance, name } of [library, ...others, stored, collected, slow]) {
  const { arrived, logged } = await balance()
  if (arrived !== logged) throw new Error(`${name}: ${arrived} of ${logged} calls arrived`)
}
say(found)
