/** What a program states to be a failure, of spans and traces whose effects may succeed all the same. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Effect, Exit, Stream } from "effect"
import * as EffectTracer from "../src/EffectTracer.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { ErrorDetails } from "../src/Observation.ts"
import * as Provider from "../src/Provider.ts"
import { annotate, span, withSpan, withSpanStream, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}
class Broken extends Data.TaggedError("Broken")<{ readonly message: string }> {}

const refused = new Refused({ message: "not today" })
const broken = new Broken({ message: "the wire" })

const tree = Effect.flatMap(Testing.Recorded, (recorded) => recorded.tree)
const theSpan = Effect.map(Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span")), (all) => all[0]!)
const theTrace = Effect.map(Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace")), (all) => all[0]!)

const textOf = (error: ErrorDetails | undefined) => error === undefined ? undefined : `${error.type}: ${error.message}`

describe("a span that states an error", () => {
  it.effect("has failed, with what its effect gives, and the trace around it has not", () =>
    Effect.gen(function*() {
      const answer = yield* Effect.as(annotate({ error: refused, output: "a fallback" }), 42).pipe(
        withSpan("agent", { type: "agent" }),
        withTrace("chat")
      )
      assert.strictEqual(answer, 42)
      assert.strictEqual(
        yield* tree,
        ["trace chat [success 0ms]", "└─ agent agent [error 0ms] Refused: not today"].join("\n")
      )
      const { error, output } = yield* theSpan
      assert.strictEqual(output, "a fallback")
      assert.include(error!.cause!, "Refused")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("makes the trace fail that was begun for it alone", () =>
    Effect.gen(function*() {
      yield* annotate({ error: refused }).pipe(withSpan("agent"))
      assert.strictEqual(
        yield* tree,
        [
          "trace agent [error 0ms] Refused: not today",
          "└─ span agent [error 0ms] Refused: not today"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("has the last of several, and none after null; what is undefined is not said", () =>
    Effect.gen(function*() {
      yield* annotate({ error: refused }).pipe(
        Effect.zipRight(annotate({ error: broken })),
        Effect.zipRight(annotate({ error: undefined, output: 1 })),
        withSpan("twice")
      )
      yield* annotate({ error: refused }).pipe(Effect.zipRight(annotate({ error: null })), withSpan("taken back"))
      yield* annotate({ error: null }).pipe(withSpan("none"))
      assert.strictEqual(
        yield* tree,
        [
          "trace twice [error 0ms] Broken: the wire",
          "└─ span twice [error 0ms] Broken: the wire",
          "trace taken back [success 0ms]",
          "└─ span taken back [success 0ms]",
          "trace none [success 0ms]",
          "└─ span none [success 0ms]"
        ].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("may be told of it, and of its being taken back, when it is over", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const handle = yield* Effect.scoped(span("late"))
      yield* service.updateSpan(handle, { error: refused })
      const failed = ["trace late [error 0ms] Refused: not today", "└─ span late [error 0ms] Refused: not today"]
      assert.strictEqual(yield* tree, failed.join("\n"))
      yield* service.updateSpan(handle, { error: null })
      assert.strictEqual(yield* tree, ["trace late [success 0ms]", "└─ span late [success 0ms]"].join("\n"))
    }).pipe(Effect.provide(Testing.layer())))

  for (const [name, exit] of [["failure", Exit.fail(broken)], ["defect", Exit.die(broken)]] as const) {
    it.effect(`keeps it beside a ${name} of its own, which goes first`, () =>
      Effect.gen(function*() {
        const ended = yield* Effect.exit(annotate({ error: refused }).pipe(Effect.zipRight(exit), withSpan("both")))
        assert.deepStrictEqual(ended, exit)
        const { attributes, error, status } = yield* theSpan
        assert.strictEqual(status, "error")
        assert.strictEqual(textOf(error), "Broken: the wire")
        const stated = { "observability.stated_error": { type: "Refused", message: "not today" } }
        assert.deepStrictEqual(attributes, stated)
        assert.deepStrictEqual((yield* theTrace).metadata, stated)
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("tells one and the same error once", () =>
    Effect.gen(function*() {
      yield* Effect.fail(refused).pipe(Effect.tapError((error) => annotate({ error })), withSpan("one"), Effect.exit)
      const { attributes, error } = yield* theSpan
      assert.strictEqual(textOf(error), "Refused: not today")
      assert.isUndefined(attributes)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("has failed also when it is interrupted, or left open, after that", () =>
    Effect.gen(function*() {
      yield* annotate({ error: refused }).pipe(Effect.zipRight(Effect.interrupt), withSpan("cut"), Effect.exit)
      const { error, status } = yield* theSpan
      assert.deepStrictEqual([status, textOf(error)], ["error", "Refused: not today"])

      const memory = Provider.memory()
      yield* Effect.gen(function*() {
        const service = yield* ObservabilityService
        const context = yield* service.startTrace({ name: "open" })
        yield* service.updateSpan(context, { error: refused })
      }).pipe(Effect.provide(ObservabilityService.layer({ providers: [memory] })))
      const last = memory.records.at(-1)!
      assert.deepInclude(last, { _tag: "Trace", status: "error" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("shows it while it runs", () =>
    Effect.gen(function*() {
      yield* annotate({ error: refused }).pipe(
        Effect.zipRight(theSpan),
        Effect.tap(({ error, status }) =>
          Effect.sync(() => assert.deepStrictEqual([status, textOf(error)], ["in_progress", "Refused: not today"]))
        ),
        withSpan("running")
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("may state a cause, a text, or something that cannot be read", () =>
    Effect.gen(function*() {
      const unreadable = {
        get message(): string {
          throw new Error("no")
        }
      }
      const all: Array<string | undefined> = []
      for (const error of [Cause.die(broken), "just a text", { isError: true }, unreadable, 0, false]) {
        yield* annotate({ error }).pipe(withSpan("s"))
        const { error: recorded, status } = yield* theSpan
        assert.strictEqual(status, "error")
        all.push(textOf(recorded))
        yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.clear)
      }
      assert.deepStrictEqual(all, [
        "Broken: the wire",
        "string: just a text",
        "Object: {\"isError\":true}",
        "unknown: the error could not be read",
        "number: 0",
        "boolean: false"
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("may be a stream's, or a native one", () =>
    Effect.gen(function*() {
      yield* Stream.runDrain(
        Stream.make(1).pipe(Stream.tap(() => annotate({ error: refused })), withSpanStream("stream"))
      )
      yield* annotate({ error: refused }).pipe(Effect.withSpan("native"))
      assert.strictEqual(
        yield* tree,
        [
          "trace stream [error 0ms] Refused: not today",
          "└─ span stream [error 0ms] Refused: not today",
          "trace native [error 0ms] Refused: not today",
          "└─ span native [error 0ms] Refused: not today"
        ].join("\n")
      )
    }).pipe(Effect.provide(EffectTracer.layer()), Effect.provide(Testing.layer())))

  it.effect("takes its place of what the record may take in memory, until another takes that", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const handle = yield* Effect.scoped(span("sized"))
      const size = Effect.map(theSpan, (recorded) => recorded.size)
      yield* service.updateSpan(handle, { output: 1 })
      const before = yield* size
      yield* service.updateSpan(handle, { error: "x".repeat(1_000) })
      assert.isAtLeast(yield* size, before + 2_000)
      yield* service.updateSpan(handle, { error: null })
      assert.strictEqual(yield* size, before)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a trace that states an error", () => {
  it.effect("has failed, and what is in it has not", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(withSpan("inner"), Effect.zipRight(annotate({ error: refused })), withTrace("chat"))
      assert.strictEqual(
        yield* tree,
        ["trace chat [error 0ms] Refused: not today", "└─ span inner [success 0ms]"].join("\n")
      )
    }).pipe(Effect.provide(Testing.layer())))

  const endings: ReadonlyArray<readonly [string, Parameters<ObservabilityService["Type"]["endTrace"]>[1], string]> = [
    ["holds where its end says nothing", undefined, "[error 0ms] Refused: not today"],
    ["is what an end in error has without more", { status: "error" }, "[error 0ms] Refused: not today"],
    ["gives way to a status", { status: "success" }, "[success 0ms]"],
    ["gives way to an interruption that is stated", { status: "interrupted" }, "[interrupted 0ms]"],
    ["gives way to another error", { error: broken }, "[error 0ms] Broken: the wire"],
    ["gives way to the words for another one", { errorType: "Worse" }, "[error 0ms] Worse: "],
    ["is taken back by null", { error: null }, "[success 0ms]"]
  ]
  for (const [name, end, expected] of endings) {
    it.effect(name, () =>
      Effect.gen(function*() {
        const service = yield* ObservabilityService
        const context = yield* service.startTrace({ name: "t" })
        yield* service.updateSpan(context, { error: refused })
        yield* service.endTrace(context, end)
        assert.strictEqual(yield* tree, `trace t ${expected}`)
        assert.isUndefined((yield* theTrace).metadata)
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("may be told of it, and of its being taken back, when it is over", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "t" })
      yield* service.endTrace(context)
      yield* service.updateSpan(context, { error: refused })
      assert.strictEqual(yield* tree, "trace t [error 0ms] Refused: not today")
      yield* service.updateSpan(context, { error: null })
      assert.strictEqual(yield* tree, "trace t [success 0ms]")
    }).pipe(Effect.provide(Testing.layer())))
})
