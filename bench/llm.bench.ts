/**
 * The cost of logging a model call with 5 KB of input and 5 KB of output: the time that the caller is blocked, and the
 * CPU time of the whole process, delivery included.
 */
import { Effect, Redacted } from "effect"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { answer, start } from "./child.ts"
import { median } from "./compare.ts"
import type { CallerTime, Found } from "./llm/calls.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"

/** Starts the servers in their own processes, outside of the process whose CPU time is measured. */
const measured = async (size: "quick" | "full", database: string): Promise<Found> => {
  const servers = await Promise.all([start<string>("llm/ingestion"), start<string>("llm/collector")])
  const addresses = servers.map(({ message }) => message)
  return answer<Found>("llm/calls", { args: [size, ...addresses, database] }).finally(() => {
    for (const server of servers) server.process.kill()
  })
}

const withPostgres = <A>(use: (url: string) => Promise<A>): Promise<A> =>
  EmbeddedPostgres.make({ durable: true }).pipe(
    Effect.flatMap(({ url }) => Effect.promise(() => use(Redacted.value(url)))),
    Effect.scoped,
    Effect.runPromise
  )

export const llmBench = async (quick: boolean): Promise<ReadonlyArray<Result>> => {
  const { callers, events, sent, spans } = await withPostgres((url) => measured(quick ? "quick" : "full", url))

  const [own, ...others] = callers as [CallerTime, ...Array<CallerTime>]
  const caller = (percentile: "p50" | "p99", bar: number): Result =>
    result({
      name: `${own.name}: caller's time, ${percentile}`,
      value: median(own[percentile]),
      unit: "µs",
      bar: { kind: "at most", value: bar },
      min: Math.min(...own[percentile]),
      max: Math.max(...own[percentile]),
      peers: Object.fromEntries(others.map((other) => [other.name, median(other[percentile])]))
    })
  const cpu = (figures: Found["spans"], name: string, bar: number | undefined): Result => {
    const [ours] = figures
    const other = figures.find((figure) => figure.name === name)!
    return result({
      name: `${own.name}: CPU with delivery`,
      value: ours!.median / other.median,
      unit: `of ${name}`,
      bar: bar === undefined ? undefined : { kind: "at most", value: bar },
      min: ours!.min / other.median,
      max: ours!.max / other.median,
      peers: { "µs": ours!.median, "µs of that": other.median }
    })
  }
  return [
    caller("p50", 10),
    caller("p99", 100),
    // The bar is for real delivery. To an exporter that does nothing, OpenTelemetry only hands over objects.
    cpu(spans, "OpenTelemetry JS", undefined),
    cpu(spans, "@langfuse/otel", undefined),
    cpu(sent, "OpenTelemetry JS over OTLP", 1),
    cpu(events, "langfuse", undefined)
  ]
}
