/** Programs written with nothing but Effect's own API: what is recorded is what Effect's own tracer saw of them. */
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Context,
  DefaultServices,
  Effect,
  Exit,
  FastCheck,
  Fiber,
  Layer,
  Schedule,
  Stream,
  TestClock,
  Tracer
} from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Span } from "../src/Observation.ts"
import { memory } from "../src/Provider.ts"

/** A span and what is below it, by whomever it was seen; times in microseconds. */
interface Drawn {
  readonly name: string
  readonly kind: string
  readonly status: string
  readonly start: number
  readonly duration: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: ReadonlyArray<string>
  readonly below: ReadonlyArray<Drawn>
}

const statusOf = (exit: Exit.Exit<unknown, unknown>): string =>
  Exit.isSuccess(exit)
    ? "success"
    : Cause.isFailure(exit.cause)
    ? "error"
    : Cause.isDie(exit.cause)
    ? "error"
    : "interrupted"

interface Seen extends Tracer.Span {
  readonly told: Array<string>
}

/** Effect's own tracer, of which one keeps what it made. */
const listening = (seen: Array<Seen>): Tracer.Tracer => {
  const native = Context.get(DefaultServices.liveServices, Tracer.Tracer)
  return Tracer.make({
    context: (execute, fiber) => native.context(execute, fiber),
    span: (...args) => {
      const told: Array<string> = []
      const span: Seen = Object.assign(native.span(...args), { told })
      const { event } = span
      span.event = (name, time, attributes) => {
        told.push(`${name} ${Number(time / 1_000n)}`)
        event.call(span, name, time, attributes)
      }
      seen.push(span)
      return span
    }
  })
}

const inOrder = (drawn: ReadonlyArray<Drawn>): ReadonlyArray<Drawn> =>
  drawn.toSorted((left, right) => {
    const [first, second] = [left, right].map((each) => JSON.stringify([each.start, each.name, each.duration, each]))
    return first! < second! ? -1 : first! > second! ? 1 : 0
  })

const drawnBy = (seen: ReadonlyArray<Seen>): ReadonlyArray<Drawn> => {
  const below = (parent: string | undefined): ReadonlyArray<Drawn> =>
    inOrder(
      seen.filter((span) => (span.parent._tag === "Some" ? span.parent.value.spanId : undefined) === parent).map(
        (span): Drawn => {
          assert(span.status._tag === "Ended")
          const { endTime, exit, startTime } = span.status
          return {
            name: span.name,
            kind: span.kind,
            status: statusOf(exit),
            start: Number(startTime / 1_000n),
            duration: Number((endTime - startTime) / 1_000n),
            attributes: seenByBoth(Object.fromEntries(span.attributes)),
            events: span.told,
            below: below(span.spanId)
          }
        }
      )
    )
  return below(undefined)
}

const drawnFrom = (spans: ReadonlyArray<Span>): ReadonlyArray<Drawn> => {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const below = (parent: string | undefined): ReadonlyArray<Drawn> =>
    inOrder(
      spans.filter(({ parentSpanId }) => parent === undefined ? !ids.has(parentSpanId!) : parentSpanId === parent).map((
        span
      ): Drawn => ({
        name: span.name,
        kind: span.kind ?? "internal",
        status: span.status,
        start: span.startTimeUnixMicros,
        duration: span.durationMicros!,
        attributes: seenByBoth(span.attributes ?? {}),
        events: (span.events ?? []).map(({ name, timeUnixMicros }) => `${name} ${timeUnixMicros}`),
        below: below(span.spanId)
      }))
    )
  return below(undefined)
}

/** What both saw: stacks name lines of the tracer, and only a record says which attempt it was. */
const seenByBoth = (attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(attributes).filter(([key]) => key !== "code.stacktrace" && !key.startsWith("schedule."))
  )

const elapse = <A, E>(program: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(program)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.await(fiber)
  })

/** What Effect's tracer saw of a program, and what was recorded of it, each in a world of its own. */
const bothViews = (program: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const seen: Array<Seen> = []
    const start = yield* TestClock.currentTimeMillis
    const plain = yield* elapse(Effect.withTracer(program, listening(seen)))
    yield* TestClock.setTime(start)
    const store = memory()
    const traced = yield* elapse(
      Effect.provide(program, EffectTracer.layer().pipe(Layer.provideMerge(ObservabilityService.layerMemory(store))))
    )
    const spans = new Map(store.records.flatMap((record) => record._tag === "Span" ? [[record.spanId, record]] : []))
    return { native: drawnBy(seen), recorded: drawnFrom(Array.from(spans.values())), plain, traced }
  })

const work = (name: string, millis: number) => Effect.sleep(millis).pipe(Effect.withSpan(name))

const handler = Effect.fn("handler")(function*(id: number) {
  yield* Effect.annotateCurrentSpan("id", id)
  yield* Effect.log("handling").pipe(Effect.zipRight(Effect.sleep(3)))
  return id
})

const programs: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
  "nested spans, with attributes and kinds": work("inner", 5).pipe(
    Effect.withSpan("middle", { kind: "client", attributes: { a: 1, b: "two", c: [3] } }),
    Effect.zipLeft(Effect.sleep(2)),
    Effect.withSpan("outer", { kind: "server" })
  ),
  "several at the same time": Effect.forEach([1, 2, 3, 4], (n) => work(`item ${n}`, n * 10), { concurrency: 2 }).pipe(
    Effect.withSpan("all")
  ),
  "a race whose loser is interrupted": Effect.race(work("fast", 5), work("slow", 50)).pipe(Effect.withSpan("race")),
  "a retry": Effect.fail("again").pipe(
    Effect.delay(5),
    Effect.withSpan("attempt"),
    Effect.retry({ times: 2, schedule: Schedule.spaced(100) }),
    Effect.ignore,
    Effect.withSpan("retried")
  ),
  "a timeout": work("too long", 100).pipe(Effect.timeout(20), Effect.ignore, Effect.withSpan("limited")),
  "a failure that is caught": Effect.fail(new Error("no")).pipe(
    Effect.withSpan("fails"),
    Effect.catchAll(() => work("instead", 2)),
    Effect.withSpan("catches")
  ),
  "a defect": Effect.dieMessage("broken").pipe(Effect.withSpan("dies"), Effect.withSpan("outer")),
  "Effect.fn": Effect.forEach([1, 2], handler).pipe(Effect.withSpan("calls")),
  "a stream": Stream.make(1, 2, 3).pipe(
    Stream.mapEffect((n) => work(`element ${n}`, n)),
    Stream.withSpan("stream"),
    Stream.runDrain,
    Effect.withSpan("consumer")
  ),
  "a layer": Effect.void.pipe(
    Effect.provide(
      Layer.scopedDiscard(Effect.acquireRelease(work("acquire", 3), () => work("release", 4))).pipe(
        Layer.withSpan("layer")
      )
    ),
    Effect.withSpan("program")
  ),
  "scoped spans": Effect.scoped(
    Effect.zipRight(
      Effect.makeSpanScoped("resource"),
      Effect.flatMap(Effect.makeSpanScoped("other"), () => Effect.sleep(4))
    )
  ).pipe(Effect.withSpan("scope")),
  "events": Effect.gen(function*() {
    const span = yield* Effect.currentSpan
    span.event("first", 1_000_000n, { detail: true })
    yield* Effect.sleep(7)
    span.attribute("late", "yes")
  }).pipe(Effect.withSpan("eventful")),
  "a forked child": Effect.gen(function*() {
    const child = yield* Effect.fork(work("child", 10))
    yield* Effect.sleep(5)
    yield* Fiber.join(child)
  }).pipe(Effect.withSpan("parent")),
  "no span at all": Effect.sleep(3),
  "several roots": Effect.zipRight(work("one", 2), work("two", 3)),
  "annotations from around": work("annotated", 2).pipe(Effect.annotateSpans("tenant", "acme"), Effect.withSpan("root"))
}

describe("what is recorded is what Effect's tracer saw:", () => {
  for (const [name, program] of Object.entries(programs)) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const { native, plain, recorded, traced } = yield* bothViews(program)
        assert.deepStrictEqual(recorded, native)
        assert.deepStrictEqual(Exit.isSuccess(traced), Exit.isSuccess(plain))
        if (name !== "no span at all") assert.isNotEmpty(recorded)
      }))
  }
})

type Form = "span" | "fn" | "stream" | "scoped"

interface Node {
  readonly form: Form
  readonly millis: number
  readonly end: "success" | "failure" | "defect"
  readonly concurrent: boolean
  readonly below: ReadonlyArray<Node>
}

const nodeOf = (depth: number): FastCheck.Arbitrary<Node> =>
  FastCheck.record({
    form: FastCheck.constantFrom("span", "fn", "stream", "scoped"),
    millis: FastCheck.nat({ max: 20 }),
    end: FastCheck.constantFrom("success", "success", "failure", "defect"),
    concurrent: FastCheck.boolean(),
    below: depth === 0 ? FastCheck.constant([]) : FastCheck.array(nodeOf(depth - 1), { maxLength: 3 })
  })

const build = (self: Node, path: string): Effect.Effect<void, string> => {
  const body = Effect.forEach(self.below, (child, index) => Effect.exit(build(child, `${path}.${index}`)), {
    concurrency: self.concurrent ? "unbounded" : 1
  }).pipe(
    Effect.zipRight(Effect.sleep(self.millis)),
    Effect.zipRight(
      self.end === "success" ? Effect.void : self.end === "failure" ? Effect.fail("no") : Effect.die("broken")
    )
  )
  switch (self.form) {
    case "span":
      return Effect.withSpan(body, path)
    case "fn":
      return Effect.fn(path)(() => body)()
    case "stream":
      return Stream.fromEffect(body).pipe(Stream.withSpan(path), Stream.runDrain)
    case "scoped":
      return body.pipe(Effect.withSpanScoped(path), Effect.scoped)
  }
}

describe("any program", () => {
  it.effect.prop("is recorded as Effect's tracer saw it", [nodeOf(3)], ([plan]) =>
    Effect.gen(function*() {
      const { native, recorded } = yield* bothViews(build(plan, "0"))
      assert.deepStrictEqual(recorded, native)
    }), { fastCheck: { numRuns: 60 } })
})
