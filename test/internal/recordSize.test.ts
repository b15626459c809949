import { assert, describe, it } from "@effect/vitest"
import { Effect, Inspectable } from "effect"
import * as EffectTracer from "../../src/EffectTracer.ts"
import { logChatMessage, logDocumentEvent, logLlmCall } from "../../src/Log.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Span } from "../../src/Observation.ts"
import type { Provider } from "../../src/Provider.ts"
import { annotate, span, withSpan, withTrace } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"

const sizes = Effect.gen(function*() {
  const recorded = yield* Testing.Recorded
  return {
    spans: (yield* recorded.of("Span")).map(({ size }) => size),
    traces: (yield* recorded.of("Trace")).map(({ size }) => size)
  }
})

describe("the size of a record, which is what it costs of a delivery's budget,", () => {
  it.effect("does not grow with what is replaced", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const update = (text: string) => ({
        attributes: { progress: text, more: [text] },
        input: { text, none: undefined },
        output: text,
        name: text,
        model: text,
        finishReason: text
      })
      for (const times of [1, 50]) {
        yield* Effect.scoped(Effect.flatMap(span(`${times}`), (handle) =>
          Effect.repeatN(service.updateSpan(handle, update("x".repeat(1_000))), times - 1)))
        yield* withTrace(Effect.repeatN(annotate(update("x".repeat(1_000))), times - 1), "t")
      }
      const { spans, traces } = yield* sizes
      assert.isAbove(spans[0]!, 8_000)
      assert.strictEqual(spans[1], spans[0])
      // the traces of the two spans, and those that were annotated
      assert.strictEqual(
        Math.max(...traces),
        Math.min(...traces.filter((size) =>
          size > 8_000
        ))
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("grows with what is added", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      yield* Effect.scoped(Effect.flatMap(span("s"), (handle) =>
        Effect.forEach([1, 2, 3], (n) =>
          service.updateSpan(handle, { attributes: { [n]: "x".repeat(1_000) } }))))
      assert.isAbove((yield* sizes).spans[0]!, 6_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("counts names, words and identifiers that are long, which are cut", () =>
    Effect.gen(function*() {
      const long = "x".repeat(1_000_000)
      const tags = Array.from({ length: 200 }, (_, index) => `${index}${long}`)
      yield* withTrace(Effect.void, long, { userId: long, sessionId: long, kbId: long, operationType: long, tags })
      yield* logLlmCall({ model: long, provider: long, finishReason: long })
      yield* logChatMessage({ role: long, content: "hi", model: long })
      yield* logDocumentEvent({ documentId: long, documentName: long, eventType: long, status: "completed" })
      yield* Effect.scoped(Effect.flatMap(span(long, { type: long }), (handle) =>
        Effect.flatMap(ObservabilityService, ({ unsafe }) =>
          Effect.withFiberRuntime((fiber) => {
            unsafe.addEvent(fiber, handle, { name: long })
            return Effect.void
          }))))
      const { observations } = yield* Testing.Recorded
      for (const record of yield* observations) {
        const held = Inspectable.stringifyCircular(record).length
        assert.isAbove(record.size, held, record._tag)
        assert.isBelow(record.size, 300_000, record._tag)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("counts the error, with its cause", () =>
    Effect.gen(function*() {
      yield* Effect.exit(withSpan(Effect.fail(new Error("x".repeat(10_000))), "s"))
      const { spans, traces } = yield* sizes
      for (const size of [...spans, ...traces]) assert.isAbove(size, 40_000)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("stays within what capture allows, also for a single text", () =>
    Effect.gen(function*() {
      yield* withSpan(Effect.void, "s", { input: "x".repeat(100_000) })
      assert.isBelow((yield* sizes).spans[0]!, 3_000)
    }).pipe(Effect.provide(Testing.layer({ capture: { maxBytes: 1_000 } }))))

  it.effect("stays within it however many times something is added, to a span, a trace and its events", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const numbers = Array.from({ length: 50 }, (_, number) => number)
      const update = (number: number) => ({ attributes: { [`page ${number}`]: "x".repeat(200) } })
      yield* Effect.forEach(numbers, (number) => annotate(update(number))).pipe(withTrace("trace"))
      yield* Effect.forEach(numbers, (number) => annotate(update(number))).pipe(withSpan("own"))
      yield* Effect.withSpan(
        Effect.forEach(numbers, (number) => Effect.annotateCurrentSpan(`page ${number}`, "x".repeat(200))),
        "native"
      ).pipe(Effect.provide(EffectTracer.layer()))
      yield* Effect.scoped(Effect.flatMap(span("events"), (handle) =>
        Effect.withFiberRuntime((fiber) => {
          for (const number of numbers) service.unsafe.addEvent(fiber, handle, { name: "page", ...update(number) })
          for (const number of numbers) service.unsafe.addLink(handle, { context: handle, ...update(number) })
          return Effect.void
        })))
      const { observations } = yield* Testing.Recorded
      for (const { size } of yield* observations) assert.isBelow(size, 5_000)
      const { of } = yield* Testing.Recorded
      const leftOut = new Map(
        (yield* of("Span")).map(({ attributes, name }) => [name, attributes?.["observability.dropped_attributes"]])
      )
      const [trace] = yield* of("Trace")
      for (
        const count of [
          leftOut.get("own"),
          leftOut.get("native"),
          trace!.metadata?.["observability.dropped_attributes"]
        ]
      ) {
        assert.isAbove(Number(count), 40)
        assert.isBelow(Number(count), 50)
      }
      const events = (yield* of("Span")).find(({ name }) => name === "events")!
      assert.strictEqual(Number(events.attributes!["observability.dropped_events"]) + events.events!.length, 50)
      assert.strictEqual(Number(events.attributes!["observability.dropped_links"]) + (events.links?.length ?? 0), 50)
    }).pipe(Effect.provide(Testing.layer({ capture: { maxBytes: 2_000 } }))))

  it.effect("has as many entries as an object may have, those that come first, and those that replace one", () =>
    Effect.gen(function*() {
      yield* Effect.forEach([1, 2, 3, 4, 5, 1], (number) => annotate({ attributes: { [`key ${number}`]: number } }))
        .pipe(
          Effect.zipRight(annotate({ attributes: { "key 1": "changed", ["__proto__"]: 7 } })),
          withSpan("s")
        )
      const [{ attributes }] = (yield* (yield* Testing.Recorded).of("Span")) as [Span]
      assert.deepStrictEqual(Object.entries(attributes!), [
        ["key 1", "changed"],
        ["key 2", 2],
        ["key 3", 3],
        ["observability.dropped_attributes", 3]
      ])
    }).pipe(Effect.provide(Testing.layer({ capture: { maxEntries: 3 } }))))
})

describe("what is cut", () => {
  it.effect("stays apart where it is an identifier, and the same where it is the same", () =>
    Effect.gen(function*() {
      const long = "x".repeat(10_000)
      for (const end of ["a", "b", "a"]) {
        yield* logDocumentEvent({ documentId: `${long}${end}`, eventType: "parse", status: "completed" }).pipe(
          withTrace("t", { userId: `${long}${end}`, sessionId: `${long}${end}`, kbId: `${long}${end}` })
        )
      }
      const events = yield* (yield* Testing.Recorded).of("DocumentEvent")
      for (const field of ["documentId", "userId", "sessionId", "kbId"] as const) {
        const [first, other, again] = events.map((event) => event[field]!)
        assert.match(first!, /^x+\.\.\.\[cut, 10001 characters, sha256 [0-9a-f]{16}\]$/)
        assert.strictEqual(first!.length, 800)
        assert.notStrictEqual(first, other)
        assert.strictEqual(first, again)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is counted where it is a tag beyond those that are kept", () =>
    Effect.gen(function*() {
      const tags = Array.from({ length: 130 }, (_, index) => `tag ${index}`)
      yield* withTrace(Effect.void, "many", { tags, metadata: { kept: true } })
      yield* withTrace(Effect.void, "some", { tags: tags.slice(0, 128) })
      const [many, some] = yield* (yield* Testing.Recorded).of("Trace")
      assert.deepStrictEqual(many!.tags, tags.slice(0, 128))
      assert.deepStrictEqual(many!.metadata, { kept: true, "observability.dropped_tags": 2 })
      assert.deepStrictEqual([some!.tags, some!.metadata], [tags.slice(0, 128), undefined])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("what has been handed over", () => {
  it.effect("stays as it was when more is added", () =>
    Effect.gen(function*() {
      const { observations } = yield* Testing.Recorded
      yield* Effect.gen(function*() {
        yield* annotate({ attributes: { first: 1 } })
        yield* observations
        yield* annotate({ attributes: { second: 2 } })
      }).pipe(withSpan("s", { attributes: { zeroth: 0 } }))
      const seen = (yield* observations).flatMap((each) => each._tag === "Span" ? [each.attributes] : [])
      assert.deepStrictEqual(seen, [{ zeroth: 0, first: 1 }, { zeroth: 0, first: 1, second: 2 }])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("waits for the rest of the window as what has come since: a large input is not written for every word", () =>
    Effect.gen(function*() {
      const written: Array<ReadonlyArray<number>> = []
      const provider: Provider = {
        name: "counting",
        write: (batch) => Effect.sync(() => written.push(batch.map(({ revision }) => revision)))
      }
      yield* Effect.gen(function*() {
        const add = (number: number) => annotate({ attributes: { progress: number } })
        yield* Effect.forEach(Array.from({ length: 100 }, (_, number) => number), add).pipe(
          withSpan("s", { input: "x".repeat(900_000) }),
          withTrace("trace")
        )
        yield* (yield* ObservabilityService).flush()
      }).pipe(Effect.provide(ObservabilityService.layer({ providers: [provider] })))
      assert.isBelow(written.flat().length, 6)
    }))
})
