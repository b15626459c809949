/** Native spans and those of this library in one program: each is below the one it runs in, whichever it is. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, FastCheck, Fiber, Layer, Option, Stream, TestClock } from "effect"
import * as EffectTracer from "../../src/EffectTracer.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { span, withSpan, withSpanStream, withTraceContext } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"
import { TraceContext } from "../../src/TraceContext.ts"

const forms = [
  "native",
  "native function",
  "native stream",
  "native in a scope",
  "own",
  "own stream",
  "own handle",
  "unrecorded"
] as const

interface Node {
  readonly form: (typeof forms)[number]
  readonly mode: "sequential" | "two at a time" | "all at once" | "forked" | "race"
  readonly below: ReadonlyArray<Node>
  readonly before: number
  readonly after: number
  readonly end: "success" | "failure" | "defect" | "interruption"
}

const nodeOf = (depth: number): FastCheck.Arbitrary<Node> =>
  FastCheck.record({
    form: FastCheck.constantFrom(...forms),
    mode: FastCheck.constantFrom("sequential", "two at a time", "all at once", "forked", "race"),
    below: depth === 0 ? FastCheck.constant([]) : FastCheck.array(nodeOf(depth - 1), { maxLength: 3 }),
    before: FastCheck.nat({ max: 3 }),
    after: FastCheck.nat({ max: 3 }),
    end: FastCheck.constantFrom("success", "success", "success", "failure", "defect", "interruption")
  })

/** What the program says of itself, by means that have nothing to do with the library but for the id. */
interface Told {
  readonly name: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly startMillis: number
  endMillis: number
  exit: Exit.Exit<unknown, unknown>
}

type Run = Effect.Effect<void, string, ObservabilityService>

const ends: Readonly<Record<Node["end"], Effect.Effect<void, string>>> = {
  success: Effect.void,
  failure: Effect.fail("no"),
  defect: Effect.die(new TypeError("broken")),
  interruption: Effect.interrupt
}

const together = (mode: Node["mode"], children: ReadonlyArray<Run>): Run => {
  switch (mode) {
    case "sequential":
      return Effect.all(children, { discard: true })
    case "two at a time":
      return Effect.all(children, { discard: true, concurrency: 2 })
    case "all at once":
      return Effect.all(children, { discard: true, concurrency: "unbounded" })
    case "forked":
      return Effect.flatMap(Effect.forEach(children, Effect.fork), Fiber.awaitAll)
    case "race":
      return children.length === 0 ? Effect.void : Effect.raceAll(children)
  }
}

const covered = (self: Run, form: Node["form"], name: string): Run => {
  switch (form) {
    case "native":
    case "unrecorded":
      return Effect.withSpan(self, name)
    case "native function":
      return Effect.fn(name)(() => self)()
    case "native stream":
      return Stream.fromEffect(self).pipe(Stream.withSpan(name), Stream.runDrain)
    case "native in a scope":
      return self.pipe(Effect.withSpanScoped(name), Effect.scoped)
    case "own":
      return withSpan(self, name)
    case "own stream":
      return Stream.fromEffect(self).pipe(withSpanStream(name), Stream.runDrain)
    case "own handle":
      return Effect.scoped(Effect.flatMap(span(name), ({ context }) => withTraceContext(self, context)))
  }
}

const program = (node: Node, path: string, parent: string, told: Array<Told>, wrong: Array<string>): Run => {
  const name = node.form === "unrecorded" ? `unrecorded ${path}` : path
  const isRecorded = node.form !== "unrecorded"
  const body = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function*() {
      const current: string = Option.getOrThrow(yield* TraceContext.current).spanId
      const startMillis = yield* TestClock.currentTimeMillis
      const self: Told = { name, spanId: current, parentSpanId: parent, startMillis, endMillis: -1, exit: Exit.void }
      if (isRecorded) told.push(self)
      else if (current !== parent) wrong.push(`${path} is within ${current}`)
      const below = node.below.map((child, index) =>
        Effect.exit(program(child, `${path}.${index}`, current, told, wrong))
      )
      yield* Effect.sleep(node.before).pipe(
        Effect.zipRight(together(node.mode, below.map(Effect.asVoid))),
        Effect.zipRight(Effect.sleep(node.after)),
        Effect.zipRight(ends[node.end]),
        restore,
        Effect.onExit((exit) =>
          Effect.map(TestClock.currentTimeMillis, (now) => {
            self.endMillis = now
            self.exit = exit
          })
        )
      )
    })
  )
  return covered(body, node.form, name)
}

const statusOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit) ? "success" : Cause.isInterruptedOnly(exit.cause) ? "interrupted" : "error"

const Recorded = EffectTracer.layer({ shouldRecord: ({ name }) => !name.startsWith("unrecorded") }).pipe(
  Layer.provideMerge(Testing.layer())
)

describe("any mixture of native and own spans", () => {
  it.effect.prop("is one tree: that of the program", [nodeOf(3)], ([node]) =>
    Effect.gen(function*() {
      const told: Array<Told> = []
      const wrong: Array<string> = []
      const all = Effect.flatMap(Effect.flatten(TraceContext.current), ({ spanId }) =>
        program(node, "0", spanId, told, wrong))
      const fiber = yield* Effect.fork(Effect.exit(withSpan(all, "top")))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      const spans = yield* (yield* Testing.Recorded).of("Span")
      const byId = new Map(spans.map((each) => [each.spanId as string, each]))
      for (const { endMillis, exit, name, parentSpanId, spanId, startMillis } of told) {
        const { durationMicros, startTimeUnixMicros, status, ...recorded } = byId.get(spanId)!
        assert.deepStrictEqual(
          {
            name: recorded.name,
            parent: recorded.parentSpanId as string,
            start: startTimeUnixMicros,
            durationMicros,
            status
          },
          {
            name,
            parent: parentSpanId,
            start: startMillis * 1_000,
            durationMicros: (endMillis - startMillis) * 1_000,
            status: statusOf(exit)
          }
        )
      }
      assert.deepStrictEqual(wrong, [])
      const ids = new Set(told.map(({ spanId }) =>
        spanId
      ))
      for (const { durationMicros, name, spanId, status } of spans) {
        if (ids.has(spanId) || name === "top") continue
        // interrupted in the moment in which it began: the span knows, the program inside of it never ran
        assert.deepStrictEqual([status, durationMicros], ["interrupted", 0])
      }
      const { failedRecordings, openSpans, openTraces } = yield* (yield* ObservabilityService).stats
      assert.deepStrictEqual([openSpans, openTraces, failedRecordings], [0, 0, 0])
    }).pipe(Effect.provide(Recorded)), { fastCheck: { numRuns: 100 } })
})
