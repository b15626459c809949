/**
 * The cost of a span for the traced program: CPU time of the whole process, which includes the delivery, and
 * allocation. Each way is measured beside another one in their own processes, because an application has one tracer. V8
 * compiles the same code differently in each process, so there are several processes, and the median of their ratios
 * counts.
 */
import { Effect, Exit, Scope } from "effect"
import { answer } from "./child.ts"
import { allocated, median } from "./compare.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"
import type { Found } from "./span/pair.ts"
import { programs } from "./span/programs.ts"

export const spanBench = async (quick: boolean): Promise<ReadonlyArray<Result>> => {
  const names = Object.keys(programs)
  const found = new Map(names.map((name) => [name, new Array<Found>()]))
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    for (const name of names) {
      const { beside, flags = [] } = programs[name]!
      if (beside === undefined) continue
      const args = [name, ...(quick ? ["3000", "2"] : ["15000", "4"])]
      found.get(name)!.push(await answer<Found>("span/pair", { args, flags }))
    }
  }

  const bytes: Record<string, number> = {}
  const scope = await Effect.runPromise(Scope.make())
  for (const name of names.filter((each) => programs[each]!.flags === undefined)) {
    const run = await programs[name]!.make(scope)
    await run(quick ? 3_000 : 15_000)
    bytes[name] = await allocated(run)
  }
  await Effect.runPromise(Scope.close(scope, Exit.void))

  const native = "Effect.withSpan"
  const micros = (name: string): ReadonlyArray<number> =>
    [...found].flatMap(([way, runs]) => {
      const { beside, flags } = programs[way]!
      if (way === name) return runs.map(({ own }) => own)
      return beside === name && flags === undefined ? runs.map(({ other }) => other) : []
    })
  const time = (name: string, bar?: number): Result => {
    const ratios = found.get(name)!.map(({ other, own }) => own / other)
    return result({
      name: `${name}: time`,
      value: median(ratios),
      unit: `of ${programs[name]!.beside!}`,
      bar: bar === undefined ? undefined : { kind: "at most", value: bar },
      min: Math.min(...ratios),
      max: Math.max(...ratios),
      peers: {}
    })
  }
  const allocation = bytes["withSpan"]! / bytes[native]!
  return [
    result({
      name: "withSpan: CPU per span",
      value: median(micros("withSpan")),
      unit: "µs",
      bar: undefined,
      min: Math.min(...micros("withSpan")),
      max: Math.max(...micros("withSpan")),
      peers: Object.fromEntries(names.map((name) => [name, median(micros(name))]))
    }),
    time("withSpan", 0.7),
    result({
      name: "withSpan: allocation",
      value: allocation,
      unit: `of ${native}`,
      bar: { kind: "at most", value: 0.5 },
      min: allocation,
      max: allocation,
      peers: Object.fromEntries(Object.entries(bytes).map(([name, each]) => [`${name} B`, each]))
    }),
    time("span", 2),
    time("acquireRelease"),
    time("Effect.withSpan, EffectTracer", 1.1),
    time("Effect.withSpan, EffectTracer, young generation of 64 MiB"),
    time("Effect.withSpan, its tracer set"),
    time("Effect.withSpan, least tracer that keeps spans"),
    time("Effect.withSpan, EffectTracer, ManagedRuntime"),
    time("withSpan, disabled"),
    time("work in withSpan, disabled", 1.05),
    time("@effect/opentelemetry"),
    time("OpenTelemetry JS")
  ]
}
