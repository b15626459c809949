/** What the combinators promise to the program that they wrap, whatever becomes of it. */
import { assert, describe, it } from "@effect/vitest"
import {
  Cause,
  type Clock,
  Data,
  Deferred,
  Effect,
  Either,
  Exit,
  Fiber,
  Option,
  Request,
  RequestResolver,
  TestClock
} from "effect"
import { logDocumentEvent, logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { closedRevision } from "../src/Observation.ts"
import { annotate, span, withSpan, withTrace, withTraceContext } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { Current, TraceContext } from "../src/TraceContext.ts"

class NotFound extends Data.TaggedError("NotFound")<{ readonly message: string; readonly cause?: unknown }> {}

interface Get extends Request.Request<number> {
  readonly _tag: "Get"
  readonly id: number
}
const Get = Request.tagged<Get>("Get")

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))
const traces = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))
const tree = Effect.flatMap(Testing.Recorded, (recorded) => recorded.tree)

const only = <A extends { readonly name: string | undefined }>(all: ReadonlyArray<A>, name: string): A => {
  const found = all.filter((candidate) => candidate.name === name)
  assert.strictEqual(found.length, 1, `records named ${name}`)
  return found[0]!
}

const spanNamed = (name: string) => Effect.map(spans, (all) => only(all, name))
const traceNamed = (name: string) => Effect.map(traces, (all) => only(all, name))

const endings: ReadonlyArray<readonly [string, Effect.Effect<string, string>]> = [
  ["a result", Effect.succeed("value")],
  ["an asynchronous result", Effect.as(Effect.yieldNow(), "value")],
  ["an error", Effect.fail("error")],
  ["a defect", Effect.die("defect")],
  ["an interruption", Effect.interrupt],
  ["an empty cause", Effect.failCause(Cause.empty)],
  ["an error and a defect", Effect.failCause(Cause.parallel(Cause.fail("error"), Cause.die("defect")))],
  ["an error, then a finalizer's defect", Effect.ensuring(Effect.fail("error"), Effect.die("finalizer"))]
]

describe("what is wrapped", () => {
  for (const [name, effect] of endings) {
    it.effect(`${name} comes out of withSpan and withTrace unchanged`, () =>
      Effect.gen(function*() {
        const bare = yield* Effect.exit(effect)
        assert.deepStrictEqual(yield* Effect.exit(withSpan(effect, "span")), bare)
        assert.deepStrictEqual(yield* Effect.exit(withTrace(effect, "trace")), bare)
        assert.deepStrictEqual(
          yield* effect.pipe(withSpan("in"), withSpan("out"), withTrace("both"), Effect.exit),
          bare
        )
        assert.strictEqual(yield* Current, undefined)
        const status = Exit.isSuccess(bare) ? "success" : name === "an interruption" ? "interrupted" : "error"
        assert.deepStrictEqual(
          [...(yield* spans), ...(yield* traces)].map((each) => each.status),
          Array(6).fill(status)
        )
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("the very object that was returned, thrown or died of comes out, not a copy", () =>
    Effect.gen(function*() {
      const value = { an: "object" }
      const error = new NotFound({ message: "gone" })
      const defect = new Error("broken")
      assert.strictEqual(yield* withTrace(withSpan(Effect.succeed(value), "s"), "t"), value)
      assert.strictEqual(yield* Effect.flip(withTrace(withSpan(Effect.fail(error), "s"), "t")), error)
      const exit = yield* Effect.exit(withTrace(withSpan(Effect.die(defect), "s"), "t"))
      assert.isTrue(Exit.isFailure(exit) && Option.getOrNull(Cause.dieOption(exit.cause)) === defect)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("an interruption carries the id of the fiber that asked for it", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(Effect.never.pipe(withSpan("s"), withTrace("t")))
      yield* Effect.yieldNow()
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
      assert.include(Exit.isFailure(exit) ? Array.from(Cause.interruptors(exit.cause)) : [], yield* Effect.fiberId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("stays interruptible inside, and uninterruptible where it was so outside", () =>
    Effect.gen(function*() {
      const checked = Effect.checkInterruptible((isInterruptible) => Effect.succeed(isInterruptible))
      assert.isTrue(yield* withTrace(withSpan(checked, "s"), "t"))
      assert.isFalse(yield* Effect.uninterruptible(withTrace(withSpan(checked, "s"), "t")))
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("its finalizers still run inside the span", () =>
    Effect.gen(function*() {
      const seen = yield* Deferred.make<TraceContext | undefined>()
      const fiber = yield* Effect.never.pipe(
        Effect.onInterrupt(() => Effect.flatMap(Current, (context) => Deferred.succeed(seen, context))),
        withSpan("s"),
        withTrace("t"),
        Effect.fork
      )
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(fiber)
      assert.strictEqual((yield* seen)?.spanId, (yield* spanNamed("s")).spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("may be an Option or an Either, which are effects too", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* withSpan(Option.some(1), "option"), 1)
      assert.strictEqual(yield* withTrace(Either.right(2), "either"), 2)
      assert.strictEqual((yield* spanNamed("option")).status, "success")
      assert.strictEqual((yield* traceNamed("either")).status, "success")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("can run many times, each run a record of its own", () =>
    Effect.gen(function*() {
      yield* Effect.repeatN(Effect.void.pipe(withSpan("again"), withTrace("trace")), 2)
      assert.strictEqual(new Set((yield* spans).map((each) => each.spanId)).size, 3)
      assert.strictEqual(new Set((yield* spans).map((each) => each.traceId)).size, 3)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("times", () => {
  it.effect("start and duration are exact", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      const fiber = yield* Effect.sleep("250 millis").pipe(
        withSpan("inner"),
        Effect.zipRight(Effect.sleep("1 second")),
        withSpan("outer"),
        Effect.delay("30 millis"),
        withTrace("trace"),
        Effect.fork
      )
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(fiber)
      const all = [yield* traceNamed("trace"), yield* spanNamed("outer"), yield* spanNamed("inner")]
      const hour = 3_600_000_000
      assert.deepStrictEqual(all.map((each) => [each.startTimeUnixMicros, each.durationMicros]), [
        [hour, 1_280_000],
        [hour + 30_000, 1_250_000],
        [hour + 30_000, 250_000]
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a span that is cut off lasts until its finalizers are through", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.never.pipe(
        Effect.onInterrupt(() => Effect.sleep("40 millis")),
        withSpan("cut"),
        Effect.timeoutOption("100 millis"),
        withTrace("trace"),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      assert.isTrue(Option.isNone(yield* Fiber.join(fiber)))
      assert.deepInclude(yield* spanNamed("cut"), { status: "interrupted", durationMicros: 140_000 })
      assert.strictEqual((yield* traceNamed("trace")).status, "success")
    }).pipe(Effect.provide(Testing.layer())))

  /** A clock whose hands are set while its monotonic half goes on. */
  const settable = (base: Clock.Clock) => {
    let wallMillis = Date.UTC(2026, 0, 1)
    let nanos = 0n
    const clock: Clock.Clock = Object.assign(Object.create(base), {
      unsafeCurrentTimeMillis: () => wallMillis,
      unsafeCurrentTimeNanos: () => nanos
    })
    const pass = (seconds: number, setSeconds = 0) =>
      Effect.sync(() => {
        nanos += BigInt(seconds) * 1_000_000_000n
        wallMillis += (seconds + setSeconds) * 1_000
      })
    return { clock, pass }
  }

  const remote = Either.getOrThrow(
    TraceContext.fromTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
  )

  for (const [where, caller] of [["in a trace", undefined], ["below a caller elsewhere", remote]] as const) {
    it.effect(`a clock that is set back reorders nothing ${where}`, () =>
      Effect.gen(function*() {
        const { clock, pass } = settable(yield* Effect.clock)
        yield* pass(1, -3_600).pipe(
          Effect.zipRight(withSpan(pass(1), "inner")),
          Effect.zipRight(logLlmCall({ model: "m" })),
          Effect.zipRight(logDocumentEvent({ documentId: "d", eventType: "parse", status: "completed" })),
          withSpan("outer"),
          (server) => caller === undefined ? withTrace(server, "trace") : withTraceContext(server, caller),
          Effect.withClock(clock)
        )
        const { startTimeUnixMicros: start } = yield* spanNamed("outer")
        const inside = [yield* spanNamed("inner"), yield* spanNamed("chat m")]
        const [step] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("DocumentEvent"))
        const times = [...inside.map(({ startTimeUnixMicros }) => startTimeUnixMicros), step!.timeUnixMicros]
        assert.deepStrictEqual(times.map((time) => time - start), [1_000_000, 2_000_000, 2_000_000])
      }).pipe(Effect.provide(Testing.layer())))
  }
})

describe("status", () => {
  const statusOf = (effect: Effect.Effect<unknown, unknown>) =>
    Effect.gen(function*() {
      yield* effect.pipe(withSpan("span"), withTrace("trace"), Effect.exit)
      const recorded = yield* spanNamed("span")
      const trace = yield* traceNamed("trace")
      assert.strictEqual(trace.status, recorded.status)
      assert.deepStrictEqual(trace.error, recorded.error)
      return { status: recorded.status, type: recorded.error?.type, message: recorded.error?.message }
    }).pipe(Effect.provide(Testing.layer()))

  it.effect("an error is told by its tag, otherwise by its name, otherwise by its class", () =>
    Effect.gen(function*() {
      class QuotaExceeded extends Error {}
      const cases: ReadonlyArray<readonly [unknown, string, string]> = [
        [new NotFound({ message: "gone" }), "NotFound", "gone"],
        [{ _tag: "Plain", message: "plain" }, "Plain", "plain"],
        [new TypeError("no function"), "TypeError", "no function"],
        [new QuotaExceeded("enough"), "QuotaExceeded", "enough"],
        ["just text", "string", "just text"],
        [undefined, "undefined", "undefined"],
        [42, "number", "42"]
      ]
      for (const [error, type, message] of cases) {
        assert.deepStrictEqual(yield* statusOf(Effect.fail(error)), { status: "error", type, message })
        assert.deepStrictEqual(yield* statusOf(Effect.die(error)), { status: "error", type, message })
      }
    }))

  it.effect("an error that throws when it is read disturbs nothing", () =>
    Effect.gen(function*() {
      const hostile = {
        get _tag(): string {
          throw new Error("no tag")
        },
        get message(): string {
          throw new Error("no message")
        }
      }
      assert.strictEqual((yield* statusOf(Effect.fail(hostile))).status, "error")
      assert.strictEqual((yield* statusOf(Effect.die(hostile))).status, "error")
    }))

  it.effect("failures speak first, then defects; only pure interruption is interrupted", () =>
    Effect.gen(function*() {
      const fail = Cause.fail(new NotFound({ message: "gone" }))
      const die = Cause.die(new TypeError("broken"))
      const interrupt = Cause.interrupt(yield* Effect.fiberId)
      const ofCause = (cause: Cause.Cause<unknown>) =>
        Effect.map(statusOf(Effect.failCause(cause)), ({ status, type }) => `${status} ${type}`)
      assert.strictEqual(yield* ofCause(Cause.parallel(interrupt, Cause.parallel(die, fail))), "error NotFound")
      assert.strictEqual(yield* ofCause(Cause.sequential(die, fail)), "error NotFound")
      assert.strictEqual(yield* ofCause(Cause.parallel(interrupt, die)), "error TypeError")
      assert.strictEqual(yield* ofCause(Cause.sequential(interrupt, interrupt)), "interrupted undefined")
      assert.strictEqual((yield* statusOf(Effect.failCause(Cause.empty))).status, "error")
    }))

  it.effect("the whole cause is kept, printed", () =>
    Effect.gen(function*() {
      yield* Effect.fail(new NotFound({ message: "gone" })).pipe(
        Effect.ensuring(Effect.die(new Error("while cleaning up"))),
        withSpan("span"),
        withTrace("trace"),
        Effect.exit
      )
      const { error } = yield* spanNamed("span")
      assert.strictEqual(error?.message, "gone")
      assert.include(error?.cause, "while cleaning up")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("an error that is handed over is told as one that was failed with", () =>
    Effect.gen(function*() {
      const error = new NotFound({ message: "gone", cause: new TypeError("broken", { cause: new Error("deep") }) })
      const { endTrace, startTrace } = yield* ObservabilityService
      yield* Effect.exit(withSpan(Effect.fail(error), "failed"))
      yield* logLlmCall({ model: "m", name: "logged", error })
      yield* logDocumentEvent({ documentId: "d", eventType: "parse", status: "failed", error })
      yield* endTrace(yield* startTrace({ name: "ended" }), { error })
      yield* endTrace(yield* startTrace({ name: "of a cause" }), { error: Cause.fail(error) })
      const { cause } = (yield* spanNamed("failed")).error!
      const recorded = yield* Testing.Recorded
      for (
        const told of [
          yield* spanNamed("logged"),
          ...(yield* recorded.of("DocumentEvent")),
          yield* traceNamed("ended"),
          yield* traceNamed("of a cause")
        ]
      ) {
        assert.include(told.error, { type: "NotFound", message: "gone" })
        for (const text of ["TypeError: broken", "Error: deep", "SpanOutcomes.test.ts"]) {
          assert.include(cause, text)
          assert.include(told.error?.cause, text)
        }
      }
    }).pipe(Effect.provide(Testing.layer())))
})

describe("the ambient context", () => {
  it.effect("of parallel siblings is their own: none is below another", () =>
    Effect.gen(function*() {
      const work = (name: string, millis: number) => Effect.sleep(millis).pipe(withSpan(`${name}.1`), withSpan(name))
      const fiber = yield* Effect.all([work("a", 30), work("b", 10), work("c", 20)], { concurrency: "unbounded" }).pipe(
        withSpan("all"),
        withTrace("trace"),
        Effect.fork
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.strictEqual(
        yield* tree,
        [
          "trace trace [success 30ms]",
          "└─ span all [success 30ms]",
          "   ├─ span a [success 30ms]",
          "   │  └─ span a.1 [success 30ms]",
          "   ├─ span b [success 10ms]",
          "   │  └─ span b.1 [success 10ms]",
          "   └─ span c [success 20ms]",
          "      └─ span c.1 [success 20ms]"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is passed on to a forked fiber, and joining that does not change it", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const before = yield* Current
        const fiber = yield* Effect.fork(Effect.yieldNow().pipe(withSpan("forked")))
        yield* Effect.void.pipe(withSpan("beside"))
        yield* Fiber.join(fiber)
        assert.strictEqual(yield* Current, before)
      }).pipe(withSpan("parent"), withTrace("trace"))
      const parent = yield* spanNamed("parent")
      assert.strictEqual((yield* spanNamed("forked")).parentSpanId, parent.spanId)
      assert.strictEqual((yield* spanNamed("beside")).parentSpanId, parent.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("does not come back with a fiber that was forked in a span and is joined after it", () =>
    Effect.gen(function*() {
      const daemon = yield* Effect.forkDaemon(Effect.as(Effect.yieldNow(), 1)).pipe(
        withSpan("over"),
        withTrace("trace")
      )
      assert.strictEqual(yield* Current, undefined)
      assert.strictEqual(yield* Fiber.join(daemon), 1)
      assert.strictEqual(yield* Current, undefined)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is what it was after a race and after a timeout", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.gen(function*() {
        const before = yield* Current
        yield* Effect.race(Effect.sleep(10).pipe(withSpan("a")), Effect.sleep(60_000).pipe(withSpan("b")))
        assert.strictEqual(yield* Current, before)
        yield* Effect.sleep(60_000).pipe(withSpan("c"), Effect.timeoutOption(10))
        assert.strictEqual(yield* Current, before)
      }).pipe(withTrace("trace"), Effect.fork)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual((yield* spans).map((each) => each.status), ["success", "interrupted", "interrupted"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is what it was after requests that were batched, for which Effect goes on in other fibers", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const resolver = RequestResolver.makeBatched((gets: Array<Get>) =>
        Effect.forEach(gets, (get) => Request.succeed(get, get.id)).pipe(
          withSpan(`resolve ${gets.length}`),
          Effect.provideService(ObservabilityService, service)
        )
      )
      yield* Effect.gen(function*() {
        const before = yield* Current
        yield* Effect.forEach([1, 2, 3], (id) =>
          Effect.request(Get({ id }), resolver).pipe(
            withSpan(`get ${id}`),
            Effect.zipRight(Effect.void.pipe(withSpan(`use ${id}`)))
          ), { batching: true, concurrency: 2 })
        assert.strictEqual(yield* Current, before)
        yield* Effect.void.pipe(withSpan("beside"))
      }).pipe(withTrace("trace"))
      const all = yield* spans
      assert.sameMembers(
        all.map(({ name }) => name),
        ["resolve 3", "get 1", "use 1", "get 2", "use 2", "get 3", "use 3", "beside"]
      )
      const trace = yield* traceNamed("trace")
      for (const each of all) assert.strictEqual(each.parentSpanId, trace.spanId, each.name)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("that came from elsewhere is the parent of what runs in it, and is not ended by it", () =>
    Effect.gen(function*() {
      const remote = Either.getOrThrow(
        TraceContext.fromTraceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
      )
      yield* Effect.void.pipe(withSpan("local"), withTraceContext(remote))
      assert.deepInclude(yield* spanNamed("local"), { traceId: remote.traceId, parentSpanId: remote.spanId })
      assert.deepStrictEqual(yield* traces, [])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("the end of a trace", () => {
  it.effect("that the program states itself is the only one, with what the program says", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.gen(function*() {
        const service = yield* ObservabilityService
        const context = yield* Current
        yield* Effect.sleep("10 millis")
        yield* service.endTrace(context!, { status: "error", errorType: "Refused", errorMessage: "policy", output: 1 })
        yield* Effect.sleep("10 millis")
      }).pipe(withTrace("trace"), Effect.fork)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      const { observations } = yield* Testing.Recorded
      const ends = (yield* observations).filter((each) => each._tag === "Trace" && each.status !== "in_progress")
      assert.strictEqual(ends.length, 1)
      assert.deepInclude(ends[0], {
        name: "trace",
        status: "error",
        error: { type: "Refused", message: "policy", cause: undefined },
        output: 1,
        durationMicros: 10_000
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("stands when it is stated again", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "trace" })
      yield* service.endTrace(context, { output: "first" })
      yield* service.endTrace(context, { status: "error", output: "second" })
      assert.deepInclude(yield* traceNamed("trace"), { status: "success", output: "first", revision: closedRevision })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("begun elsewhere takes its start from its id, where that can be the time of it", () =>
    Effect.gen(function*() {
      const now = Date.UTC(2026, 0, 1)
      yield* TestClock.setTime(now)
      const service = yield* ObservabilityService
      const ended = (traceId: string) =>
        Effect.gen(function*() {
          yield* service.endTrace(Either.getOrThrow(TraceContext.fromTraceparent(`00-${traceId}-b7ad6b7169203331-01`)))
          const { durationMicros, startTimeUnixMicros } = (yield* traces).find((trace) => trace.traceId === traceId)!
          return [startTimeUnixMicros / 1_000, durationMicros]
        })
      const idOf = (millis: number) => `${millis.toString(16).padStart(12, "0")}7d73bd8448eb211c80319c`.slice(0, 32)
      assert.deepStrictEqual(yield* ended(idOf(now - 60_000)), [now - 60_000, 60_000_000])
      // as one of 64 random ids: it would have begun in the year 10365
      assert.deepStrictEqual(yield* ended("f0f7651916cd73dd8448eb211c80319c"), [now, undefined])
      assert.deepStrictEqual(yield* ended(idOf(Date.UTC(1971, 0, 1))), [now, undefined])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("comes with a scoped span that had no trace around", () =>
    Effect.gen(function*() {
      yield* Effect.scoped(Effect.zipRight(span("alone"), Effect.fail("no"))).pipe(Effect.exit)
      assert.strictEqual(
        yield* tree,
        "trace alone [error 0ms] string: no\n└─ span alone [error 0ms] string: no"
      )
    }).pipe(Effect.provide(Testing.layer())))
})

describe("annotate", () => {
  it.effect("replaces what is given, and adds attributes to those that are there", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* annotate({ attributes: { a: 1, b: 1 }, output: "first", resultCount: 3 })
        yield* Effect.void.pipe(withSpan("child"))
        yield* annotate({ attributes: { b: 2, c: 3 }, output: "second", topScore: 0.5 })
      }).pipe(withSpan("parent", { attributes: { z: 0 }, input: "why" }), withTrace("trace", { metadata: { m: 1 } }))
      assert.deepInclude(yield* spanNamed("parent"), {
        attributes: { z: 0, a: 1, b: 2, c: 3 },
        input: "why",
        output: "second",
        metrics: { resultCount: 3, topScore: 0.5, pageCount: undefined, chunkCount: undefined }
      })
      assert.strictEqual((yield* spanNamed("child")).attributes, undefined)
      assert.deepStrictEqual((yield* traceNamed("trace")).metadata, { m: 1 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("adds to the trace where there is no span, and does nothing outside of both", () =>
    Effect.gen(function*() {
      yield* annotate({ attributes: { lost: 1 }, promptTokens: 5 })
      yield* annotate({ attributes: { a: 1 }, input: "in", output: "out" }).pipe(
        withTrace("trace", { metadata: { m: 1 } })
      )
      assert.deepInclude(yield* traceNamed("trace"), { metadata: { m: 1, a: 1 }, input: "in", output: "out" })
      assert.strictEqual((yield* (yield* Testing.Recorded).observations).length, 1)
    }).pipe(Effect.provide(Testing.layer())))
})
