import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Equal, FastCheck as fc, Option } from "effect"
import * as Baggage from "../src/Baggage.ts"
import * as EffectTracer from "../src/EffectTracer.ts"
import * as MessagePropagation from "../src/MessagePropagation.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { withSpan, withTrace, withTraceContext } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import type { Headers } from "../src/TraceContext.ts"
import { TraceContext } from "../src/TraceContext.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const senderId = "b7ad6b7169203331"
const traceparent = `00-${traceId}-${senderId}-01`

const baggage = Either.getOrThrow(Baggage.set(Baggage.empty, "tenant", "acme"))

describe("headers of a message", () => {
  it.effect("carry what the receiver finds in them", () =>
    Effect.gen(function*() {
      const sender = TraceContext.fromHeaders({ traceparent, tracestate: "congo=t61" }).context!
      const headers = yield* MessagePropagation.inject().pipe(withTraceContext(sender), Baggage.withBaggage(baggage))
      assert.deepStrictEqual(headers, { traceparent, tracestate: "congo=t61", baggage: "tenant=acme" })
      const received = MessagePropagation.extract(headers)
      assert.isTrue(Equal.equals(received.context, sender))
      assert.isTrue(Equal.equals(received.baggage, baggage))
      assert.deepStrictEqual(received.refused, [])
    }))

  it.effect("outside of any trace are none", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* MessagePropagation.inject().pipe(Baggage.withBaggage(baggage)), {})
    }))

  it.effect("carry the user, the session and the knowledge base only when both sides ask for it", () =>
    Effect.gen(function*() {
      const context = yield* TraceContext.root({ userId: "Ada Müller", sessionId: "s", kbId: "kb" })
      const send = (options?: MessagePropagation.Options) =>
        MessagePropagation.inject(options).pipe(withTraceContext(context), Baggage.withBaggage(baggage))
      const subjectsOf = (
        { context }: MessagePropagation.Received
      ) => [context?.userId, context?.sessionId, context?.kbId]

      assert.strictEqual((yield* send())["baggage"], "tenant=acme")
      const told = yield* send({ subjects: true })
      assert.strictEqual(told["baggage"], "user.id=Ada%20M%C3%BCller,session.id=s,kb.id=kb,tenant=acme")
      assert.deepStrictEqual(subjectsOf(MessagePropagation.extract(told)), [undefined, undefined, undefined])
      const received = MessagePropagation.extract(told, { subjects: true })
      assert.deepStrictEqual(subjectsOf(received), ["Ada Müller", "s", "kb"])
      assert.isTrue(Equal.equals(received.baggage, baggage))
      // what the baggage said of them before is not the context's word
      const claimed = yield* Baggage.set(baggage, "user.id", "eve")
      const corrected = yield* MessagePropagation.inject({ subjects: true }).pipe(
        withTraceContext(context),
        Baggage.withBaggage(claimed)
      )
      assert.strictEqual(corrected["baggage"], told["baggage"])
      // where there is no room for all, these come first
      const narrow = yield* send({ subjects: true, baggage: { maxMembers: 3 } })
      assert.strictEqual(narrow["baggage"], "user.id=Ada%20M%C3%BCller,session.id=s,kb.id=kb")
      assert.notProperty(yield* send({ baggage: false, subjects: true }), "baggage")
    }))

  it("of any kind, and whatever is in them, are read without a failure", () => {
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(traceparent, "a=1", "a=%"), fc.anything())
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("traceparent", "tracestate", "baggage", "TraceParent"), value),
        (given) => {
          const { context, refused } = MessagePropagation.extract(given as Headers, { subjects: true })
          assert.isTrue(context === undefined || /^[0-9a-f]{32}$/.test(context.traceId))
          for (const { message } of refused) assert.match(message, /^[ -~]+$/)
        }
      ),
      { numRuns: 1_000 }
    )
  })
})

describe("work on a message", () => {
  it.effect("is a span below the sender's, with its baggage, apart from whatever the receiver is in", () =>
    Effect.gen(function*() {
      const seen = yield* Baggage.current.pipe(
        withSpan("step"),
        MessagePropagation.withMessage("work", { traceparent: Buffer.from(traceparent), baggage: "tenant=acme" }, {
          attributes: { "messaging.system": "test" },
          input: 7
        }),
        withTrace("loop")
      )
      assert.deepStrictEqual(Baggage.get(seen, "tenant"), Option.some("acme"))
      const [work, step] = yield* (yield* Testing.Recorded).of("Span")
      assert.deepStrictEqual([work!.traceId, work!.parentSpanId, work!.parentIsRemote, work!.kind], [
        traceId,
        senderId,
        true,
        "consumer"
      ])
      assert.deepStrictEqual([work!.attributes, work!.input], [{ "messaging.system": "test" }, 7])
      assert.strictEqual(step!.parentSpanId, work!.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("whose headers are refused begins a trace, and says why", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(
        MessagePropagation.withMessage("work", { traceparent: "secret", baggage: "no member" }),
        withTrace("loop")
      )
      const traces = yield* (yield* Testing.Recorded).of("Trace")
      assert.deepStrictEqual(traces.map(({ name }) => name), ["loop", "work"])
      const [work] = yield* (yield* Testing.Recorded).of("Span")
      assert.deepStrictEqual(work!.attributes, {
        "observability.refused": [
          "traceparent refused: expected version-traceid-spanid-flags in lower-case hexadecimal digits",
          "baggage refused in part: 1 malformed members"
        ]
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("without a trace begins one, also in a native span, and holds the native spans in it", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(
        Effect.withSpan("native"),
        MessagePropagation.withMessage("work", {}),
        Effect.withSpan("poll")
      )
      assert.strictEqual(
        yield* (yield* Testing.Recorded).tree,
        [
          "trace poll [success 0ms]",
          "└─ span poll [success 0ms]",
          "trace work [success 0ms]",
          "└─ span work [success 0ms]",
          "   └─ span native [success 0ms]"
        ].join("\n")
      )
    }).pipe(Effect.provide(EffectTracer.layer()), Effect.provide(Testing.layer())))

  it.effect("goes on where nothing is recorded, within the sender's trace", () =>
    Effect.gen(function*() {
      const context = yield* TraceContext.current.pipe(MessagePropagation.withMessage("work", { traceparent }))
      assert.strictEqual(Option.getOrThrow(context).traceId, traceId)
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})
