/** When the span of a stream begins and ends, and what it says about the stream. */
import { assert, describe, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Exit, Fiber, Option, Ref, Stream, TestClock } from "effect"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { annotate, withSpan, withSpanStream, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { Current } from "../src/TraceContext.ts"

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))

const spanNamed = (name: string) =>
  Effect.map(spans, (all) => {
    const found = all.filter((candidate) => candidate.name === name)
    assert.strictEqual(found.length, 1, `spans named ${name}`)
    return found[0]!
  })

const onTestClock = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

const ticks = (count: number) =>
  Stream.range(1, count).pipe(Stream.rechunk(1), Stream.tap(() => Effect.sleep("100 millis")))

describe("withSpanStream", () => {
  it.effect("a stream that is exhausted ends its span as success, with what it gave and when", () =>
    Effect.gen(function*() {
      const all = yield* onTestClock(
        ticks(3).pipe(withSpanStream("stream", { type: "llm" }), Stream.runCollect, withTrace("trace"))
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(all), [1, 2, 3])
      const stream = yield* spanNamed("stream")
      assert.deepInclude(stream, {
        type: "llm",
        status: "success",
        durationMicros: 300_000,
        attributes: { "stream.elements": 3, "stream.time_to_first_element_ms": 100 }
      })
      assert.strictEqual(stream.modelCall?.timeToFirstTokenMicros, 100_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("an empty stream has no first element", () =>
    Effect.gen(function*() {
      yield* onTestClock(
        Stream.empty.pipe(Stream.concat(Stream.execute(Effect.sleep(50))), withSpanStream("s"), Stream.runDrain)
      )
      assert.deepInclude(yield* spanNamed("s"), {
        status: "success",
        durationMicros: 50_000,
        attributes: { "stream.elements": 0 },
        modelCall: undefined
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the first element comes after no negative time, though the clock is set back", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      yield* Stream.fromEffect(TestClock.setTime(0)).pipe(withSpanStream("s", { type: "llm" }), Stream.runDrain)
      const { attributes, modelCall } = yield* spanNamed("s")
      assert.deepStrictEqual(attributes, { "stream.elements": 1, "stream.time_to_first_element_ms": 0 })
      assert.strictEqual(modelCall?.timeToFirstTokenMicros, 0)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("elements and their chunks pass unchanged", () =>
    Effect.gen(function*() {
      const source = Stream.fromChunks(Chunk.make(1, 2, 3), Chunk.empty<number>(), Chunk.make(4), Chunk.make(5, 6))
      const chunksOf = (stream: Stream.Stream<number, never, ObservabilityService>) =>
        Effect.map(
          Stream.runCollect(Stream.chunks(stream)),
          (chunks) => Chunk.toReadonlyArray(chunks).map(Chunk.toReadonlyArray).filter((chunk) => chunk.length > 0)
        )
      assert.deepStrictEqual(yield* chunksOf(withSpanStream(source, "s")), yield* chunksOf(source))
      assert.deepInclude((yield* spanNamed("s")).attributes, { "stream.elements": 6 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a stream that fails ends its span with its error, which passes unchanged", () =>
    Effect.gen(function*() {
      const error = new TypeError("broken")
      const exit = yield* onTestClock(
        ticks(2).pipe(Stream.concat(Stream.fail(error)), withSpanStream("s"), Stream.runDrain, Effect.exit)
      )
      assert.deepStrictEqual(exit, Exit.fail(error))
      const stream = yield* spanNamed("s")
      assert.strictEqual(stream.status, "error")
      assert.deepInclude(stream.error, { type: "TypeError", message: "broken" })
      assert.deepStrictEqual(stream.attributes, { "stream.elements": 2, "stream.time_to_first_element_ms": 100 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a stream that dies ends its span with its defect", () =>
    Effect.gen(function*() {
      const exit = yield* Stream.make(1).pipe(
        Stream.concat(Stream.die(new TypeError("broken"))),
        withSpanStream("s"),
        Stream.runDrain,
        Effect.exit
      )
      assert.isTrue(Exit.isFailure(exit))
      assert.deepInclude((yield* spanNamed("s")).error, { type: "TypeError", message: "broken" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a stream that is interrupted ends its span as interrupted, and is not called abandoned", () =>
    Effect.gen(function*() {
      const fiber = yield* Effect.fork(
        ticks(1).pipe(Stream.concat(Stream.never), withSpanStream("s"), Stream.runDrain, withTrace("trace"))
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepInclude(yield* spanNamed("s"), {
        status: "interrupted",
        durationMicros: 1_000_000,
        attributes: { "stream.elements": 1, "stream.time_to_first_element_ms": 100 }
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a stream of which the consumer takes some ends its span then, as success, abandoned", () =>
    Effect.gen(function*() {
      yield* onTestClock(
        ticks(10).pipe(withSpanStream("s"), Stream.take(2), Stream.runDrain, withTrace("trace"))
      )
      assert.deepInclude(yield* spanNamed("s"), {
        status: "success",
        durationMicros: 200_000,
        attributes: { "stream.elements": 2, "stream.time_to_first_element_ms": 100, "stream.abandoned": true }
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("runHead and takeUntil abandon, too, and the span is over before the consumer goes on", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* onTestClock(Effect.gen(function*() {
        assert.deepStrictEqual(yield* Stream.runHead(withSpanStream(ticks(10), "head")), Option.some(1))
        assert.strictEqual((yield* service.stats).openSpans, 0)
        yield* Stream.runDrain(Stream.takeUntil(withSpanStream(ticks(10), "until"), (each) => each === 3))
        assert.strictEqual((yield* service.stats).openSpans, 0)
      }))
      assert.deepInclude((yield* spanNamed("head")).attributes, { "stream.elements": 1, "stream.abandoned": true })
      assert.deepInclude((yield* spanNamed("until")).attributes, { "stream.elements": 3, "stream.abandoned": true })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a stream that is never pulled has no span", () =>
    Effect.gen(function*() {
      const stream = withSpanStream(ticks(3), "s")
      yield* Stream.runDrain(Stream.take(stream, 0))
      yield* Stream.runDrain(Stream.concat(Stream.make(0), stream).pipe(Stream.take(1)))
      assert.deepStrictEqual(yield* spans, [])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("an effect that returns a stream does not hold the stream's span: it begins with the first pull", () =>
    Effect.gen(function*() {
      yield* onTestClock(
        Effect.gen(function*() {
          const stream = yield* Effect.succeed(withSpanStream(ticks(1), "s")).pipe(withSpan("returns"))
          yield* Effect.sleep("1 second")
          yield* Stream.runDrain(stream)
        }).pipe(withTrace("trace"))
      )
      assert.strictEqual((yield* spanNamed("returns")).durationMicros, 0)
      assert.deepInclude(yield* spanNamed("s"), { startTimeUnixMicros: 1_000_000, durationMicros: 100_000 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("what the stream does is below its span, what the consumer does is not", () =>
    Effect.gen(function*() {
      yield* Stream.make(1, 2).pipe(
        Stream.mapEffect((each) => Effect.succeed(each).pipe(withSpan(`produce ${each}`))),
        withSpanStream("stream"),
        Stream.runForEach((each) => Effect.void.pipe(withSpan(`consume ${each}`))),
        withSpan("consumer"),
        withTrace("trace")
      )
      const { tree } = yield* Testing.Recorded
      const consumer = yield* spanNamed("consumer")
      const stream = yield* spanNamed("stream")
      assert.strictEqual(stream.parentSpanId, consumer.spanId, yield* tree)
      for (const each of [1, 2]) {
        assert.strictEqual((yield* spanNamed(`produce ${each}`)).parentSpanId, stream.spanId)
        assert.strictEqual((yield* spanNamed(`consume ${each}`)).parentSpanId, consumer.spanId)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the ambient context is restored after the stream, however it ended", () =>
    Effect.gen(function*() {
      const streams: ReadonlyArray<Stream.Stream<number, string>> = [
        Stream.make(1),
        Stream.concat(Stream.make(1), Stream.fail("error")),
        Stream.concat(Stream.make(1), Stream.die("defect"))
      ]
      for (const stream of streams) {
        const before = yield* Current
        yield* stream.pipe(withSpanStream("s"), Stream.runDrain, Effect.exit)
        assert.strictEqual(yield* Current, before)
      }
    }).pipe(withTrace("trace"), Effect.provide(Testing.layer())))

  it.effect("finalizers of the stream run before its span ends, and inside of it", () =>
    Effect.gen(function*() {
      const seen = yield* Ref.make<string | undefined>(undefined)
      yield* onTestClock(
        Stream.acquireRelease(Effect.void, () =>
          Effect.sleep("70 millis").pipe(
            Effect.zipRight(Current),
            Effect.flatMap((context) => Ref.set(seen, context?.spanId))
          )).pipe(withSpanStream("s"), Stream.runDrain)
      )
      const stream = yield* spanNamed("s")
      assert.strictEqual(stream.durationMicros, 70_000)
      assert.strictEqual(yield* Ref.get(seen), stream.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  const forms: Record<
    string,
    (said: Effect.Effect<void, never, ObservabilityService>) => Stream.Stream<number, never, ObservabilityService>
  > = {
    ensuring: (said) => Stream.ensuring(Stream.make(1, 2), said),
    ensuringWith: (said) => Stream.ensuringWith(Stream.make(1, 2), () => said),
    onDone: (said) => Stream.onDone(Stream.make(1, 2), () => said),
    onEnd: (said) => Stream.onEnd(Stream.make(1, 2), said),
    acquireRelease: (said) => Stream.acquireRelease(Effect.void, () => said).pipe(Stream.as(1)),
    finalizer: (said) => Stream.finalizer(said).pipe(Stream.as(1))
  }
  for (const [form, streamOf] of Object.entries(forms)) {
    it.effect(`what is said in ${form} is said of the stream's span, and is no total of the trace's`, () =>
      Effect.gen(function*() {
        const answer = (tokens: number) =>
          streamOf(annotate({ model: "m", promptTokens: tokens })).pipe(
            withSpanStream(`answer ${tokens}`, { type: "llm" }),
            Stream.runDrain
          )
        yield* Effect.all([answer(1_000), answer(10)]).pipe(withTrace("trace"))
        const said = (yield* spans).map(({ modelCall, name }) => [name, modelCall?.usage?.uncachedInputTokens])
        assert.deepStrictEqual(said, [["answer 1000", 1_000], ["answer 10", 10]])
        const [trace] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))
        assert.deepInclude(trace!.totals, { inputTokens: 1_010, stated: false })
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("a stream that runs twice has two spans", () =>
    Effect.gen(function*() {
      const stream = withSpanStream(Stream.make(1), "s")
      yield* Stream.runDrain(stream)
      yield* Stream.runDrain(stream)
      assert.strictEqual(new Set((yield* spans).map((each) => each.spanId)).size, 2)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("merged streams have a span each, below the same parent", () =>
    Effect.gen(function*() {
      yield* onTestClock(
        Stream.merge(withSpanStream(ticks(2), "left"), withSpanStream(ticks(3), "right")).pipe(
          Stream.runDrain,
          withSpan("parent"),
          withTrace("trace")
        )
      )
      const parent = yield* spanNamed("parent")
      assert.deepInclude(yield* spanNamed("left"), { parentSpanId: parent.spanId, durationMicros: 200_000 })
      assert.deepInclude(yield* spanNamed("right"), { parentSpanId: parent.spanId, durationMicros: 300_000 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a span is over when its stream is, though what was given is still being worked on", () =>
    Effect.gen(function*() {
      const work = () => Effect.sleep("5 seconds")
      const failing = (name: string) => ticks(2).pipe(Stream.concat(Stream.fail("broken")), withSpanStream(name))
      yield* onTestClock(
        Effect.gen(function*() {
          yield* ticks(2).pipe(
            withSpanStream("concurrent"),
            Stream.mapEffect(work, { concurrency: 4 }),
            Stream.runDrain
          )
          yield* ticks(2).pipe(withSpanStream("buffered"), Stream.buffer({ capacity: 4 }), Stream.runForEach(work))
          yield* failing("failing").pipe(Stream.buffer({ capacity: 4 }), Stream.runForEach(work), Effect.exit)
        }).pipe(withTrace("trace"))
      )
      const attributes = { "stream.elements": 2, "stream.time_to_first_element_ms": 100 }
      const expected = { status: "success" as const, durationMicros: 200_000, attributes }
      assert.deepInclude(yield* spanNamed("concurrent"), expected)
      assert.deepInclude(yield* spanNamed("buffered"), expected)
      assert.deepInclude(yield* spanNamed("failing"), { ...expected, status: "error" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the end of a span is written once, with everything about the stream", () =>
    Effect.gen(function*() {
      yield* onTestClock(ticks(2).pipe(withSpanStream("whole"), Stream.runDrain, withTrace("trace")))
      yield* onTestClock(ticks(2).pipe(withSpanStream("part"), Stream.take(1), Stream.runDrain, withTrace("trace")))
      yield* TestClock.adjust("1 minute")
      const { observations } = yield* Testing.Recorded
      const ends = (yield* observations).filter((each) => each._tag === "Span" && each.status !== "in_progress")
      assert.deepStrictEqual(ends.map((each) => each._tag === "Span" && each.name), ["whole", "part"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a consumer that fails ends the span at once", () =>
    Effect.gen(function*() {
      const done = yield* Deferred.make<void>()
      yield* onTestClock(
        ticks(10).pipe(
          withSpanStream("s"),
          Stream.runForEach(() => Effect.fail("consumer")),
          Effect.exit,
          Effect.zipRight(Deferred.succeed(done, undefined)),
          withTrace("trace")
        )
      )
      const stream = yield* spanNamed("s")
      assert.strictEqual(stream.durationMicros, 100_000)
      assert.strictEqual(stream.status, "success", "the stream has done well")
      assert.strictEqual(stream.attributes?.["stream.abandoned"], true)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("without the library it is the stream itself", () =>
    Effect.gen(function*() {
      const all = yield* Stream.runCollect(withSpanStream(Stream.make(1, 2), "s"))
      assert.deepStrictEqual(Chunk.toReadonlyArray(all), [1, 2])
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})
