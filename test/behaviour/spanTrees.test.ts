/** Whatever a program does, its spans tell exactly what it did: who was below whom, when, for how long, and the end. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Data, Effect, Exit, FastCheck, Fiber, Option, Schedule, TestClock } from "effect"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Span } from "../../src/Observation.ts"
import { span, withSpan, withTrace, withTraceContext } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"
import { TraceContext } from "../../src/TraceContext.ts"

class Failure extends Data.TaggedError("Failure")<{}> {}

class Defect extends Error {
  override readonly name = "Defect"
}

interface Node {
  readonly name: string
  /** By the combinator, or as a handle in a scope of its own. */
  readonly form: "withSpan" | "handle"
  readonly children: ReadonlyArray<Node>
  readonly mode: "sequential" | "two at a time" | "all at once" | "fork and join" | "race" | "retry"
  /** Whether the children's failures end here. */
  readonly catches: boolean
  readonly before: number
  readonly after: number
  readonly end: "success" | "failure" | "defect" | "interruption"
}

const nodesOf = (depth: number): FastCheck.Arbitrary<Node> =>
  FastCheck.record({
    name: FastCheck.constantFrom("a", "b", "c", "d"),
    form: FastCheck.constantFrom("withSpan", "withSpan", "handle"),
    children: depth === 0 ? FastCheck.constant([]) : FastCheck.array(nodesOf(depth - 1), { maxLength: 3 }),
    mode: FastCheck.constantFrom("sequential", "two at a time", "all at once", "fork and join", "race", "retry"),
    catches: FastCheck.boolean(),
    before: FastCheck.nat({ max: 3 }),
    after: FastCheck.nat({ max: 3 }),
    end: FastCheck.constantFrom("success", "success", "success", "failure", "defect", "interruption")
  })

const nodes = nodesOf(3)

/** What the program says of itself, by means that have nothing to do with the library but for the id. */
interface Told {
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly start: number
  end: number
  exit: Exit.Exit<unknown, unknown> | undefined
}

const ends = {
  success: Effect.void,
  failure: Effect.suspend(() => new Failure()),
  defect: Effect.suspend(() => Effect.die(new Defect("broken"))),
  interruption: Effect.interrupt
}

const childrenOf = (node: Node, run: (child: Node) => Effect.Effect<void, Failure, ObservabilityService>) => {
  const children = node.children.map((child) => run(child))
  switch (node.mode) {
    case "sequential":
      return Effect.all(children, { discard: true })
    case "two at a time":
      return Effect.all(children, { discard: true, concurrency: 2 })
    case "all at once":
      return Effect.all(children, { discard: true, concurrency: "unbounded" })
    case "fork and join":
      return Effect.flatMap(Effect.forEach(children, Effect.fork), Fiber.joinAll)
    case "race":
      return children.length === 0 ? Effect.void : Effect.raceAll(children)
    case "retry":
      return Effect.all(children, { discard: true }).pipe(Effect.retry(Schedule.recurs(2)))
  }
}

const program = (node: Node, told: Array<Told>, wrong: Array<string>) => {
  const current = Effect.map(TraceContext.current, Option.getOrUndefined)
  const run = (node: Node, parent: string | undefined): Effect.Effect<void, Failure, ObservabilityService> => {
    const body = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const context = yield* current
        const self: Told = {
          spanId: context!.spanId,
          parentSpanId: parent,
          name: node.name,
          start: yield* Clock.currentTimeMillis,
          end: -1,
          exit: undefined
        }
        told.push(self)
        const children = childrenOf(node, (child) => run(child, self.spanId))
        yield* Effect.sleep(node.before).pipe(
          Effect.zipRight(node.catches ? Effect.asVoid(Effect.exit(children)) : Effect.asVoid(children)),
          Effect.zipRight(Effect.sleep(node.after)),
          Effect.zipRight(ends[node.end]),
          restore,
          Effect.onExit((exit) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              self.end = now
              self.exit = exit
            })
          )
        )
      })
    )
    const covered = node.form === "withSpan"
      ? withSpan(body, node.name)
      : Effect.scoped(Effect.flatMap(span(node.name), (handle) => withTraceContext(body, handle.context)))
    // whatever the end, what is around is as it was
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(current, (before) =>
        Effect.ensuring(
          restore(covered),
          Effect.map(current, (after) => {
            if (before !== after) wrong.push(`${node.name}: ${before} became ${after}`)
          })
        ))
    )
  }
  return Effect.flatMap(current, (context) => run(node, context?.spanId))
}

const statusOf = (exit: Exit.Exit<unknown, unknown>): readonly [status: string, errorType: string | undefined] => {
  if (Exit.isSuccess(exit)) return ["success", undefined]
  if (Array.from(Cause.failures(exit.cause)).length > 0) return ["error", "Failure"]
  // a failure may have become a defect: that of one who lost a race does
  const [defect] = Cause.defects(exit.cause)
  if (defect === undefined) return ["interrupted", undefined]
  return ["error", defect instanceof Failure ? "Failure" : "Defect"]
}

const sayTheSame = (spans: ReadonlyArray<Span>, told: ReadonlyArray<Told>): void => {
  const bySpanId = new Map(told.map((one) => [one.spanId, one]))
  for (const { durationMicros, error, name, parentSpanId, spanId, startTimeUnixMicros, status } of spans) {
    const one = bySpanId.get(spanId)
    bySpanId.delete(spanId)
    if (one === undefined) {
      // interrupted in the moment in which it began: the span knows, the program inside of it never ran
      assert.deepStrictEqual([status, durationMicros], ["interrupted", 0])
      continue
    }
    assert.deepStrictEqual(
      { name, parentSpanId, start: startTimeUnixMicros, durationMicros, status: [status, error?.type] },
      {
        name: one.name,
        parentSpanId: one.parentSpanId as typeof parentSpanId,
        start: one.start * 1_000,
        durationMicros: (one.end - one.start) * 1_000,
        status: statusOf(one.exit!)
      }
    )
  }
  assert.strictEqual(bySpanId.size, 0, "every span that the program was in is recorded")
}

describe("any program of nested spans", () => {
  it.effect.prop("is recorded as exactly the tree that it was", [nodes], ([node]) =>
    Effect.gen(function*() {
      const told: Array<Told> = []
      const wrong: Array<string> = []
      const fiber = yield* Effect.fork(program(node, told, wrong).pipe(withTrace("t")))
      yield* TestClock.adjust("1 minute")
      const exit = yield* Fiber.await(fiber)

      const recorded = yield* Testing.Recorded
      sayTheSame(yield* recorded.of("Span"), told)
      const [trace] = yield* recorded.of("Trace")
      assert.deepStrictEqual([trace!.status, trace!.error?.type], statusOf(exit))
      assert.deepStrictEqual(wrong, [])
      const { failedRecordings, openSpans, openTraces } = yield* (yield* ObservabilityService).stats
      assert.deepStrictEqual([openSpans, openTraces, failedRecordings], [0, 0, 0])
    }).pipe(Effect.provide(Testing.layer())), { fastCheck: { numRuns: 60 } })

  it.effect.prop("is, when interrupted anywhere, recorded up to there, and everything is ended", [
    nodes,
    FastCheck.nat({ max: 60 }),
    FastCheck.nat({ max: 12 })
  ], ([node, yields, millis]) =>
    Effect.gen(function*() {
      const told: Array<Told> = []
      const wrong: Array<string> = []
      const fiber = yield* Effect.fork(program(node, told, wrong).pipe(withTrace("t")))
      if (millis > 0) yield* TestClock.adjust(millis)
      for (let count = 0; count < yields; count++) yield* Effect.yieldNow()
      const exit = yield* Fiber.interrupt(fiber)

      const recorded = yield* Testing.Recorded
      sayTheSame(yield* recorded.of("Span"), told)
      assert.deepStrictEqual(wrong, [])
      const traces = yield* recorded.of("Trace")
      for (const { status } of traces) assert.strictEqual(status, statusOf(exit)[0])
      const { openSpans, openTraces } = yield* (yield* ObservabilityService).stats
      assert.deepStrictEqual([openSpans, openTraces], [0, 0])
    }).pipe(Effect.provide(Testing.layer())), { fastCheck: { numRuns: 60 } })
})
