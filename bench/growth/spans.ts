/**
 * What a span costs in CPU time when many share one trace, and when many are open at once. Its argument: how many at most.
 * All subjects make as many spans altogether, and the event loop turns after every 1,000 of them, so that delivery takes
 * place.
 */
import { Effect, Exit, ManagedRuntime } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { withSpan, withTrace } from "../../src/Span.ts"
import type { SpanHandle } from "../../src/SpanHandle.ts"
import { say } from "../child.ts"
import type { Figure, Subject } from "../compare.ts"
import { compare } from "../compare.ts"

/** What this program says: the figures' names are the numbers of spans. */
export interface Found {
  readonly trace: ReadonlyArray<Figure>
  readonly open: ReadonlyArray<Figure>
}

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

/** Without a fiber for each, which would take more than the span. */
const openAtOnce = (spans: number) =>
  Effect.gen(function*() {
    const parent = yield* service.startTrace({ name: "bench" })
    const handles: Array<SpanHandle> = []
    for (let made = 0; made < spans; made++) {
      yield* Effect.withFiberRuntime<void>((fiber) => {
        handles.push(service.unsafe.startSpan(fiber, parent, "step", undefined)!)
        return Effect.void
      })
      if (made % spansPerTurn === spansPerTurn - 1) yield* turn
    }
    for (const [ended, handle] of handles.entries()) {
      yield* Effect.withFiberRuntime<void>((fiber) => {
        service.unsafe.endSpan(fiber, handle, Exit.void)
        return Effect.void
      })
      if (ended % spansPerTurn === spansPerTurn - 1) yield* turn
    }
    yield* service.endTrace(parent)
  })

const subject = (size: number, make: (spans: number) => Effect.Effect<void, never, ObservabilityService>): Subject => ({
  name: String(size),
  run: (count) =>
    runtime.runPromise(Effect.gen(function*() {
      for (let made = 0; made < count; made += size) yield* make(Math.min(size, count))
      yield* settled
    }))
})

const most = Number(process.argv[2])
const sizes = [1_000, 10_000, 100_000, 1_000_000].filter((size) => size <= most)
const options = { count: most, rounds: most > 100_000 ? 5 : 3 }

say(
  {
    trace: await compare(sizes.map((size) => subject(size, oneTrace)), options),
    open: await compare(sizes.map((size) => subject(size, openAtOnce)), options)
  } satisfies Found
)
