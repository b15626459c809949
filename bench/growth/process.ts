/**
 * The CPU time of a span as a process gets older: traces of ten spans, one after the other. Argument: the number of
 * spans. Reports microseconds per span for each tenth of them.
 */
import { Effect, ManagedRuntime } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { withSpan, withTrace } from "../../src/Span.ts"
import { say } from "../child.ts"

const runtime = ManagedRuntime.make(
  ObservabilityService.layer({ providers: [{ name: "taking", write: () => Effect.void }] })
)
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const step = Effect.void.pipe(withSpan("step"))
const trace = Effect.replicateEffect(step, 10, { discard: true }).pipe(withTrace("bench"))

/** The event loop turns after every 1,000 spans, so that delivery takes place. */
const make = (spans: number) =>
  Effect.replicateEffect(
    Effect.zipRight(Effect.replicateEffect(trace, 100, { discard: true }), turn),
    spans / 1_000,
    { discard: true }
  )

const tenth = Number(process.argv[2]) / 10
// warms up the compiler: a first tenth that included this cost would make all others look good
await runtime.runPromise(make(30_000))
const found: Array<number> = []
for (let part = 0; part < 10; part++) {
  const before = process.cpuUsage()
  await runtime.runPromise(make(tenth))
  const { system, user } = process.cpuUsage(before)
  found.push((user + system) / tenth)
}

say(found)
