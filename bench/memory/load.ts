/**
 * A program that measures its own memory under load: 1,000 spans a second, each with 5,000 characters of text and in a
 * fiber of its own. Arguments: the duration in seconds, and the address of PostgreSQL; without an address, nothing is
 * recorded.
 */
import { Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { withSpan, withTrace } from "../../src/Span.ts"
import { say } from "../child.ts"

/** The result of this program; memory is in bytes. */
export interface Found {
  /** Resident memory, ten times a second. */
  readonly resident: ReadonlyArray<number>
  /** The memory that the load left behind, after a garbage collection. */
  readonly held: number
  /** The memory that the library believes to hold. */
  readonly pending: number
  /** CPU time of the process while it was under load, in microseconds per span. */
  readonly cpuMicros: number
  readonly accepted: number
  readonly dropped: number
  readonly written: number
}

const [, , seconds, url] = process.argv

const perSecond = 1_000

const runtime = ManagedRuntime.make(
  url === undefined
    ? ObservabilityService.layerNoop
    : Layer.unwrapScoped(
      // all other options at their defaults, including the byte budget
      Effect.map(
        PgProvider.make({ url: Redacted.make(url) }),
        (postgres) => ObservabilityService.layer({ providers: [postgres] })
      )
    )
)

/**
 * A text that shares its memory with no other text, and takes two bytes per character. The library assumes two bytes,
 * and a single curly quotation mark makes them necessary.
 */
const text = (): string => Buffer.from(`${randomBytes(3_747).toString("base64")}’…””`).toString()

const request = Effect.suspend(() =>
  Effect.yieldNow().pipe(withSpan("retrieve", { input: text() }), withTrace("answer"))
)

/** Starts the requests that are due by the clock: an application does not slow down because its database is away. */
const load = Effect.gen(function*() {
  const begin = performance.now()
  const total = Number(seconds) * perSecond
  for (let made = 0; made < total;) {
    const due = Math.min(total, (performance.now() - begin) / 1_000 * perSecond)
    for (; made < due; made++) yield* Effect.fork(request)
    yield* Effect.sleep("5 millis")
  }
})

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const held = (): number => {
  collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const postgres = Effect.map(
  Effect.flatMap(ObservabilityService, (service) => service.stats),
  ({ providers }) => providers["postgres"]
)
const flush = Effect.flatMap(ObservabilityService, (service) => service.flush())

// warms up the compiler, and lets PostgreSQL be prepared
await runtime.runPromise(Effect.zipRight(Effect.replicateEffect(request, 1_000), Effect.sleep("1 second")))
const before = held()
const resident = [process.memoryUsage.rss()]
const samples = setInterval(() => resident.push(process.memoryUsage.rss()), 100)
const cpuBefore = process.cpuUsage()
await runtime.runPromise(load)
const { system, user } = process.cpuUsage(cpuBefore)
clearInterval(samples)
const after = held()
const account = await runtime.runPromise(postgres)
// if records were dropped, the remaining ones will not be written either
if (account?.dropped === 0) await runtime.runPromise(flush)
const { accepted = 0, dropped = 0, written = 0 } = await runtime.runPromise(postgres) ?? {}

say(
  {
    resident,
    held: after - before,
    pending: account?.pendingBytes ?? 0,
    cpuMicros: (system + user) / (Number(seconds) * perSecond),
    accepted,
    dropped,
    written
  } satisfies Found
)
