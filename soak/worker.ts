/**
 * An application under load until a signal, or its last call, ends it: `worker.ts <WorkerOptions as JSON>`. It says how it
 * stands on file descriptor 3, at once, so that nothing of that is lost with the process.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Duration, Effect, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import { writeSync } from "node:fs"
import { EventLoopWatch } from "../bench/eventLoop.ts"
import type * as Delivery from "../src/Delivery.ts"
import type { Service } from "../src/ObservabilityService.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import * as PgProvider from "../src/PgProvider.ts"

export interface WorkerOptions {
  readonly worker: number
  readonly url: string
  readonly spoolDirectory: string | undefined
  /** Calls per second. */
  readonly rate: number
  /** How many calls it makes. Default: it goes on until a signal comes. */
  readonly total?: number | undefined
}

/** What the library has said about the calls 1 to `last`: all of them are settled, and this became of those not written. */
export interface Settled {
  readonly last: number
  readonly spooled: number
  readonly dropped: number
  readonly rejected: number
}

export interface Strain {
  readonly residentBytes: number
  /** How long the event loop was held at a time, at most. */
  readonly heldMillis: number
  /** The same with the time in which the thread waited for a processor. */
  readonly elapsedMillis: number
}

export type WorkerSaid =
  | { readonly _tag: "Standing"; readonly recorded: number; readonly settled: Settled; readonly strain: Strain }
  /** Its layer is closed: all that it recorded is settled. */
  | { readonly _tag: "Closed"; readonly settled: Settled; readonly strain: Strain }

const { rate, spoolDirectory, total = Number.POSITIVE_INFINITY, url, worker }: WorkerOptions = JSON.parse(
  process.argv[2]!
)

const say = (said: WorkerSaid): void => void writeSync(3, `${JSON.stringify(said)}\n`)

let watch: EventLoopWatch | undefined

/** What it costs to load, to connect and to compile is not what it costs to run. */
const watchWhenWarm = Effect.delay(Effect.sync(() => watch = new EventLoopWatch()), "2 seconds")

/** Since the last time. */
const strain = (): Strain => {
  const gaps = watch?.take() ?? []
  return {
    residentBytes: process.memoryUsage().rss,
    heldMillis: Math.max(0, ...gaps.map(({ held }) => held)),
    elapsedMillis: Math.max(0, ...gaps.map(({ elapsed }) => elapsed))
  }
}

let recorded = 0
let settled: Settled = { last: 0, spooled: 0, dropped: 0, rejected: 0 }

/** 2.5 KB that no other text shares its memory with. */
const text = () => randomBytes(1_900).toString("base64")

const record = (service: Service) =>
  service.logLlmCall(undefined, {
    model: "gpt-4o",
    input: text(),
    output: text(),
    promptTokens: 500,
    completionTokens: 500,
    attributes: { worker, number: ++recorded }
  })

/** Makes the calls that are due by the clock: an application does not slow down because its database is away. */
const load = (service: Service) =>
  Effect.gen(function*() {
    const start = performance.now()
    while (recorded < total) {
      const due = Math.min(total, (performance.now() - start) / 1_000 * rate)
      while (recorded < due) yield* record(service)
      yield* Effect.sleep("5 millis")
    }
  })

/** The records of calls among those given up: every call is a span, and the only one of its trace. */
const callsIn = ({ droppedByReason }: Delivery.Stats) =>
  (droppedByReason["Span/budget"] ?? 0) + (droppedByReason["Span/closed"] ?? 0)

const statsOf = (service: Service) => Effect.map(service.stats, ({ providers }) => providers["postgres"]!)

const flushTimeout = Duration.seconds(2)

/**
 * A flush that returned in time has settled all calls before it. Those that were dropped are known exactly only when none
 * was dropped meanwhile: it may have been a later one.
 */
const settle = (service: Service) =>
  Effect.gen(function*() {
    const last = recorded
    const before = yield* statsOf(service)
    const start = performance.now()
    yield* service.flush({ timeout: flushTimeout })
    if (performance.now() - start >= Duration.toMillis(flushTimeout)) return
    const after = yield* statsOf(service)
    if (after.dropped !== before.dropped || after.rejected !== before.rejected) return
    settled = { last, spooled: after.spooled, dropped: callsIn(after), rejected: after.rejected }
  })

const standing = Effect.sync(() => say({ _tag: "Standing", recorded, settled, strain: strain() }))

let service: Service | undefined

const application = Effect.gen(function*() {
  const postgres = yield* PgProvider.make({ url: Redacted.make(url) })
  service = yield* ObservabilityService.make({ providers: [postgres], delivery: { spoolDirectory } })
  const every = (pause: Duration.DurationInput, self: Effect.Effect<void>) =>
    Effect.forever(Effect.zipRight(self, Effect.sleep(pause)))
  yield* Effect.raceFirst(
    load(service),
    Effect.all([every("50 millis", settle(service)), every("20 millis", standing), watchWhenWarm], {
      concurrency: "unbounded"
    })
  )
  // as long as the outage may last that the end falls into
  yield* service.flush({ timeout: "60 seconds" })
})

const closed = Effect.gen(function*() {
  if (service === undefined) return
  const stats = yield* statsOf(service)
  say({
    _tag: "Closed",
    settled: { last: recorded, spooled: stats.spooled, dropped: callsIn(stats), rejected: stats.rejected },
    strain: strain()
  })
})

NodeRuntime.runMain(application.pipe(Effect.scoped, Effect.ensuring(closed)), { disableErrorReporting: true })
