/**
 * What a span costs in CPU time while others are open. Its argument: how many others. The measured spans are open at once,
 * too: where that is more than the library remembers, each of them makes it forget one. It says the microseconds per span.
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

/** The event loop turns after every 1,000, so that delivery takes place. */
const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
const spansPerTurn = 1_000

/** Without a fiber for each, which would take more than the span. */
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
// for the compiler
await runtime.runPromise(measured)
// held to the end, so that what the library forgets is still the program's
const others = await runtime.runPromise(Effect.zipLeft(open(parent, Number(process.argv[2])), service.flush()))
const before = process.cpuUsage()
await runtime.runPromise(measured)
const { system, user } = process.cpuUsage(before)
await runtime.runPromise(end(others))

say((user + system) / count)
