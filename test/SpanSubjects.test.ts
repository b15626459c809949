/** For whom a trace is, where that is learned inside of it, and parts of a trace that are for somebody of their own. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Either, Fiber, Layer, Option, Stream } from "effect"
import * as Baggage from "../src/Baggage.ts"
import * as EffectTracer from "../src/EffectTracer.ts"
import { logChatMessage, logDocumentEvent, logLlmCall } from "../src/Log.ts"
import * as MessagePropagation from "../src/MessagePropagation.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import type { Observation } from "../src/Observation.ts"
import * as Provider from "../src/Provider.ts"
import {
  annotate,
  annotateTrace,
  withSpan,
  withSpanStream,
  withSubjects,
  withTrace,
  withTraceContext
} from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

const nameOf = (record: Observation): string =>
  record._tag === "ChatMessage" || record._tag === "DocumentEvent" ? record._tag : `${record._tag} ${record.name}`

/** For whom each record is, by its last snapshot. */
const whom = Effect.gen(function*() {
  const { of } = yield* Testing.Recorded
  const all = yield* Effect.forEach(["Trace", "Span", "ChatMessage", "DocumentEvent"] as const, of)
  return Object.fromEntries(all.flat().map((record) => [nameOf(record), record.userId]))
})

const ada = { userId: "ada" }
const bob = { userId: "bob" }

const Native = EffectTracer.layer().pipe(Layer.provideMerge(Testing.layer()))

/** The same place, as it comes back from a message. */
const away = ({ spanId, traceId }: TraceContext): TraceContext =>
  Either.getOrThrow(TraceContext.make({ traceId, spanId }))

const logs = Effect.zipRight(
  logLlmCall({ model: "parrot" }),
  Effect.zipRight(
    logChatMessage({ role: "user", content: "hi" }),
    logDocumentEvent({ documentId: "d", eventType: "parse", status: "completed" })
  )
)

const forAda = { "Span chat parrot": "ada", ChatMessage: "ada", DocumentEvent: "ada" }

describe("annotateTrace", () => {
  it.effect("reaches the trace, the spans that run, and what begins later, but none that is over", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        yield* Effect.void.pipe(withSpan("before"))
        yield* annotateTrace({ userId: "ada", sessionId: "s", kbId: "k" }).pipe(withSpan("authenticate"))
        yield* Effect.void.pipe(withSpan("inner"), withSpan("after"))
        yield* logs
      }).pipe(withSpan("request"), withTrace("trace"))
      assert.deepStrictEqual(yield* whom, {
        "Trace trace": "ada",
        "Span request": "ada",
        "Span before": undefined,
        "Span authenticate": "ada",
        "Span after": "ada",
        "Span inner": "ada",
        ...forAda
      })
      const [trace] = yield* (yield* Testing.Recorded).of("Trace")
      assert.deepInclude(trace, { userId: "ada", sessionId: "s", kbId: "k" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("reaches the trace that was begun for a span alone, and what is logged in it", () =>
    Effect.gen(function*() {
      yield* annotateTrace(ada).pipe(Effect.zipRight(logs), withSpan("request"))
      assert.deepStrictEqual(yield* whom, { "Trace request": "ada", "Span request": "ada", ...forAda })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("reaches what is logged in a trace outside of all spans", () =>
    Effect.gen(function*() {
      yield* annotateTrace(ada).pipe(Effect.zipRight(logs), withTrace("trace"))
      assert.deepStrictEqual(yield* whom, { "Trace trace": "ada", ...forAda })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves what it does not say, and of two statements the later one stands", () =>
    Effect.gen(function*() {
      yield* annotateTrace(ada).pipe(
        Effect.zipRight(annotateTrace({ sessionId: "s" })),
        Effect.zipRight(annotateTrace({ userId: undefined, kbId: "k" })),
        withTrace("one", { userId: "guest" })
      )
      const [trace] = yield* (yield* Testing.Recorded).of("Trace")
      assert.deepInclude(trace, { userId: "ada", sessionId: "s", kbId: "k" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("writes the trace and the spans around once more, and not when it says nothing new", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const { observations } = yield* Testing.Recorded
      const revisions = Effect.map(
        observations,
        (all) => all.map((record) => `${nameOf(record)} ${record.revision} ${record.userId}`)
      )
      yield* Effect.gen(function*() {
        yield* service.flush()
        yield* annotateTrace(ada)
        yield* service.flush()
        const once = yield* revisions
        assert.sameMembers(once, [
          "Trace trace 1 undefined",
          "Span span 1 undefined",
          "Trace trace 2 ada",
          "Span span 2 ada"
        ])
        yield* annotateTrace(ada)
        yield* service.flush()
        assert.deepStrictEqual(yield* revisions, once)
      }).pipe(withSpan("span"), withTrace("trace"))
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("reaches native spans around, between and inside", () =>
    Effect.gen(function*() {
      yield* annotateTrace(ada).pipe(
        Effect.zipRight(logs.pipe(Effect.withSpan("later"))),
        withSpan("own"),
        Effect.withSpan("request")
      )
      assert.deepStrictEqual(yield* whom, {
        "Trace request": "ada",
        "Span request": "ada",
        "Span own": "ada",
        "Span later": "ada",
        ...forAda
      })
    }).pipe(Effect.provide(Native)))

  it.effect("reaches what a fiber begins that outlives all of it, in a trace of its own", () =>
    Effect.gen(function*() {
      const gate = yield* Deferred.make<void>()
      const daemon = yield* annotateTrace(ada).pipe(
        Effect.zipRight(
          Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), Effect.withSpan(Effect.void, "daemon")))
        ),
        Effect.withSpan("request")
      )
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(daemon)
      assert.deepInclude(yield* whom, { "Trace daemon": "ada", "Span daemon": "ada" })
    }).pipe(Effect.provide(Native)))

  it.effect("stays in its trace: neither another one that runs nor one within has it", () =>
    Effect.gen(function*() {
      const stated = yield* Deferred.make<void>()
      yield* Effect.all([
        annotateTrace(ada).pipe(Effect.zipRight(Deferred.succeed(stated, undefined)), withTrace("one")),
        Deferred.await(stated).pipe(Effect.zipRight(Effect.void.pipe(withSpan("other span"))), withTrace("other"))
      ], { concurrency: "unbounded" })
      yield* annotateTrace(bob).pipe(Effect.zipRight(Effect.void.pipe(withTrace("within"))), withTrace("around"))
      assert.deepStrictEqual(yield* whom, {
        "Trace one": "ada",
        "Trace other": undefined,
        "Trace around": "bob",
        "Trace within": undefined,
        "Span other span": undefined
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("in a trace that another process began reaches the spans of this one, each request for itself", () =>
    Effect.gen(function*() {
      const received = (): TraceContext =>
        Either.getOrThrow(TraceContext.fromTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"))
      const stated = yield* Deferred.make<void>()
      yield* Effect.all([
        annotateTrace(ada).pipe(
          Effect.zipRight(Deferred.succeed(stated, undefined)),
          Effect.zipRight(Effect.void.pipe(withSpan("within"))),
          withSpan("one"),
          withTraceContext(received())
        ),
        Deferred.await(stated).pipe(Effect.zipRight(logs), withSpan("other"), withTraceContext(received()))
      ], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* whom, {
        "Span one": "ada",
        "Span within": "ada",
        "Span other": undefined,
        "Span chat parrot": undefined,
        ChatMessage: undefined,
        DocumentEvent: undefined
      })
      const { of } = yield* Testing.Recorded
      assert.isTrue((yield* of("Span")).find(({ name }) => name === "one")!.parentIsRemote)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is said by explicit context, too, also one that has been away", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const context = yield* service.startTrace({ name: "trace" })
      yield* service.updateTrace(away(context), ada)
      yield* Effect.scoped(Effect.flatMap(service.span(context, "span"), (handle) =>
        service.updateTrace(away(handle.context), { sessionId: "s" })))
      yield* service.endTrace(context)
      const { of } = yield* Testing.Recorded
      for (const record of [...yield* of("Trace"), ...yield* of("Span")]) {
        assert.deepInclude(record, { userId: "ada", sessionId: "s" }, record.name)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of a trace that is over is written once more", () =>
    Effect.gen(function*() {
      const context = yield* Effect.map(TraceContext.current, Option.getOrThrow).pipe(withTrace("trace"))
      const service = yield* ObservabilityService
      yield* service.flush()
      yield* service.updateTrace(context, ada)
      const [trace] = yield* (yield* Testing.Recorded).of("Trace")
      assert.deepInclude(trace, { userId: "ada", status: "success" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("cuts and takes identifiers as withTrace does", () =>
    Effect.gen(function*() {
      const long = "x".repeat(10_000)
      const stated = { userId: long, sessionId: 7 as unknown as string, kbId: null as unknown as string }
      yield* annotateTrace(stated).pipe(withTrace("annotated"))
      yield* Effect.void.pipe(withTrace("begun", stated))
      yield* Effect.void.pipe(withSpan("part"), withSubjects(stated), withTrace("around"))
      const { of } = yield* Testing.Recorded
      const [annotated, begun] = yield* of("Trace")
      const [part] = yield* of("Span")
      const expected = { userId: begun!.userId, sessionId: "7", kbId: undefined }
      assert.strictEqual(begun!.userId?.length, 800)
      for (const record of [annotated, begun, part]) assert.deepInclude(record, expected)
      // what waits counts with the identifiers that it holds
      assert.strictEqual(annotated!.size, begun!.size)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("travels on where the user of a trace does", () =>
    Effect.gen(function*() {
      const inject = MessagePropagation.inject({ subjects: true })
      const [inTrace, inSpan] = yield* annotateTrace({ userId: "ada", sessionId: "s" }).pipe(
        Effect.zipRight(Effect.all([inject, inject.pipe(withSpan("publish"))])),
        withTrace("trace")
      )
      assert.strictEqual(inTrace["baggage"], "user.id=ada,session.id=s")
      assert.strictEqual(inSpan["baggage"], "user.id=ada,session.id=s")
      const silent = yield* annotateTrace(ada).pipe(Effect.zipRight(MessagePropagation.inject()), withTrace("trace"))
      assert.notProperty(silent, "baggage")
      yield* Effect.void.pipe(MessagePropagation.withMessage("work", inTrace, { subjects: true }))
      assert.deepInclude(yield* whom, { "Span work": "ada" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("does nothing outside of any trace, and nothing where nothing is recorded", () =>
    Effect.gen(function*() {
      yield* annotateTrace(ada)
      assert.deepStrictEqual(yield* whom, {})
      const baggage = yield* annotateTrace(ada).pipe(
        Effect.zipRight(MessagePropagation.inject({ subjects: true })),
        withTraceContext(yield* TraceContext.root()),
        Effect.provide(ObservabilityService.layerNoop)
      )
      assert.notProperty(baggage, "baggage")
      const { failedRecordings } = yield* (yield* ObservabilityService).stats
      assert.strictEqual(failedRecordings, 0)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("withSubjects", () => {
  it.effect("is for what begins inside, and nothing around", () =>
    Effect.gen(function*() {
      yield* logs.pipe(
        withSpan("inner"),
        withSubjects({ userId: "ada", kbId: "k" }),
        withSpan("around"),
        withTrace("trace", { sessionId: "s" })
      )
      assert.deepStrictEqual(yield* whom, {
        "Trace trace": undefined,
        "Span around": undefined,
        "Span inner": "ada",
        ...forAda
      })
      const spans = yield* (yield* Testing.Recorded).of("Span")
      assert.deepInclude(spans[1], { name: "inner", parentSpanId: spans[0]!.spanId, sessionId: "s", kbId: "k" })
      assert.isFalse(spans[1]!.parentIsRemote)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is for what is logged directly in it, in its place in the tree", () =>
    Effect.gen(function*() {
      yield* logs.pipe(withSubjects(ada), withSpan("around"))
      assert.deepStrictEqual(yield* whom, { "Trace around": undefined, "Span around": undefined, ...forAda })
      const { of } = yield* Testing.Recorded
      const [around, call] = yield* of("Span")
      const [message] = yield* of("ChatMessage")
      assert.strictEqual(call!.parentSpanId, around!.spanId)
      assert.strictEqual(message!.spanId, around!.spanId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("in parallel fibers, with native spans in between, nothing leaks to siblings", () =>
    Effect.gen(function*() {
      const arrived = yield* Effect.makeSemaphore(0)
      // all are in the middle of their part before any goes on
      const meet = arrived.release(1).pipe(Effect.zipRight(arrived.take(3)), Effect.zipRight(arrived.release(3)))
      const work = (name: string) =>
        Effect.void.pipe(
          withSpan(`${name} deep`),
          Effect.withSpan(`${name} native`),
          Effect.zipRight(meet),
          Effect.zipRight(Effect.void.pipe(withSpan(`${name} after`))),
          withSpan(name)
        )
      yield* Effect.all([
        work("a").pipe(withSubjects(ada)),
        work("b").pipe(withSubjects(bob)),
        work("c")
      ], { concurrency: "unbounded" }).pipe(Effect.zipRight(Effect.void.pipe(withSpan("end"))), withTrace("trace"))
      const all = yield* whom
      for (const [letter, user] of [["a", "ada"], ["b", "bob"], ["c", undefined]] as const) {
        for (const name of [letter, `${letter} deep`, `${letter} native`, `${letter} after`]) {
          assert.strictEqual(all[`Span ${name}`], user, name)
        }
      }
      assert.isUndefined(all["Trace trace"])
      assert.isUndefined(all["Span end"])
      assert.strictEqual(
        (yield* (yield* Testing.Recorded).tree).split("\n").filter((line) => line.startsWith("├─ ")).length,
        3
      )
    }).pipe(Effect.provide(Native)))

  it.effect("keeps what annotateTrace says inside to itself", () =>
    Effect.gen(function*() {
      yield* Effect.forEach(
        ["ada", "bob"],
        (userId) =>
          annotateTrace({ sessionId: `session of ${userId}` }).pipe(
            Effect.zipRight(Effect.void.pipe(withSpan(`${userId} later`))),
            withSpan(userId),
            withSubjects({ userId })
          ),
        { concurrency: 2 }
      ).pipe(withSpan("around"), withTrace("trace"))
      const { of } = yield* Testing.Recorded
      const sessions = [...yield* of("Trace"), ...yield* of("Span")].map(({ name, sessionId }) => [name, sessionId])
      assert.deepStrictEqual(Object.fromEntries(sessions), {
        trace: undefined,
        around: undefined,
        ada: "session of ada",
        "ada later": "session of ada",
        bob: "session of bob",
        "bob later": "session of bob"
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("within another adds to it", () =>
    Effect.gen(function*() {
      yield* Effect.void.pipe(
        withSpan("span"),
        withSubjects({ sessionId: "s" }),
        withSubjects({ userId: "ada", sessionId: "other" }),
        withTrace("trace")
      )
      const [inner] = yield* (yield* Testing.Recorded).of("Span")
      assert.deepInclude(inner, { userId: "ada", sessionId: "s" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("adds to what was learned around it after the span around it had begun", () =>
    Effect.gen(function*() {
      yield* Effect.zipRight(
        annotateTrace(ada),
        Effect.void.pipe(withSpan("inner"), withSubjects({ sessionId: "s" }))
      ).pipe(withSpan("around"), withTrace("trace"))
      const inner = (yield* (yield* Testing.Recorded).of("Span")).find(({ name }) => name === "inner")
      assert.deepInclude(inner, { userId: "ada", sessionId: "s" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is for the traces that begin inside, too, which state none of their own", () =>
    Effect.gen(function*() {
      const inside = Effect.all([
        Effect.void.pipe(withTrace("trace")),
        Effect.void.pipe(withTrace("own", bob)),
        Effect.void.pipe(Effect.withSpan("native", { root: true })),
        logs
      ])
      yield* inside.pipe(withSubjects(ada))
      yield* Effect.void.pipe(withTrace("within"), withSubjects(ada), withTrace("around"))
      assert.deepInclude(yield* whom, {
        "Trace trace": "ada",
        "Trace own": "bob",
        "Trace native": "ada",
        "Span native": "ada",
        "Trace around": undefined,
        "Trace within": "ada",
        ...forAda
      })
    }).pipe(Effect.provide(Native)))

  it.effect("counts into the trace around", () =>
    Effect.gen(function*() {
      const call = logLlmCall({ model: "m", promptTokens: 3, completionTokens: 2 })
      yield* call.pipe(withSubjects(ada), withSpan("chat", { type: "llm" }), withTrace("trace"))
      const { of } = yield* Testing.Recorded
      const [trace] = yield* of("Trace")
      assert.deepInclude(trace!.totals, { inputTokens: 3, outputTokens: 2 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("does not keep annotate from the span around", () =>
    Effect.gen(function*() {
      yield* annotate({ attributes: { a: 1 } }).pipe(withSubjects(ada), withSpan("span"))
      const [around] = yield* (yield* Testing.Recorded).of("Span")
      assert.deepStrictEqual(around!.attributes, { a: 1 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is for native spans inside, also of fibers that outlive the span around, or all of it", () =>
    Effect.gen(function*() {
      const gates = yield* Effect.all([Deferred.make<void>(), Deferred.make<void>()])
      const daemon = (gate: Deferred.Deferred<void>, name: string) =>
        Effect.forkDaemon(Effect.zipRight(Deferred.await(gate), Effect.withSpan(Effect.void, name)))
      const last = yield* Effect.gen(function*() {
        yield* Effect.withSpan(Effect.void, "inside").pipe(withSubjects(ada))
        const [first, last] = yield* Effect.all([daemon(gates[0], "first"), daemon(gates[1], "last")]).pipe(
          withSubjects(ada),
          Effect.withSpan("short")
        )
        yield* Deferred.succeed(gates[0], undefined)
        yield* Fiber.join(first)
        return last
      }).pipe(Effect.withSpan("request"))
      yield* Deferred.succeed(gates[1], undefined)
      yield* Fiber.join(last)
      assert.deepStrictEqual(yield* whom, {
        "Trace request": undefined,
        "Span request": undefined,
        "Span short": undefined,
        "Span inside": "ada",
        "Span first": "ada",
        "Trace last": "ada",
        "Span last": "ada"
      })
      const spans = yield* (yield* Testing.Recorded).of("Span")
      const named = (name: string) => spans.find((record) => record.name === name)
      assert.strictEqual(named("first")?.parentSpanId, named("request")?.spanId)
    }).pipe(Effect.provide(Native)))

  it.effect("travels on where the user of a trace does, and is said by the context", () =>
    Effect.gen(function*() {
      const [headers, context] = yield* Effect.all([
        MessagePropagation.inject({ subjects: true }),
        Effect.map(TraceContext.current, Option.getOrThrow)
      ]).pipe(withSubjects(ada), withTrace("trace", bob))
      assert.strictEqual(Option.getOrThrow(Baggage.get(Baggage.fromHeaders(headers).baggage, "user.id")), "ada")
      assert.strictEqual(context.userId, "ada")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("in a trace of another process has its place below the caller's span", () =>
    Effect.gen(function*() {
      const received = Either.getOrThrow(
        TraceContext.fromTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03")
      )
      yield* Effect.void.pipe(withSpan("span"), withSubjects(ada), withTraceContext(received))
      yield* Effect.void.pipe(withSpan("beside"), withTraceContext(received))
      const spans = yield* (yield* Testing.Recorded).of("Span")
      assert.deepInclude(spans[0], { userId: "ada", parentSpanId: received.spanId, parentIsRemote: true })
      assert.deepInclude(spans[1], { userId: undefined, traceId: received.traceId, parentIsRemote: true })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("leaves the program as it is where nothing is recorded", () =>
    Effect.gen(function*() {
      const memory = Provider.memory()
      const context = yield* TraceContext.root()
      const found = yield* TraceContext.current.pipe(
        withSubjects(ada),
        withTraceContext(context),
        Effect.provide(ObservabilityService.layerNoop)
      )
      assert.strictEqual(Option.getOrThrow(found), context)
      yield* Effect.void.pipe(
        withTrace("trace"),
        Effect.provide(ObservabilityService.layerMemory(memory)),
        withSubjects(ada),
        Effect.provide(ObservabilityService.layerNoop)
      )
      assert.isTrue(memory.records.every(({ userId }) => userId === undefined))
    }))

  it.effect("says of a stream's span what annotateTrace has said", () =>
    Effect.gen(function*() {
      yield* annotateTrace(ada).pipe(
        Effect.zipRight(Stream.runDrain(Stream.make(1).pipe(withSpanStream("stream")))),
        withTrace("trace")
      )
      assert.deepInclude(yield* whom, { "Span stream": "ada" })
    }).pipe(Effect.provide(Testing.layer())))
})
