import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  Chunk,
  Clock,
  Data,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Option,
  Schedule,
  Scope,
  Stream,
  TestClock
} from "effect"
import { logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type * as Observation from "../src/Observation.ts"
import { annotate, span, withSpan, withSpanStream, withTrace, withTraceContext } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

const recorded = Effect.flatMap(Testing.Recorded, (all) => all.tree)

const recordedSpan = (name: string): Effect.Effect<Observation.Span, never, Testing.Recorded> =>
  Effect.map(
    Effect.flatMap(Testing.Recorded, (all) => all.of("Span")),
    (spans) => spans.find((one) => one.name === name)!
  )

const recordedTrace = (name: string): Effect.Effect<Observation.Trace, never, Testing.Recorded> =>
  Effect.map(
    Effect.flatMap(Testing.Recorded, (all) => all.of("Trace")),
    (traces) => traces.find((one) => one.name === name)!
  )

/** Runs it while the clock goes on as far as it needs. */
const timed = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<Exit.Exit<A, E>, never, R> =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(self)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.await(fiber)
  })

const work = (millis: number) => Effect.sleep(millis)

describe("withSpan", () => {
  it.effect("nests below the span around it, and measures both", () =>
    Effect.gen(function*() {
      yield* timed(
        work(10).pipe(
          withSpan("inner", { type: "retrieval" }),
          Effect.zipRight(work(5)),
          withSpan("outer"),
          withTrace("t")
        )
      )
      assert.strictEqual(
        yield* recorded,
        [
          "trace t [success 15ms]",
          "└─ span outer [success 15ms]",
          "   └─ retrieval inner [success 10ms]"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("without a trace starts one of the same name, and ends it with the same outcome", () =>
    Effect.gen(function*() {
      yield* timed(
        Effect.exit(work(5).pipe(Effect.zipRight(Effect.fail(new Refused({ message: "no" }))), withSpan("alone")))
      )
      assert.strictEqual(
        yield* recorded,
        "trace alone [error 5ms] Refused: no\n└─ span alone [error 5ms] Refused: no"
      )
      assert.strictEqual((yield* (yield* ObservabilityService).stats).openTraces, 0)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves success, failure, defect and interruption as they are, and records each", () =>
    Effect.gen(function*() {
      const defect = new TypeError("broken")
      assert.deepStrictEqual(yield* Effect.exit(withSpan(Effect.succeed(7), "success")), Exit.succeed(7))
      assert.deepStrictEqual(yield* Effect.exit(withSpan(Effect.fail("why"), "failure")), Exit.fail("why"))
      const died = yield* Effect.exit(withSpan(Effect.die(defect), "defect"))
      assert.isTrue(Exit.isFailure(died) && Option.getOrNull(Cause.dieOption(died.cause)) === defect)
      const interrupted = yield* Effect.exit(withSpan(Effect.interrupt, "interruption"))
      assert.isTrue(Exit.isFailure(interrupted) && Cause.isInterruptedOnly(interrupted.cause))

      const spans = yield* (yield* Testing.Recorded).of("Span")
      assert.deepStrictEqual(
        spans.map(({ error, name, status }) => [name, status, error?.type, error?.message]),
        [
          ["success", "success", undefined, undefined],
          ["failure", "error", "string", "why"],
          ["defect", "error", "TypeError", "broken"],
          ["interruption", "interrupted", undefined, undefined]
        ]
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("records a sibling that was interrupted by a failure as interrupted, and the parent as failed", () =>
    Effect.gen(function*() {
      yield* timed(Effect.exit(
        Effect.all([
          withSpan(work(1_000), "sibling"),
          withSpan(Effect.zipRight(work(10), Effect.fail(new Refused({ message: "no" }))), "failing")
        ], { concurrency: "unbounded" }).pipe(withSpan("both"), withTrace("t"))
      ))
      assert.strictEqual(
        yield* recorded,
        [
          "trace t [error 10ms] Refused: no",
          "└─ span both [error 10ms] Refused: no",
          "   ├─ span sibling [interrupted 10ms]",
          "   └─ span failing [error 10ms] Refused: no"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("records what a timeout ends as interrupted after exactly that time", () =>
    Effect.gen(function*() {
      yield* timed(work(1_000).pipe(withSpan("slow"), Effect.timeoutOption("100 millis"), withTrace("t")))
      assert.strictEqual(yield* recorded, "trace t [success 100ms]\n└─ span slow [interrupted 100ms]")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("records the loser of a race as interrupted", () =>
    Effect.gen(function*() {
      yield* timed(Effect.race(withSpan(work(10), "first"), withSpan(work(20), "second")).pipe(withTrace("t")))
      assert.strictEqual(
        yield* recorded,
        "trace t [success 10ms]\n├─ span first [success 10ms]\n└─ span second [interrupted 10ms]"
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("makes a span of every try of what is tried again", () =>
    Effect.gen(function*() {
      let tries = 0
      const flaky = Effect.suspend(() => ++tries < 3 ? Effect.fail(new Refused({ message: `${tries}` })) : Effect.void)
      yield* timed(flaky.pipe(
        withSpan("try"),
        Effect.retry(Schedule.spaced("10 millis")),
        withSpan("all"),
        withTrace("t")
      ))
      assert.strictEqual(
        yield* recorded,
        [
          "trace t [success 20ms]",
          "└─ span all [success 20ms]",
          "   ├─ span try [error 0ms] Refused: 1",
          "   ├─ span try [error 0ms] Refused: 2",
          "   └─ span try [success 0ms]"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("gives every element of forEach its own span below the same parent", () =>
    Effect.gen(function*() {
      yield* timed(
        Effect.forEach([30, 20, 10], (millis) => withSpan(withSpan(work(millis), `${millis}`), `step ${millis}`), {
          concurrency: 2
        }).pipe(withTrace("t"))
      )
      assert.strictEqual(
        yield* recorded,
        [
          "trace t [success 30ms]",
          "├─ span step 30 [success 30ms]",
          "│  └─ span 30 [success 30ms]",
          "├─ span step 20 [success 20ms]",
          "│  └─ span 20 [success 20ms]",
          "└─ span step 10 [success 10ms]",
          "   └─ span 10 [success 10ms]"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps the parent for a daemon that outlives it", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.forkDaemon(withSpan(work(50), "daemon")).pipe(withSpan("parent"), withTrace("t"))
      yield* TestClock.adjust("50 millis")
      yield* Fiber.join(fiber)
      assert.strictEqual(
        yield* recorded,
        "trace t [success 0ms]\n└─ span parent [success 0ms]\n   └─ span daemon [success 50ms]"
      )
      assert.isTrue(Option.isNone(yield* TraceContext.current))
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("has both forms: with the effect first and with the effect last", () =>
    Effect.gen(function*() {
      yield* withSpan(Effect.void, "first", { type: "tool" })
      yield* Effect.void.pipe(withSpan("last", { type: "tool" }))
      assert.deepStrictEqual(
        (yield* (yield* Testing.Recorded).of("Span")).map(({ name, type }) => [name, type]),
        [["first", "tool"], ["last", "tool"]]
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves the program as it is where nothing is recorded", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* Effect.succeed(1).pipe(withSpan("s"), withTrace("t")), 1)
      assert.isTrue(Option.isNone(yield* TraceContext.current.pipe(withSpan("s"))))
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})

describe("withTrace", () => {
  it.effect("starts a new trace inside of another, and returns to that one", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(
        withSpan("inside"),
        withTrace("inner", { userId: "eve" }),
        Effect.zipRight(withSpan(Effect.void, "after")),
        withTrace("outer", { userId: "ada" })
      )
      const [inner, outer] = [yield* recordedTrace("inner"), yield* recordedTrace("outer")]
      assert.notStrictEqual(inner.traceId, outer.traceId)
      assert.deepInclude(yield* recordedSpan("inside"), {
        traceId: inner.traceId,
        parentSpanId: inner.spanId,
        userId: "eve"
      })
      assert.deepInclude(yield* recordedSpan("after"), {
        traceId: outer.traceId,
        parentSpanId: outer.spanId,
        userId: "ada"
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("does not end again what the program has ended itself", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.gen(function*() {
        const context = Option.getOrThrow(yield* TraceContext.current)
        yield* service.endTrace(context, { status: "error", errorType: "Stated", errorMessage: "by hand" })
        // what follows in the next batch would come too late
        yield* service.flush()
      }).pipe(withTrace("t"))
      const all = yield* (yield* Testing.Recorded).observations
      const ends = all.filter((one) => one._tag === "Trace" && one.status !== "in_progress")
      assert.strictEqual(ends.length, 1)
      assert.deepInclude(yield* recordedTrace("t"), { status: "error" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps what it was given", () =>
    Effect.gen(function*() {
      yield* withTrace(Effect.void, "t", {
        operationType: "chat",
        tags: ["a", "b"],
        metadata: { plan: "free" },
        input: { question: "why?" },
        userId: "ada",
        sessionId: "s",
        kbId: "k"
      })
      assert.deepInclude(yield* recordedTrace("t"), {
        operationType: "chat",
        tags: ["a", "b"],
        metadata: { plan: "free" },
        input: { question: "why?" },
        userId: "ada",
        sessionId: "s",
        kbId: "k"
      })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a span handle", () => {
  it.effect("ends with its scope, with the status of the scope's exit", () =>
    Effect.gen(function*() {
      const outcomes = [
        ["success", Effect.void],
        ["failure", Effect.fail(new Refused({ message: "no" }))],
        ["defect", Effect.die(new TypeError("broken"))],
        ["interruption", Effect.interrupt]
      ] as const
      for (const [name, outcome] of outcomes) {
        yield* timed(Effect.exit(Effect.scoped(span(name).pipe(Effect.zipRight(work(3)), Effect.zipRight(outcome)))))
      }
      const spans = yield* (yield* Testing.Recorded).of("Span")
      assert.deepStrictEqual(
        spans.map(({ durationMicros, error, name, status }) => [name, status, error?.type, durationMicros]),
        [
          ["success", "success", undefined, 3_000],
          ["failure", "error", "Refused", 3_000],
          ["defect", "error", "TypeError", 3_000],
          ["interruption", "interrupted", undefined, 3_000]
        ]
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is measured by the clock under which it started, whoever closes its scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.extend(span("s"), scope)
      yield* TestClock.adjust("5 millis")
      yield* Effect.withClock(Scope.close(scope, Exit.void), Clock.make())
      yield* Scope.close(scope, Exit.fail("again"))
      assert.deepInclude(yield* recordedSpan("s"), { status: "success", durationMicros: 5_000 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("ends at once in a scope that is closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.fail(new Refused({ message: "no" })))
      yield* Scope.extend(span("s"), scope)
      assert.deepInclude(yield* recordedSpan("s"), { status: "error", durationMicros: 0 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is no ambient context, and becomes one by withTraceContext", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        const handle = yield* span("handle", { type: "agent" })
        assert.strictEqual(handle.type, "agent")
        yield* withSpan(Effect.void, "beside")
        yield* Effect.void.pipe(withSpan("below"), withTraceContext(handle.context))
      })).pipe(withTrace("t"))
      const handle = yield* recordedSpan("handle")
      const trace = yield* recordedTrace("t")
      assert.strictEqual(handle.parentSpanId, trace.spanId)
      assert.strictEqual((yield* recordedSpan("beside")).parentSpanId, trace.spanId)
      assert.strictEqual((yield* recordedSpan("below")).parentSpanId, handle.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("takes what is found out while it runs, and after", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const handle = yield* Effect.scoped(Effect.tap(span("s", { attributes: { a: 1, b: 1 }, input: "in" }), (handle) =>
        service.updateSpan(handle, { attributes: { b: 2 }, output: "out", resultCount: 3, topScore: 0.5 })))
      assert.deepInclude(yield* recordedSpan("s"), {
        status: "success",
        attributes: { a: 1, b: 2 },
        input: "in",
        output: "out",
        metrics: { resultCount: 3, topScore: 0.5, pageCount: undefined, chunkCount: undefined }
      })
      yield* service.updateSpan(handle, { attributes: { late: true }, chunkCount: 4 })
      assert.deepInclude(yield* recordedSpan("s"), {
        status: "success",
        durationMicros: 0,
        attributes: { a: 1, b: 2, late: true },
        output: "out",
        metrics: { resultCount: 3, topScore: 0.5, pageCount: undefined, chunkCount: 4 }
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("has real ids where nothing is recorded", () =>
    Effect.gen(function*() {
      const { context } = yield* Effect.scoped(span("s"))
      assert.isDefined(context.parentSpanId)
      const root = yield* TraceContext.root()
      const child = yield* Effect.scoped(span("s")).pipe(withTraceContext(root))
      assert.deepStrictEqual([child.traceId, child.context.parentSpanId], [root.traceId, root.spanId])
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})

describe("annotate", () => {
  it.effect("adds to the innermost span, to the trace where there is no span, and to nothing outside", () =>
    Effect.gen(function*() {
      yield* annotate({ attributes: { nowhere: true } })
      yield* Effect.zipRight(
        annotate({ attributes: { on: "trace" }, output: "answer" }),
        withSpan(withSpan(annotate({ attributes: { on: "span" }, output: "partial" }), "inner"), "outer")
      ).pipe(withTrace("t", { metadata: { first: true } }))
      assert.deepInclude(yield* recordedTrace("t"), { metadata: { first: true, on: "trace" }, output: "answer" })
      assert.deepInclude(yield* recordedSpan("inner"), { attributes: { on: "span" }, output: "partial" })
      assert.deepInclude(yield* recordedSpan("outer"), { attributes: undefined, output: undefined })
      assert.strictEqual((yield* (yield* Testing.Recorded).observations).length, 3)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("withSpanStream", () => {
  const ticks = Stream.iterate(1, (n) => n + 1).pipe(Stream.take(3), Stream.rechunk(1), Stream.tap(() => work(10)))

  it.effect("covers a stream until it is exhausted, and knows when the first element came", () =>
    Effect.gen(function*() {
      yield* timed(
        ticks.pipe(withSpanStream("s", { type: "llm" }), Stream.runDrain, Effect.zipLeft(work(5)), withTrace("t"))
      )
      assert.strictEqual(yield* recorded, "trace t [success 35ms]\n└─ llm s [success 30ms]")
      const { attributes, modelCall } = yield* recordedSpan("s")
      assert.deepStrictEqual(attributes, { "stream.elements": 3, "stream.time_to_first_element_ms": 10 })
      assert.strictEqual(modelCall?.timeToFirstTokenMicros, 10_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("says that its consumer left early", () =>
    Effect.gen(function*() {
      const exit = yield* timed(ticks.pipe(withSpanStream("s"), Stream.take(1), Stream.runCollect, withTrace("t")))
      assert.deepStrictEqual(exit, Exit.succeed(Chunk.of(1)))
      assert.deepInclude(yield* recordedSpan("s"), {
        status: "success",
        durationMicros: 10_000,
        attributes: { "stream.elements": 1, "stream.time_to_first_element_ms": 10, "stream.abandoned": true }
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("records a failure, with the elements before it", () =>
    Effect.gen(function*() {
      const failing = Stream.concat(ticks, Stream.fail(new Refused({ message: "no" })))
      const exit = yield* timed(failing.pipe(withSpanStream("s"), Stream.runDrain, withTrace("t")))
      assert.deepStrictEqual(exit, Exit.fail(new Refused({ message: "no" })))
      const { attributes, error, status } = yield* recordedSpan("s")
      assert.deepStrictEqual([status, error?.type, attributes?.["stream.elements"], attributes?.["stream.abandoned"]], [
        "error",
        "Refused",
        3,
        undefined
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("records a defect", () =>
    Effect.gen(function*() {
      const dying = Stream.concat(ticks, Stream.die(new TypeError("broken")))
      yield* timed(dying.pipe(withSpanStream("s"), Stream.runDrain))
      assert.deepInclude((yield* recordedSpan("s")).error, { type: "TypeError", message: "broken" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("ends as interrupted when its consumer is interrupted", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(ticks.pipe(withSpanStream("s"), Stream.runDrain))
      yield* TestClock.adjust("15 millis")
      yield* Fiber.interrupt(fiber)
      assert.deepInclude(yield* recordedSpan("s"), { status: "interrupted", durationMicros: 15_000 })
      assert.strictEqual((yield* recordedSpan("s")).attributes?.["stream.elements"], 1)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("records nothing when it is never pulled", () =>
    Effect.gen(function*() {
      const stream = withSpanStream(ticks, "s")
      assert.isTrue(Stream.StreamTypeId in stream)
      assert.strictEqual(yield* recorded, "")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is the parent of what the stream does, and not of what its consumer does", () =>
    Effect.gen(function*() {
      yield* Stream.make(1, 2).pipe(
        Stream.mapEffect((n) => withSpan(Effect.succeed(n), `inside ${n}`)),
        withSpanStream("s"),
        Stream.mapEffect((n) => withSpan(Effect.void, `outside ${n}`)),
        Stream.runDrain,
        withTrace("t")
      )
      const [s, trace] = [yield* recordedSpan("s"), yield* recordedTrace("t")]
      for (const n of [1, 2]) {
        assert.strictEqual((yield* recordedSpan(`inside ${n}`)).parentSpanId, s.spanId)
        assert.strictEqual((yield* recordedSpan(`outside ${n}`)).parentSpanId, trace.spanId)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is a span of its own for every run", () =>
    Effect.gen(function*() {
      const stream = Stream.make(1).pipe(withSpanStream("s"))
      yield* Stream.runDrain(stream)
      yield* Stream.runDrain(stream)
      assert.strictEqual((yield* (yield* Testing.Recorded).of("Span")).length, 2)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves the elements as they are", () =>
    Effect.gen(function*() {
      const chunks = Stream.fromChunks(Chunk.make(1, 2), Chunk.empty(), Chunk.make(3))
      const off = chunks.pipe(withSpanStream("s"), Stream.provideLayer(ObservabilityService.layerNoop))
      for (const stream of [withSpanStream(chunks, "s"), off]) {
        assert.deepStrictEqual(Chunk.toArray(yield* Stream.runCollect(stream)), [1, 2, 3])
      }
    }).pipe(Effect.provide(Testing.layer())))
})

describe("usage in nested spans", () => {
  const call = logLlmCall({ model: "m", promptTokens: 10, completionTokens: 5, costUsd: 0.1 })

  it.effect("is counted once into the trace, also when the spans above repeat it", () =>
    Effect.gen(function*() {
      const repeated = { promptTokens: 20, completionTokens: 10, costUsd: "0.3" }
      yield* Effect.all([call, logLlmCall({ model: "m", promptTokens: 10, completionTokens: 5, costUsd: 0.2 })]).pipe(
        Effect.zipRight(annotate(repeated)),
        withSpan("agent"),
        Effect.zipRight(annotate(repeated)),
        withSpan("workflow"),
        withTrace("t")
      )
      assert.match(yield* recorded, /^trace t \[success 0ms\] tokens=20\/10 cost=\$0\.3\n/)
      assert.isTrue((yield* recordedSpan("agent")).modelCall?.isSubtotal)
      assert.isTrue((yield* recordedSpan("workflow")).modelCall?.isSubtotal)
      assert.isFalse((yield* recordedSpan("chat m")).modelCall?.isSubtotal)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("stays a repetition when the span above is updated after its end", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const handle = yield* Effect.scoped(Effect.tap(span("agent"), (handle) =>
        Effect.zipRight(withTraceContext(call, handle.context), service.updateSpan(handle, { promptTokens: 10 }))))
      yield* service.updateSpan(handle, { finishReason: "stop" })
      assert.deepInclude((yield* recordedSpan("agent")).modelCall, { finishReason: "stop", isSubtotal: true })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("an interruption", () => {
  it.effect("before a region begins leaves nothing open", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.never.pipe(withSpan("s"), withTrace("t")))
      yield* Fiber.interrupt(fiber)
      const { openSpans, openTraces } = yield* (yield* ObservabilityService).stats
      assert.deepStrictEqual([openSpans, openTraces], [0, 0])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves nothing open, whichever instruction it meets", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const openWhenMet = new Set<number>()
      // a fiber lets others go after 2,048 instructions
      for (let before = 980; before < 1_030; before++) {
        let program: Effect.Effect<unknown, never, ObservabilityService> = Effect.scoped(
          Effect.zipRight(span("s"), Effect.forever(Effect.void))
        )
        for (let each = 0; each < before; each++) program = Effect.zipRight(Effect.void, program)
        const fiber = yield* Effect.fork(program)
        yield* Effect.yieldNow()
        openWhenMet.add((yield* service.stats).openSpans)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual((yield* service.stats).openSpans, 0)
      }
      assert.sameMembers([...openWhenMet], [0, 1])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("waits for what is uninterruptible in a span", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const fiber = yield* Deferred.succeed(started, undefined).pipe(
        Effect.zipRight(Effect.uninterruptible(work(10))),
        withSpan("s"),
        Effect.fork
      )
      yield* Deferred.await(started)
      const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
      yield* TestClock.adjust("10 millis")
      yield* Fiber.join(interruption)
      assert.deepInclude(yield* recordedSpan("s"), { status: "interrupted", durationMicros: 10_000 })
    }).pipe(Effect.provide(Testing.layer())))
})
