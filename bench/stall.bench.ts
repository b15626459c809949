/**
 * How long the event loop is blocked at a time while prompts of 1 MB are logged. Compared with a program that makes the
 * same prompts and logs nothing, whose stalls come from the machine and the garbage collector, and with OpenTelemetry
 * JS with an exporter that turns its batches into JSON.
 */
import { Effect, Redacted } from "effect"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { answer, start } from "./child.ts"
import { median } from "./compare.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"
import type { Found, Way } from "./stall/prompts.ts"

const ways: ReadonlyArray<Way> = ["nothing", "taken", "postgres", "ingestion", "otlp", "otel"]

/** Starts a server that accepts everything, in its own process, and returns its address without a path. */
const taker = (program: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => start<string>(program)),
      (server) => Effect.sync(() => server.process.kill())
    ),
    ({ message }) => new URL(message).origin
  )

export const stallBench = (quick: boolean): Promise<ReadonlyArray<Result>> =>
  Effect.gen(function*() {
    const { url } = yield* EmbeddedPostgres.make({ durable: true })
    const addresses: Partial<Record<Way, string>> = {
      postgres: Redacted.value(url),
      ingestion: yield* taker("llm/ingestion"),
      otlp: yield* taker("llm/collector")
    }
    const seconds = quick ? 0.7 : 5
    const found: Record<Way, Array<Found>> = {
      nothing: [],
      taken: [],
      postgres: [],
      ingestion: [],
      otlp: [],
      otel: []
    }
    for (let round = 0; round < (quick ? 1 : 5); round++) {
      for (const way of ways) {
        const args = [way, String(seconds), addresses[way] ?? ""]
        found[way].push(yield* Effect.promise(() => answer<Found>("stall/prompts", { args })))
      }
    }
    const of = (way: Way, figure: keyof Found): Array<number> => found[way].map((run) => run[figure])
    const stall = (name: string, way: Way, figure: "p999" | "max" | "elapsed", bar: number | undefined): Result => {
      const worst = found[way].reduce((left, right) => right.max > left.max ? right : left)
      return result({
        name,
        value: median(of(way, figure)),
        unit: "ms",
        bar: bar === undefined ? undefined : { kind: "at most", value: bar },
        min: Math.min(...of(way, figure)),
        max: Math.max(...of(way, figure)),
        peers: {
          "without the library": median(of("nothing", figure)),
          "OpenTelemetry JS": median(of("otel", figure)),
          prompts: median(of(way, "made")),
          missing: Math.max(...of(way, "missing")),
          "of the longest, the thread ran": worst.maxRan,
          "of the longest, garbage was collected": worst.maxCollected
        }
      })
    }
    return [
      stall("stall, 1 MB prompts: longest", "taken", "max", 10),
      stall("stall, 1 MB prompts: p99.9", "taken", "p999", undefined),
      stall("stall, 1 MB prompts: longest, with the program's own work", "taken", "elapsed", undefined),
      stall("stall, 1 MB prompts to PostgreSQL: longest", "postgres", "max", 10),
      stall("stall, 1 MB prompts to PostgreSQL: p99.9", "postgres", "p999", undefined),
      stall(
        "stall, 1 MB prompts to PostgreSQL: longest, with the program's own work",
        "postgres",
        "elapsed",
        undefined
      ),
      stall("stall, 1 MB prompts to Langfuse, ingestion: longest", "ingestion", "max", 10),
      stall("stall, 1 MB prompts to Langfuse, OTLP: longest", "otlp", "max", 10)
    ]
  }).pipe(Effect.scoped, Effect.runPromise)
