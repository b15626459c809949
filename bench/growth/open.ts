/**
 * The CPU time of a span while others are open. Argument: the number of other open spans. The measured spans are open
 * at the same time, too: beyond the number that the library remembers, each of them makes it forget one. Reports
 * microseconds per span.
 */
import { Effect, Exit, ManagedRuntime } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { SpanHandle } from "../../src/SpanHandle.ts"
import type { TraceContext } from "../../src/TraceContext.ts"
import { say } from "../child.ts"

const runtime = ManagedRuntime.make(
  ObservabilityService.layer({ providers: [{ name: "taking", write: () => Effect.void }] })
)
const service = await runtime.runPromise(ObservabilityService)

/** The event loop turns after every 1,000 spans, so that delivery takes place. */
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const spansPerTurn = 1_000

/** Opens spans without a fiber for each, which would cost more than the span. */
const open = (parent: TraceContext, spans: number) =>
  Effect.gen(function*() {
    const handles: Array<SpanHandle> = []
    for (let made = 0; made < spans; made++) {
      yield* Effect.withFiberRuntime<void>((fiber) => {
        handles.push(service.unsafe.startSpan(fiber, parent, "step", undefined)!)
        return Effect.void
      })
      if (made % spansPerTurn === 0) yield* turn
    }
    return handles
  })

const end = (handles: ReadonlyArray<SpanHandle>) =>
  Effect.gen(function*() {
    for (const [ended, handle] of handles.entries()) {
      yield* Effect.withFiberRuntime<void>((fiber) => {
        service.unsafe.endSpan(fiber, handle, Exit.void)
        return Effect.void
      })
      if (ended % spansPerTurn === 0) yield* turn
    }
  })

const count = 20_000

const parent = await runtime.runPromise(service.startTrace({ name: "bench" }))
const measured = Effect.zipRight(Effect.flatMap(open(parent, count), end), service.flush())
// warms up the compiler
await runtime.runPromise(measured)
// kept until the end, so that the program still holds the spans that the library forgets
const others = await runtime.runPromise(Effect.zipLeft(open(parent, Number(process.argv[2])), service.flush()))
const before = process.cpuUsage()
await runtime.runPromise(measured)
const { system, user } = process.cpuUsage(before)
await runtime.runPromise(end(others))

say((user + system) / count)
