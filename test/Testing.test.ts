/** The test kit itself: what tests of other programs rely on. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, TestClock } from "effect"
import { logChatMessage, logDocumentEvent, logLlmCall } from "../src/Log.ts"
import { inject, withMessage } from "../src/MessagePropagation.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Observation } from "../src/Observation.ts"
import { memory } from "../src/Provider.ts"
import { annotate, withSpan, withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

const record = (name: string) => Effect.void.pipe(withSpan(name))

/** One real record, to be handed to a provider by hand. */
const records = Effect.gen(function*() {
  yield* record("good")
  yield* record("bad")
  const { of } = yield* Testing.Recorded
  return yield* of("Span")
}).pipe(Effect.provide(Testing.layer()))

const isBad = (observation: Observation) => observation._tag === "Span" && observation.name === "bad"

describe("Recorded", () => {
  it.effect("shows what stands below itself, as where the ids of two processes count alike", () =>
    Effect.gen(function*() {
      const headers = yield* inject().pipe(withTrace("upload"), Effect.provide(Testing.layer()))
      yield* Effect.void.pipe(withSpan("parse"), withMessage("process", headers))
      const { tree } = yield* Testing.Recorded
      assert.strictEqual(yield* tree, "(orphan) span process [success 0ms]\n└─ span parse [success 0ms]")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("shows the newest state, though nothing was flushed", () =>
    Effect.gen(function*() {
      const recorded = yield* Testing.Recorded
      assert.deepStrictEqual(yield* recorded.observations, [])
      assert.strictEqual(yield* recorded.tree, "")
      yield* Effect.gen(function*() {
        yield* annotate({ attributes: { step: 1 } })
        assert.deepInclude((yield* recorded.of("Span"))[0], { status: "in_progress", attributes: { step: 1 } })
        yield* annotate({ attributes: { step: 2 } })
        assert.deepInclude((yield* recorded.of("Span"))[0], { status: "in_progress", attributes: { step: 2 } })
      }).pipe(withSpan("span"))
      const [span, ...others] = yield* recorded.of("Span")
      assert.strictEqual(span?.status, "success")
      assert.deepStrictEqual(others, [])
      assert.isAbove((yield* recorded.observations).filter((each) => each._tag === "Span").length, 1)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("gives kinds apart", () =>
    Effect.gen(function*() {
      const { of } = yield* Testing.Recorded
      yield* Effect.all([
        logChatMessage({ role: "user", content: "hi" }),
        logDocumentEvent({ documentId: "d", eventType: "parse", status: "started" }),
        logLlmCall({ model: "m" })
      ]).pipe(withTrace("trace"))
      for (const kind of ["Trace", "Span", "ChatMessage", "DocumentEvent"] as const) {
        assert.deepStrictEqual((yield* of(kind)).map((each) => each._tag), [kind])
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("waits for no other provider, whatever that does", () =>
    Effect.gen(function*() {
      yield* record("span")
      const { of } = yield* Testing.Recorded
      assert.strictEqual((yield* of("Span")).length, 1)
    }).pipe(
      Effect.provide(
        Testing.layer({
          providers: [
            Testing.failing(),
            Testing.dying(),
            Testing.throwing(),
            Testing.hanging(),
            Testing.slow("1 hour"),
            Testing.lying(),
            Testing.refusing(() => true)
          ]
        })
      )
    ))

  it.effect("forgets what was recorded before `clear`, and shows what comes of it later", () =>
    Effect.gen(function*() {
      const recorded = yield* Testing.Recorded
      yield* record("before")
      yield* Effect.gen(function*() {
        yield* recorded.clear
        assert.deepStrictEqual(yield* recorded.observations, [])
        assert.strictEqual(yield* recorded.tree, "")
        yield* record("after")
      }).pipe(withSpan("around"))
      assert.deepStrictEqual((yield* recorded.of("Span")).map(({ name }) => name).sort(), ["after", "around"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("starts afresh with every build, ids included", () =>
    Effect.gen(function*() {
      const layer = Testing.layer()
      const run = Effect.gen(function*() {
        yield* record("span")
        const { observations } = yield* Testing.Recorded
        return yield* observations
      }).pipe(Effect.provide(layer))
      const withoutResource = (all: ReadonlyArray<Observation>) => all.map((each) => ({ ...each, resource: undefined }))
      assert.deepStrictEqual(withoutResource(yield* run), withoutResource(yield* run))
    }))

  it.effect("has ids that count", () =>
    Effect.gen(function*() {
      yield* record("first").pipe(withTrace("trace"))
      const { of } = yield* Testing.Recorded
      const [trace] = yield* of("Trace")
      const [span] = yield* of("Span")
      assert.strictEqual(trace?.traceId, "1".padStart(32, "0"))
      assert.strictEqual(trace?.spanId, "1".padStart(16, "0"))
      assert.strictEqual(span?.spanId, "2".padStart(16, "0"))
      assert.strictEqual((yield* TraceContext.root()).traceId, "2".padStart(32, "0"))
    }).pipe(Effect.provide(Testing.layer())))
})

layer(Testing.layer())("Recorded of a layer that tests share", (it) => {
  for (const name of ["one", "two"]) {
    it.effect(`holds after \`clear\` what test ${name} records, and no other`, () =>
      Effect.gen(function*() {
        const recorded = yield* Testing.Recorded
        yield* recorded.clear
        yield* Effect.void.pipe(withTrace(name))
        assert.strictEqual(yield* recorded.tree, `trace ${name} [success 0ms]`)
      }))
  }
})

describe("the tree", () => {
  it.effect("shows types, times, tokens, costs, errors, messages and documents", () =>
    Effect.gen(function*() {
      const { tree } = yield* Testing.Recorded
      const fiber = yield* Effect.gen(function*() {
        yield* logChatMessage({ role: "user", content: "why?" })
        yield* Effect.sleep("5 millis").pipe(withSpan("retrieve", { type: "retrieval" }))
        yield* logLlmCall({ model: "m", promptTokens: 10, completionTokens: 2, costUsd: "0.25", latency: "1 millis" })
        yield* logLlmCall({ model: "m", promptTokens: 3, error: "overloaded" })
        yield* logDocumentEvent({ documentId: "d", eventType: "parse", status: "failed", error: "damaged" })
        return yield* Effect.never.pipe(withSpan("open"))
      }).pipe(withTrace("chat"), Effect.fork)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(
        yield* tree,
        [
          "trace chat [in_progress] tokens=13/2 cost=$0.25",
          "├─ message user why?",
          "├─ retrieval retrieve [success 5ms]",
          "├─ llm chat m [success 1ms] tokens=10/2 cost=$0.25",
          "├─ llm chat m [error] tokens=3/? string: overloaded",
          "├─ document d parse [failed] string: damaged",
          "└─ span open [in_progress]"
        ].join("\n")
      )
      yield* Fiber.interrupt(fiber)
      assert.include(yield* tree, "└─ span open [interrupted 995ms]")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("marks a span whose parent is not there, and is empty for nothing", () =>
    Effect.gen(function*() {
      assert.strictEqual(Testing.renderTree([]), "")
      const spans = yield* records
      assert.deepStrictEqual(Testing.renderTree(spans).split("\n"), [
        "(orphan) span good [success 0ms]",
        "(orphan) span bad [success 0ms]"
      ])
    }))
})

describe("providers that misbehave", () => {
  const batch = Effect.map(records, (all) => [all[0]!, all[1]!] as const)

  it.effect("failing, dying and throwing do what their names say", () =>
    Effect.gen(function*() {
      const two = yield* batch
      const error = yield* Effect.flip(Testing.failing().write(two))
      assert.strictEqual(error.reason, "transient")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Testing.dying().write(two))))
      assert.throws(() => Testing.throwing().write(two), "this provider throws")
    }))

  it.effect("refusing refuses a batch with a record that it refuses, and writes every other", () =>
    Effect.gen(function*() {
      const [good, bad] = yield* batch
      const store = memory("store")
      const provider = Testing.refusing(isBad, store)
      const error = yield* Effect.flip(provider.write([good, bad]))
      assert.strictEqual(error.reason, "rejected")
      assert.deepStrictEqual(store.records, [])
      yield* provider.write([good])
      assert.deepStrictEqual(store.records, [good])
    }))

  it.effect("slow writes when its time has come, lying never, hanging does not answer", () =>
    Effect.gen(function*() {
      const two = yield* batch
      const store = memory("store")
      const slow = yield* Effect.fork(Testing.slow("10 seconds", store).write(two))
      const hanging = yield* Effect.forkDaemon(Testing.hanging().write(two))
      yield* Testing.lying().write(two)
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(store.records.length, 0)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(slow)
      assert.strictEqual(store.records.length, 2)
      assert.strictEqual((yield* hanging.poll)._tag, "None")
    }))

  it.effect("a refused record alone is lost, and the receipt says so", () => {
    const store = memory("store")
    return Effect.gen(function*() {
      const { flush } = yield* ObservabilityService
      yield* Effect.all([record("good"), record("bad"), record("better")]).pipe(withTrace("trace"))
      const receipt = yield* flush()
      assert.deepInclude(receipt["store"], { accepted: 4, written: 3, rejected: 1, pending: 0 })
      assert.sameMembers(
        store.records.flatMap((each) => each._tag === "Span" || each._tag === "Trace" ? [each.name] : []),
        ["trace", "good", "better"]
      )
    }).pipe(Effect.provide(Testing.layer({ providers: [Testing.refusing(isBad, store)] })))
  })
})
