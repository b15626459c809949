import type { Option, Scope } from "effect"
import { Effect, Stream } from "effect"
import type { Delivery, ObservabilityService, Observation, SpanHandle } from "effect-observability"
import {
  annotate,
  annotateTrace,
  flush,
  logChatMessage,
  logDocumentEvent,
  logLlmCall,
  span,
  TraceContext,
  withSpan,
  withSpanStream,
  withSubjects,
  withTrace,
  withTraceContext
} from "effect-observability"
import { describe, expect, it } from "tstyche"

class Failure {
  readonly _tag = "Failure"
}

class Need {
  readonly _tag = "Need"
}

declare const program: Effect.Effect<number, Failure, Need>
declare const unknown: Effect.Effect<unknown, unknown, unknown>
declare const stream: Stream.Stream<number, Failure, Need>
declare const context: TraceContext

describe("combinators add nothing to A and E, and only ObservabilityService to R", () => {
  it("withSpan, in both forms", () => {
    type Expected = Effect.Effect<number, Failure, Need | ObservabilityService>
    expect(program.pipe(withSpan("s"))).type.toBe<Expected>()
    expect(program.pipe(withSpan("s", { type: "llm", attributes: { a: 1 } }))).type.toBe<Expected>()
    expect(withSpan(program, "s")).type.toBe<Expected>()
    expect(withSpan(program, "s", { type: "tool", input: 1n })).type.toBe<Expected>()
    expect(withSpan(Effect.void, "s")).type.toBe<Effect.Effect<void, never, ObservabilityService>>()
  })

  it("withTrace, in both forms", () => {
    type Expected = Effect.Effect<number, Failure, Need | ObservabilityService>
    expect(program.pipe(withTrace("t"))).type.toBe<Expected>()
    expect(withTrace(program, "t", { userId: "ada", tags: ["a"] })).type.toBe<Expected>()
  })

  it("withTraceContext, in both forms, needs not even the service", () => {
    expect(program.pipe(withTraceContext(context))).type.toBe<Effect.Effect<number, Failure, Need>>()
    expect(withTraceContext(program, context)).type.toBe<Effect.Effect<number, Failure, Need>>()
  })

  it("withSpanStream, in both forms", () => {
    type Expected = Stream.Stream<number, Failure, Need | ObservabilityService>
    expect(stream.pipe(withSpanStream("s"))).type.toBe<Expected>()
    expect(withSpanStream(stream, "s", { type: "llm" })).type.toBe<Expected>()
    expect(Stream.make(1).pipe(withSpanStream("s"))).type.toBe<Stream.Stream<number, never, ObservabilityService>>()
  })

  it("withSubjects, in both forms", () => {
    type Expected = Effect.Effect<number, Failure, Need | ObservabilityService>
    expect(program.pipe(withSubjects({ userId: "ada" }))).type.toBe<Expected>()
    expect(withSubjects(program, { sessionId: "s", kbId: undefined })).type.toBe<Expected>()
  })

  it("combinators in a row need the service once", () => {
    expect(program.pipe(withSpan("a"), withSpan("b"), withTrace("t"))).type.toBe<
      Effect.Effect<number, Failure, Need | ObservabilityService>
    >()
  })

  it("in functions for any program, and for any stream", () => {
    const observed = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(withSpan("s"), withTrace("t"))
    expect(observed(program)).type.toBe<Effect.Effect<number, Failure, Need | ObservabilityService>>()
    const observedStream = <A, E, R>(self: Stream.Stream<A, E, R>) => withSpanStream(self, "s")
    expect(observedStream(stream)).type.toBe<Stream.Stream<number, Failure, Need | ObservabilityService>>()
  })

  it("beside what Effect has for functions, with what they are given", () => {
    const traced = Effect.fn("f")(function*(count: number) {
      return count + (yield* program)
    }, withSpan("s"))
    expect(traced(1)).type.toBe<Effect.Effect<number, Failure, Need | ObservabilityService>>()
    const plain = Effect.fnUntraced(function*(count: number) {
      return count + (yield* program)
    }, (self, count) => withSpan(self, "s", { attributes: { count } }))
    expect(plain(1)).type.toBe<Effect.Effect<number, Failure, Need | ObservabilityService>>()
  })

  it("of what never succeeds, and of what nothing is known", () => {
    expect(Effect.never.pipe(withSpan("s"))).type.toBe<Effect.Effect<never, never, ObservabilityService>>()
    expect(Effect.fail(new Failure()).pipe(withSpan("s"))).type.toBe<
      Effect.Effect<never, Failure, ObservabilityService>
    >()
    expect(unknown.pipe(withSpan("s"))).type.toBe<Effect.Effect<unknown, unknown, unknown>>()
  })

  it("span is scoped, and never fails", () => {
    expect(span("s")).type.toBe<Effect.Effect<SpanHandle, never, ObservabilityService | Scope.Scope>>()
    expect(Effect.scoped(span("s"))).type.toBe<Effect.Effect<SpanHandle, never, ObservabilityService>>()
  })

  it("logging never fails", () => {
    type Expected = Effect.Effect<void, never, ObservabilityService>
    expect(annotate({ output: {} })).type.toBe<Expected>()
    expect(annotateTrace({ userId: "ada", sessionId: "s", kbId: "k" })).type.toBe<Expected>()
    expect(annotate({ error: new Error("no") })).type.toBe<Expected>()
    expect(annotate({ error: null })).type.toBe<Expected>()
    expect(logLlmCall({ model: "m", latency: "1 second", costUsd: "0.1" })).type.toBe<Expected>()
    expect(logChatMessage({ role: "critic", content: [] })).type.toBe<Expected>()
    expect(logDocumentEvent({ documentId: "d", eventType: "parse", status: "failed" })).type.toBe<Expected>()
  })

  it("flush tells what became of everything, by provider", () => {
    expect(flush()).type.toBe<
      Effect.Effect<Readonly<Record<string, Delivery.Receipt>>, never, ObservabilityService>
    >()
    expect<{ readonly timeout: "1 second" }>().type.toBeAssignableTo<NonNullable<Parameters<typeof flush>[0]>>()
  })

  it("the ambient context is read without the service", () => {
    expect(TraceContext.current).type.toBe<Effect.Effect<Option.Option<TraceContext>>>()
  })
})

describe("what the compiler refuses", () => {
  it("a call without a model, a step with an unknown status, a trace without a name", () => {
    expect<{}>().type.not.toBeAssignableTo<Parameters<typeof logLlmCall>[0]>()
    expect<{ readonly model: string }>().type.toBeAssignableTo<Parameters<typeof logLlmCall>[0]>()
    type Step = { readonly documentId: string; readonly eventType: "parse" }
    expect<Step & { readonly status: "perhaps" }>().type.not.toBeAssignableTo<Parameters<typeof logDocumentEvent>[0]>()
    expect<Step & { readonly status: "failed" }>().type.toBeAssignableTo<Parameters<typeof logDocumentEvent>[0]>()
    expect<{}>().type.not.toBeAssignableTo<Parameters<ObservabilityService["Type"]["startTrace"]>[0]>()
  })

  it("a user that is no text, and what a running trace is not told", () => {
    expect<{ readonly userId: number }>().type.not.toBeAssignableTo<Parameters<typeof annotateTrace>[0]>()
    expect(withSubjects).type.not.toBeCallableWith({ sampled: false })
  })

  it("a kind of record that is none", () => {
    expect<"Metric">().type.not.toBeAssignableTo<Observation.Kind>()
    expect<Observation.Observation["_tag"]>().type.toBe<"Trace" | "Span" | "ChatMessage" | "DocumentEvent">()
  })

  it("a position that was not made by the library", () => {
    expect<{ readonly traceId: string; readonly spanId: string }>().type.not.toBeAssignableTo<TraceContext>()
    expect<string>().type.not.toBeAssignableTo<TraceContext["traceId"]>()
  })
})

describe("the service", () => {
  it("has methods that never fail and need nothing", () => {
    type Service = ObservabilityService["Type"]
    expect<Effect.Effect.Error<ReturnType<Service["startTrace" | "endTrace" | "logLlmCall" | "flush"]>>>().type.toBe<
      never
    >()
    expect<Effect.Effect.Context<ReturnType<Service["startTrace" | "endTrace" | "updateSpan" | "flush"]>>>().type.toBe<
      never
    >()
    expect<ReturnType<Service["span"]>>().type.toBe<Effect.Effect<SpanHandle, never, Scope.Scope>>()
  })

  it("begins a span in a context, or below a handle", () => {
    type Parent = Parameters<ObservabilityService["Type"]["unsafe"]["startSpan"]>[1]
    expect<Parent>().type.toBe<TraceContext | SpanHandle | undefined>()
  })
})
