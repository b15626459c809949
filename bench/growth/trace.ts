/**
 * The CPU time of a span when many share one trace. Argument: the largest number of spans in a trace. All subjects make
 * the same total number of spans, and the event loop turns after every 1,000 spans, so that delivery takes place.
 */
import { Effect, ManagedRuntime } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { withSpan, withTrace } from "../../src/Span.ts"
import { say } from "../child.ts"
import type { Figure, Subject } from "../compare.ts"
import { compare } from "../compare.ts"

/** The result of this program: the figures' names are the numbers of spans. */
export type Found = ReadonlyArray<Figure>

const runtime = ManagedRuntime.make(
  ObservabilityService.layer({ providers: [{ name: "taking", write: () => Effect.void }] })
)
const service = await runtime.runPromise(ObservabilityService)

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const spansPerTurn = 1_000

const settled = Effect.flatMap(service.flush(), (receipt) => {
  const { accepted, written } = receipt["taking"]!
  return written === accepted ? Effect.void : Effect.dieMessage(`${written} of ${accepted} records were written`)
})

const step = Effect.void.pipe(withSpan("step"))

const oneTrace = (spans: number) =>
  Effect.gen(function*() {
    for (let made = 0; made < spans; made++) {
      yield* step
      if (made % spansPerTurn === spansPerTurn - 1) yield* turn
    }
  }).pipe(withTrace("bench"))

const subject = (size: number): Subject => ({
  name: String(size),
  run: (count) =>
    runtime.runPromise(Effect.gen(function*() {
      for (let made = 0; made < count; made += size) yield* oneTrace(Math.min(size, count))
      yield* settled
    }))
})

const most = Number(process.argv[2])
const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= most)

say(await compare(sizes.map(subject), { count: most, rounds: most > 100_000 ? 5 : 2 }) satisfies Found)
