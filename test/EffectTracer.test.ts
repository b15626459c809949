/** Native spans and those of this library in one tree, whoever traces beside. */
import { NodeSdk } from "@effect/opentelemetry"
import { assert, describe, it } from "@effect/vitest"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Deferred, Effect, FastCheck, Fiber, Layer, Option, Schedule, Stream, TestClock, Tracer } from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import { logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Span } from "../src/Observation.ts"
import { span, withSpan, withSpanStream, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

const recording = (options?: EffectTracer.Options) =>
  EffectTracer.layer(options).pipe(Layer.provideMerge(Testing.layer()))

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))

/** Names of all spans, each behind those of its parents. */
const paths = Effect.map(spans, (all) => {
  const byId = new Map(all.map((each) => [each.spanId, each]))
  const path = (each: Span): string => {
    const parent = each.parentSpanId === undefined ? undefined : byId.get(each.parentSpanId)
    return parent === undefined ? each.name : `${path(parent)}/${each.name}`
  }
  return all.map(path).sort()
})

const named = (name: string) => Effect.map(spans, (all) => all.find((each) => each.name === name)!)

describe("a native span", () => {
  it.effect("and one of this library are each other's parents, to any depth", () =>
    Effect.gen(function*() {
      yield* logLlmCall({ model: "m" }).pipe(
        Effect.withSpan("native 2"),
        withSpan("own 2"),
        withSpan("own 1"),
        Effect.withSpan("native 1"),
        withTrace("trace")
      )
      assert.deepStrictEqual(yield* paths, [
        "native 1",
        "native 1/own 1",
        "native 1/own 1/own 2",
        "native 1/own 1/own 2/native 2",
        "native 1/own 1/own 2/native 2/chat m"
      ])
      const traces = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))
      assert.deepStrictEqual(traces.map(({ name, status }) => [name, status]), [["trace", "success"]])
    }).pipe(Effect.provide(recording())))

  it.effect("is the current context of what runs in it", () =>
    Effect.gen(function*() {
      const [native, current] = yield* Effect.all([Effect.currentSpan, TraceContext.current]).pipe(
        Effect.withSpan("native")
      )
      assert.strictEqual(Option.getOrThrow(current).spanId, native.spanId)
      assert.strictEqual(Option.getOrThrow(current).traceId, native.traceId)
      assert.isFalse(native.sampled)
    }).pipe(withTrace("t", { sampled: false }), Effect.provide(recording())))

  it.effect("has one context, however often and wherever it is asked for", () =>
    Effect.gen(function*() {
      const ask = TraceContext.current
      const [first, [second, third]] = yield* Effect.all([ask, Effect.all([ask, ask])]).pipe(Effect.withSpan("native"))
      const contexts = [first, second, third].map(Option.getOrThrow)
      assert.strictEqual(new Set(contexts).size, 1)
    }).pipe(Effect.provide(recording())))

  it.effect("is for the user, session and knowledge base of what it belongs to, also below others of its kind", () =>
    Effect.gen(function*() {
      const subjects = { userId: "ada", sessionId: "s", kbId: "kb" }
      yield* Effect.void.pipe(
        Effect.withSpan("inner"),
        Effect.withSpan("outer"),
        withSpan("own"),
        withTrace("trace", subjects)
      )
      for (const { kbId, sessionId, userId } of yield* spans) {
        assert.deepStrictEqual({ userId, sessionId, kbId }, subjects)
      }
      assert.lengthOf(yield* spans, 3)
    }).pipe(Effect.provide(recording())))

  it.effect("without any around it begins a trace of its own, which ends with it", () =>
    Effect.gen(function*() {
      yield* Effect.fail("no").pipe(Effect.withSpan("alone"), Effect.ignore)
      const [trace] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))
      assert.deepInclude(trace, { name: "alone", status: "error" })
      assert.strictEqual((yield* named("alone")).parentSpanId, trace!.spanId)
    }).pipe(Effect.provide(recording())))

  it.effect("that is a root leaves the trace around it", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(Effect.withSpan("root", { root: true }), Effect.withSpan("around"), withTrace("trace"))
      assert.notStrictEqual((yield* named("root")).traceId, (yield* named("around")).traceId)
    }).pipe(Effect.provide(recording())))

  it.effect("continues an external one with valid ids, and none with others", () =>
    Effect.gen(function*() {
      const traceId = "0af7651916cd43dd8448eb211c80319c"
      const spanId = "b7ad6b7169203331"
      const below = (
        external: { readonly traceId: string; readonly spanId: string },
        name: string
      ): Effect.Effect<Span, never, Testing.Recorded> =>
        Effect.zipRight(
          Effect.void.pipe(Effect.withSpan(name, { parent: Tracer.externalSpan(external) })),
          named(name)
        )
      assert.deepInclude((yield* below({ traceId, spanId }, "valid")) as object, {
        traceId,
        parentSpanId: spanId,
        parentIsRemote: true
      })
      for (
        const wrong of [{ traceId: "0".repeat(32), spanId }, { traceId, spanId: "not an id" }, { traceId: "", spanId }]
      ) {
        const started = yield* below(wrong, `wrong ${wrong.traceId}${wrong.spanId}`)
        assert.notStrictEqual(started.traceId, wrong.traceId)
        assert.isFalse(started.parentIsRemote)
      }
    }).pipe(Effect.provide(recording())))

  it.effect("has its links, and at most 128 events, and a count of the others", () =>
    Effect.gen(function*() {
      const other = yield* Effect.makeSpan("other")
      yield* Effect.gen(function*() {
        const current = yield* Effect.currentSpan
        for (let index = 0; index < 130; index++) current.event(`event ${index}`, 0n, { index })
      }).pipe(Effect.linkSpans(other, { why: "because" }), Effect.withSpan("linked"))
      const linked = yield* named("linked")
      assert.strictEqual(linked.events!.length, 128)
      assert.deepInclude(linked.events![127], { name: "event 127", attributes: { index: 127 } })
      assert.deepInclude(linked.attributes, { "observability.dropped_events": 2 })
      yield* Effect.void.pipe(
        Effect.withSpan("linking", { links: [{ _tag: "SpanLink", span: other, attributes: { a: 1 } }] })
      )
      assert.deepStrictEqual((yield* named("linking")).links, [
        { traceId: other.traceId, spanId: other.spanId, attributes: { a: 1 } } as unknown as NonNullable<
          Span["links"]
        >[0]
      ])
    }).pipe(Effect.provide(recording())))

  it.effect("that begins in a daemon after its parent ended is a trace of its own, with a link to it", () =>
    Effect.gen(function*() {
      const go = yield* Deferred.make<void>()
      const daemon = yield* Deferred.await(go).pipe(
        Effect.zipRight(Effect.withSpan(Effect.void, "late")),
        Effect.forkDaemon,
        Effect.withSpan("request")
      )
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(daemon)
      const [request, late] = [yield* named("request"), yield* named("late")]
      assert.notStrictEqual(late.traceId, request.traceId)
      assert.deepInclude(late.links![0], { traceId: request.traceId, spanId: request.spanId })
    }).pipe(Effect.provide(recording())))

  it.effect("that begins in a daemon while its parent runs is its child", () =>
    Effect.gen(function*() {
      yield* Effect.withSpan(Effect.void, "early").pipe(
        Effect.forkDaemon,
        Effect.flatMap(Fiber.join),
        Effect.withSpan("request")
      )
      assert.deepStrictEqual(yield* paths, ["request", "request/early"])
    }).pipe(Effect.provide(recording())))

  it.effect("of a disabled tracer is not there", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(Effect.withSpan("off"), Effect.withTracerEnabled(false), withSpan("own"))
      assert.deepStrictEqual(yield* paths, ["own"])
    }).pipe(Effect.provide(recording())))

  it.effect("is what it is without the layer, where nothing is recorded", () =>
    Effect.gen(function*() {
      const native = yield* Effect.currentSpan.pipe(Effect.withSpan("native"))
      assert.strictEqual(native.name, "native")
    }).pipe(Effect.provide(EffectTracer.layer().pipe(Layer.provideMerge(ObservabilityService.layerNoop)))))
})

describe("a filter", () => {
  const wanted = ({ attributes, kind, name }: EffectTracer.Candidate) =>
    !name.startsWith("skip") && kind !== "producer" && attributes["noise"] !== true

  it.effect("leaves spans out, whose children belong to the nearest one that is kept", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(
        Effect.withSpan("native"),
        withSpan("own"),
        Effect.withSpan("skip by name"),
        Effect.withSpan("kind", { kind: "producer" }),
        Effect.withSpan("attribute", { attributes: { noise: true } }),
        Effect.withSpan("kept"),
        Effect.withSpan("skip the root")
      )
      assert.deepStrictEqual(yield* paths, ["kept", "kept/own", "kept/own/native"])
    }).pipe(Effect.provide(recording({ shouldRecord: wanted }))))

  it.effect("that throws lets everything through", () =>
    Effect.gen(function*() {
      yield* Effect.withSpan(Effect.void, "native")
      assert.deepStrictEqual(yield* paths, ["native"])
    }).pipe(Effect.provide(recording({
      shouldRecord: () => {
        throw new Error("hostile")
      }
    }))))
})

describe("another tracer", () => {
  it.effect("sees every span, under the ids and below the parents that are recorded", () =>
    Effect.gen(function*() {
      const exporter = new InMemorySpanExporter()
      const OpenTelemetry = NodeSdk.layer(() => ({
        resource: { serviceName: "test" },
        spanProcessor: new SimpleSpanProcessor(exporter)
      }))
      const Traced = EffectTracer.layer({ shouldRecord: ({ name }) => name !== "unrecorded" }).pipe(
        Layer.provideMerge(Testing.layer()),
        Layer.provide(OpenTelemetry)
      )
      yield* Effect.gen(function*() {
        yield* Effect.void.pipe(
          Effect.withSpan("leaf", { attributes: { a: 1 } }),
          withSpan("own"),
          Effect.withSpan("unrecorded"),
          Effect.withSpan("root")
        )
        const [root, own, leaf] = [yield* named("root"), yield* named("own"), yield* named("leaf")]
        const [theirLeaf, theirUnrecorded, theirRoot] = exporter.getFinishedSpans()
        assert.deepStrictEqual([theirLeaf!.name, theirUnrecorded!.name, theirRoot!.name], [
          "leaf",
          "unrecorded",
          "root"
        ])
        for (const [theirs, ours] of [[theirRoot!, root], [theirLeaf!, leaf]] as const) {
          assert.deepInclude(theirs.spanContext(), { traceId: ours.traceId, spanId: ours.spanId })
        }
        assert.strictEqual(theirLeaf!.parentSpanContext!.spanId, own.spanId)
        assert.strictEqual(own.parentSpanId, root.spanId)
        assert.deepInclude(leaf.attributes, { a: 1 })
        assert.deepInclude(theirLeaf!.attributes, { a: 1 })
      }).pipe(Effect.provide(Traced))
    }))
})

const concurrent = {
  mapEffect: (numbers: Stream.Stream<number>, job: (number: number) => Effect.Effect<void>) =>
    Stream.mapEffect(numbers, job, { concurrency: 2, unordered: true }),
  flatMap: (numbers: Stream.Stream<number>, job: (number: number) => Effect.Effect<void>) =>
    Stream.flatMap(numbers, (number) => Stream.fromEffect(job(number)), { concurrency: 2 })
}

describe("an attempt of a retry", () => {
  const attempts = Effect.map(
    spans,
    (all) =>
      all.filter(({ name }) => name === "attempt").map(({ attributes }) =>
        Object.fromEntries(Object.entries(attributes ?? {}).filter(([key]) => key.startsWith("schedule.")))
      )
  )

  for (
    const [form, traced] of [
      ["native", Effect.withSpan(Effect.fail(new Error("busy")), "attempt")],
      ["own", withSpan(Effect.fail(new Error("busy")), "attempt")]
    ] as const
  ) {
    it.effect(`says the how-manieth it is, why, and after which delay (${form})`, () =>
      Effect.gen(function*() {
        const fiber = yield* traced.pipe(
          Effect.retry({ times: 2, schedule: Schedule.spaced("1 second") }),
          Effect.ignore,
          withTrace("trace"),
          Effect.fork
        )
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual(yield* attempts, [
          {},
          { "schedule.recurrence": 1, "schedule.error": "Error: busy", "schedule.delay_ms": 1_000 },
          { "schedule.recurrence": 2, "schedule.error": "Error: busy", "schedule.delay_ms": 1_000 }
        ])
      }).pipe(Effect.provide(recording())))
  }
})

it.effect("an attempt comes after no negative delay, though the clock is set back", () =>
  Effect.gen(function*() {
    yield* TestClock.adjust("1 hour")
    const schedule = Schedule.recurs(1).pipe(Schedule.tapOutput(() => TestClock.setTime(0)))
    yield* Effect.fail("busy").pipe(withSpan("attempt"), Effect.retry(schedule), Effect.ignore, withTrace("trace"))
    const delays = (yield* spans).map(({ attributes }) => attributes?.["schedule.delay_ms"])
    assert.deepStrictEqual(delays, [undefined, 0])
  }).pipe(Effect.provide(recording())))

it.effect("spans of either kind are of one attempt", () =>
  Effect.gen(function*() {
    const attempt = Effect.zipRight(
      Effect.void.pipe(Effect.withSpan("native")),
      Effect.fail("busy").pipe(withSpan("own"))
    )
    yield* attempt.pipe(Effect.retry(Schedule.recurs(1)), Effect.ignore, Effect.withSpan("job"), withTrace("trace"))
    const recurrences = (yield* spans).map(({ attributes, name }) => [name, attributes?.["schedule.recurrence"]])
    assert.deepStrictEqual(
      recurrences.filter(([name]) => name !== "job"),
      [["native", undefined], ["own", undefined], ["native", 1], ["own", 1]]
    )
  }).pipe(Effect.provide(recording())))

describe("what an attempt starts", () => {
  const recurrences = Effect.map(
    spans,
    (all) =>
      all.filter(({ name }) => name.startsWith("job")).map(({ attributes, name }) => [
        name,
        attributes?.["schedule.recurrence"]
      ])
  )

  it.effect("and outlives it, is none of it", () =>
    Effect.gen(function*() {
      let attempts = 0
      const connect = Effect.suspend(() => ++attempts === 1 ? Effect.fail(new Error("starting")) : Effect.void)
      const worker = Effect.forEach([1, 2, 3], (job) => Effect.void.pipe(withSpan(`job ${job}`)))
      const fiber = yield* Effect.retry(
        connect.pipe(withSpan("connect"), Effect.zipRight(Effect.forkDaemon(worker))),
        Schedule.recurs(3)
      )
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(yield* recurrences, [["job 1", undefined], ["job 2", undefined], ["job 3", undefined]])
    }).pipe(Effect.provide(recording())))

  it.effect("in a fiber of a timeout is one of it", () =>
    Effect.gen(function*() {
      let attempts = 0
      const job = Effect.suspend(() => ++attempts === 1 ? Effect.fail(new Error("busy")) : Effect.void)
      yield* job.pipe(withSpan("job"), Effect.timeout("1 second"), Effect.retry(Schedule.recurs(3)))
      assert.deepStrictEqual(yield* recurrences, [["job", undefined], ["job", 1]])
    }).pipe(Effect.provide(recording())))

  for (const [form, concurrently] of Object.entries(concurrent)) {
    it.effect(`is no turn of a stream's (${form})`, () =>
      Effect.gen(function*() {
        const job = (number: number) => Effect.void.pipe(Effect.withSpan(`job ${number}`))
        yield* Stream.runDrain(concurrently(Stream.range(1, 3), job))
        const named = (yield* recurrences).toSorted()
        assert.deepStrictEqual(named, [["job 1", undefined], ["job 2", undefined], ["job 3", undefined]])
      }).pipe(Effect.provide(recording())))
  }
})

type Step = "native" | "own" | "scoped" | "stream" | "own stream" | "fork"

const wrap = (self: Effect.Effect<void, never, ObservabilityService>, step: Step, name: string) => {
  switch (step) {
    case "native":
      return Effect.withSpan(self, name)
    case "own":
      return withSpan(self, name)
    case "scoped":
      return Effect.scoped(Effect.zipRight(Effect.makeSpanScoped(`beside ${name}`), self)).pipe(Effect.withSpan(name))
    case "stream":
      return Stream.fromEffect(self).pipe(Stream.withSpan(name), Stream.runDrain)
    case "own stream":
      return Stream.fromEffect(self).pipe(withSpanStream(name), Stream.runDrain)
    case "fork":
      return Effect.fork(self).pipe(Effect.flatMap(Fiber.join), withSpan(name))
  }
}

describe("any mixture", () => {
  it.effect.prop("of native and own spans is one chain of parents", [
    FastCheck.array(FastCheck.constantFrom<Step>("native", "own", "scoped", "stream", "own stream", "fork"), {
      minLength: 1,
      maxLength: 8
    })
  ], ([steps]) =>
    Effect.gen(function*() {
      const inner = Effect.scoped(Effect.asVoid(span("leaf")))
      yield* steps.reduceRight((self, step, index) => wrap(self, step, String(index)), inner)
      const chain = [...steps.keys(), "leaf"].map(String)
      const recorded = yield* paths
      for (let length = 1; length <= chain.length; length++) {
        assert.include(recorded, chain.slice(0, length).join("/"))
      }
    }).pipe(Effect.provide(recording())), { fastCheck: { numRuns: 100 } })
})
