/**
 * Faults under load, for as long as one likes, and a balance in the end:
 *
 *     npm run soak -- --seconds 600 [--rate 200] [--spool DIR]   faults at random; DIR defaults to a temporary folder
 *     npm run soak -- --scenario outage-200           200 calls/s for 30 s, no server for the first 20 s, memory alone
 *     npm run soak -- --scenario outage-1000-spool    1,000 calls/s for 30 s, no server for the first 20 s, with a spool
 *
 * The last line is `sent=… stored=… spooled=… dropped=… rejected=… unexplained=…`; `ledger.ts` says what it proves. The
 * exit status is 1 when `unexplained` is not 0, or nothing was sent.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Random, Redacted, Scope } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import * as PgProvider from "../src/PgProvider.ts"
import { strike } from "./faults.ts"
import { balance } from "./ledger.ts"
import type { Strain } from "./worker.ts"
import type { Worker } from "./workers.ts"
import { start } from "./workers.ts"

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    rate: { type: "string", default: "200" },
    spool: { type: "string" },
    scenario: { type: "string", default: "faults" }
  }
})

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "effect-observability-soak-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const workersAtATime = 2

const say = (line: string) => Effect.sync(() => console.log(line))

/** Load on two processes, and one fault after the other. */
const faults = (
  server: EmbeddedPostgres.ServerControl,
  url: string,
  options: { readonly seconds: number; readonly rate: number; readonly spoolDirectory: string }
) =>
  Effect.gen(function*() {
    const all: Array<Worker> = []
    const begin = Effect.gen(function*() {
      const worker = yield* start({
        worker: all.length + 1,
        url,
        spoolDirectory: options.spoolDirectory,
        rate: options.rate / workersAtATime
      })
      all.push(worker)
      return worker
    })
    let running = yield* Effect.replicateEffect(begin, workersAtATime)
    const scope = yield* Effect.scope
    const replace = (signal: "SIGKILL" | "SIGTERM") =>
      Effect.gen(function*() {
        const [oldest, ...others] = running
        yield* oldest!.signal(signal)
        yield* oldest!.ended
        running = [...others, yield* begin]
      }).pipe(Scope.extend(scope))
    const until = performance.now() + options.seconds * 1_000
    while (performance.now() < until) {
      yield* Effect.sleep(yield* Random.nextIntBetween(500, 2_500))
      const fault = yield* strike({ server, replace })
      yield* say(`${Math.round((until - performance.now()) / 1_000)} s to go: ${fault}`)
    }
    yield* Effect.forEach(running, (worker) => Effect.zipRight(worker.signal("SIGTERM"), worker.ended), {
      concurrency: "unbounded"
    })
    return all
  })

/** No server for the first 20 of 30 seconds. */
const outage = (
  server: EmbeddedPostgres.ServerControl,
  url: string,
  options: { readonly rate: number; readonly spoolDirectory: string | undefined }
) =>
  Effect.gen(function*() {
    yield* server.stop
    const worker = yield* start({ worker: 1, url, total: options.rate * 30, ...options })
    yield* Effect.sleep("20 seconds")
    yield* server.start
    yield* worker.ended
    return [worker]
  })

/** Delivers what all processes have left on the disk. */
const collect = (url: Redacted.Redacted, spoolDirectory: string | undefined) =>
  Effect.gen(function*() {
    const postgres = yield* PgProvider.make({ url })
    const service = yield* ObservabilityService.make({ providers: [postgres], delivery: { spoolDirectory } })
    const stats = Effect.map(service.stats, ({ providers }) => providers["postgres"]!)
    if (spoolDirectory === undefined) return yield* stats
    // The first look at the folder takes a moment; from then on there is something on the disk until all is written.
    yield* Effect.sleep("1 second")
    return yield* Effect.repeat(Effect.delay(stats, "100 millis"), {
      until: ({ pending, spooled }) => pending + spooled === 0
    }).pipe(
      Effect.timeoutTo({ duration: "2 minutes", onTimeout: () => stats, onSuccess: Effect.succeed }),
      Effect.flatten
    )
  }).pipe(Effect.scoped)

const strains = (workers: ReadonlyArray<Worker>) => {
  const all = workers.filter((worker) => worker.strains.length > 0)
  const growth = all.map(({ strains }) =>
    Math.max(...strains.map(({ residentBytes }) => residentBytes)) - strains[0]!.residentBytes
  )
  const longest = (of: (strain: Strain) => number): number =>
    Math.round(Math.max(...all.flatMap((worker) => worker.strains.map(of))))
  return `resident memory grew by ${Math.round(Math.max(...growth) / 1024 / 1024)} MiB at most; ` +
    `an event loop was held for ${longest(({ heldMillis }) => heldMillis)} ms at a time at most ` +
    `(${longest(({ elapsedMillis }) => elapsedMillis)} ms with waiting for a processor)`
}

const scenarios: Readonly<
  Record<
    string,
    (server: EmbeddedPostgres.ServerControl, url: string, spool: string) => {
      readonly run: Effect.Effect<ReadonlyArray<Worker>, unknown, Scope.Scope>
      readonly spoolDirectory: string | undefined
    }
  >
> = {
  "faults": (server, url, spoolDirectory) => ({
    run: faults(server, url, { seconds: Number(values.seconds), rate: Number(values.rate), spoolDirectory }),
    spoolDirectory
  }),
  "outage-200": (server, url) => ({
    run: outage(server, url, { rate: 200, spoolDirectory: undefined }),
    spoolDirectory: undefined
  }),
  "outage-1000-spool": (server, url, spoolDirectory) => ({
    run: outage(server, url, { rate: 1_000, spoolDirectory }),
    spoolDirectory
  })
}

const program = Effect.gen(function*() {
  const scenario = scenarios[values.scenario]
  if (scenario === undefined) {
    return yield* Effect.dieMessage(`unknown scenario ${values.scenario}: ${Object.keys(scenarios).join(", ")}`)
  }
  // A killed server must have all that it had confirmed, or its loss would be taken for the library's.
  const { server, url } = yield* EmbeddedPostgres.make()
  const { run, spoolDirectory } = scenario(server, Redacted.value(url), values.spool ?? (yield* temporaryFolder))
  const workers = yield* run
  const { diedUnanswered, ...account } = yield* balance(workers, url, yield* collect(url, spoolDirectory))
  yield* say(strains(workers))
  yield* say(`${workers.length} processes; ${diedUnanswered} calls died with the memory of a killed one, unanswered`)
  yield* say(Object.entries(account).map(([name, count]) => `${name}=${count}`).join(" "))
  // a balance over nothing proves nothing
  if (account.unexplained !== 0 || account.sent === 0) yield* Effect.sync(() => (process.exitCode = 1))
})

NodeRuntime.runMain(Effect.scoped(program))
