/** Whatever a program does, what was recorded is what it did. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Fiber, Option } from "effect"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { closedRevision } from "../src/Observation.ts"
import { span, withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { Current, TraceContext } from "../src/TraceContext.ts"

type Ending = "succeeds" | "fails" | "dies" | "is interrupted"
type Arrangement = "one after another" | "at the same time" | "forked and joined" | "scoped"

/** A program: it waits, runs what is below it, and ends in its own way, whatever became of that. */
interface Plan {
  readonly ending: Ending
  readonly arrangement: Arrangement
  readonly yields: number
  readonly below: ReadonlyArray<Plan>
}

class Broken {
  readonly _tag = "Broken"
  readonly message = "broken"
}

const endings = FastCheck.constantFrom<Ending>("succeeds", "fails", "dies", "is interrupted")

const arrangements = FastCheck.constantFrom<Arrangement>(
  "one after another",
  "at the same time",
  "forked and joined",
  "scoped"
)

const plansOf = (levels: number): FastCheck.Arbitrary<Plan> =>
  FastCheck.record({
    ending: endings,
    arrangement: arrangements,
    yields: FastCheck.nat({ max: 3 }),
    below: levels === 0 ? FastCheck.constant([]) : FastCheck.array(plansOf(levels - 1), { maxLength: 3, size: "max" })
  })

const plans = plansOf(3)

const yieldTimes = (count: number) => Effect.repeatN(Effect.yieldNow(), count)

const endOf = (ending: Ending): Effect.Effect<void, Broken> => {
  switch (ending) {
    case "succeeds":
      return Effect.void
    case "fails":
      return Effect.fail(new Broken())
    case "dies":
      return Effect.die(new RangeError("defect"))
    case "is interrupted":
      return Effect.interrupt
  }
}

/** The status and the type of error that the record of a plan must have. */
const recordOf = (ending: Ending): string => {
  switch (ending) {
    case "succeeds":
      return "success"
    case "fails":
      return "error Broken"
    case "dies":
      return "error RangeError"
    case "is interrupted":
      return "interrupted"
  }
}

/** A tree as text, in which only the order of siblings is left open. */
interface Drawn {
  readonly name: string
  readonly record: string
  readonly below: ReadonlyArray<Drawn>
}

const drawnPlan = (plan: Plan, name: string): Drawn => ({
  name,
  record: recordOf(plan.ending),
  below: plan.below.map((child, index) => drawnPlan(child, `${name}.${index}`))
})

/** Runs a plan in a span. Whatever becomes of a child is taken note of, and not passed on. */
const run = (plan: Plan, name: string): Effect.Effect<void, Broken, ObservabilityService> => {
  const children = plan.below.map((child, index) => {
    const childName = `${name}.${index}`
    // a fiber of its own, so that interrupting the child does not reach the parent
    return Effect.asVoid(Effect.flatMap(Effect.fork(run(child, childName)), Fiber.await))
  })
  const below = (): Effect.Effect<void, never, ObservabilityService> => {
    switch (plan.arrangement) {
      case "one after another":
      case "scoped":
        return Effect.all(children, { discard: true })
      case "at the same time":
        return Effect.all(children, { concurrency: "unbounded", discard: true })
      case "forked and joined":
        return Effect.flatMap(
          Effect.forEach(children, (child) => Effect.fork(child)),
          (fibers) => Effect.forEach(fibers, (fiber) => Fiber.join(fiber), { discard: true })
        )
    }
  }
  const body = Effect.gen(function*() {
    const before = yield* Current
    yield* yieldTimes(plan.yields)
    yield* below()
    assert.strictEqual(yield* Current, before)
    yield* endOf(plan.ending)
  })
  return plan.arrangement === "scoped"
    ? Effect.scoped(
      Effect.flatMap(span(name), (handle) => Effect.provideService(body, Current, handle.context))
    )
    : withSpan(body, name)
}

const byName = (left: Drawn, right: Drawn): number => left.name < right.name ? -1 : 1

/** What was recorded below a span id, as a tree. */
const drawnRecords = Effect.gen(function*() {
  const { of } = yield* Testing.Recorded
  const spans = yield* of("Span")
  const below = (parent: string): ReadonlyArray<Drawn> =>
    spans.filter((each) => each.parentSpanId === parent).map((each) => ({
      name: each.name,
      record: each.error === undefined ? each.status : `${each.status} ${each.error.type}`,
      below: below(each.spanId)
    })).sort(byName)
  const [trace] = yield* of("Trace")
  return { count: spans.length, below: below(trace!.spanId), trace: trace! }
})

const countOf = (plan: Plan): number => plan.below.reduce((sum, child) => sum + countOf(child), 1)

describe("any tree of spans", () => {
  it.effect.prop(
    "however nested, concurrent and ending, is recorded as exactly that tree",
    [plans],
    ([plan]) =>
      Effect.gen(function*() {
        const { stats } = yield* ObservabilityService
        const exit = yield* Effect.fork(withTrace(run(plan, "0"), "trace")).pipe(Effect.flatMap(Fiber.await))
        const { below, count, trace } = yield* drawnRecords
        assert.deepStrictEqual(below, [drawnPlan(plan, "0")])
        assert.strictEqual(count, countOf(plan))
        assert.strictEqual(
          trace.error === undefined ? trace.status : `${trace.status} ${trace.error.type}`,
          below[0]!.record
        )
        assert.strictEqual(Exit.isSuccess(exit), plan.ending === "succeeds")
        assert.deepInclude(yield* stats, { openSpans: 0, openTraces: 0, failedRecordings: 0 })
      }).pipe(Effect.provide(Testing.layer())),
    { fastCheck: { numRuns: 100 } }
  )

  it.effect.prop(
    "interrupted at any point, has every span that was started ended, and each within its parent",
    [plans, FastCheck.nat({ max: 60 })],
    ([plan, steps]) =>
      Effect.gen(function*() {
        const { stats } = yield* ObservabilityService
        const { of } = yield* Testing.Recorded
        const before = yield* TraceContext.root()
        let after: TraceContext | undefined = before
        const fiber = yield* withTrace(run(plan, "0"), "trace").pipe(
          Effect.onExit(() => Effect.map(Current, (context) => after = context)),
          Effect.provideService(Current, before),
          Effect.fork
        )
        yield* yieldTimes(steps)
        const exit = yield* Fiber.interrupt(fiber)
        // a child that was awaited is awaited still: interrupting its parent interrupts it, too, some time
        yield* yieldTimes(20)
        assert.strictEqual(after, before)
        const [trace] = yield* of("Trace")
        const spans = yield* of("Span")
        const ids = new Set(
          spans.map((each) => each.spanId as string).concat(trace === undefined ? [] : [trace.spanId])
        )
        for (const each of [...spans, ...(trace === undefined ? [] : [trace])]) {
          assert.isAtLeast(each.revision, closedRevision)
          assert.notStrictEqual(each.status, "in_progress")
          assert.isTrue(each.parentSpanId === undefined || ids.has(each.parentSpanId))
        }
        if (Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) && trace !== undefined) {
          assert.strictEqual(trace.status, "interrupted")
        }
        assert.deepInclude(yield* stats, { openSpans: 0, openTraces: 0, failedRecordings: 0 })
      }).pipe(Effect.provide(Testing.layer())),
    { fastCheck: { numRuns: 100 } }
  )

  it.effect.prop(
    "leaves the ambient context of its own fiber as it was, in every outcome",
    [plans],
    ([plan]) =>
      Effect.gen(function*() {
        const before = yield* Current
        assert.isDefined(before)
        const exit = yield* Effect.exit(run(plan, "0"))
        assert.strictEqual(yield* Current, before)
        assert.strictEqual(Option.isSome(Exit.causeOption(exit)), plan.ending !== "succeeds")
        yield* Effect.exit(withTrace(run(plan, "1"), "inner"))
        assert.strictEqual(yield* Current, before)
      }).pipe(withTrace("outer"), Effect.provide(Testing.layer())),
    { fastCheck: { numRuns: 40 } }
  )

  it.effect.prop(
    "without the library does what it does with it",
    [plans],
    ([plan]) =>
      Effect.gen(function*() {
        const program = Effect.fork(withTrace(run(plan, "0"), "trace")).pipe(Effect.flatMap(Fiber.await))
        const recorded = yield* program.pipe(Effect.provide(Testing.layer()))
        const bare = yield* program.pipe(Effect.provide(ObservabilityService.layerNoop))
        assert.strictEqual(shape(recorded), shape(bare))
      }),
    { fastCheck: { numRuns: 40 } }
  )
})

const shape = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit)
    ? "success"
    : Cause.match(exit.cause, {
      onEmpty: "empty",
      onFail: (error) => error instanceof Broken ? "fail Broken" : "fail",
      onDie: (defect) => defect instanceof RangeError ? "die RangeError" : "die",
      onInterrupt: () => "interrupt",
      onSequential: (left, right) => `sequential(${left}, ${right})`,
      onParallel: (left, right) => `parallel(${left}, ${right})`
    })
