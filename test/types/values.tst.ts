import type { Layer, Schema, Scope } from "effect"
import { Effect, Either } from "effect"
import { describe, expect, it } from "tstyche"
import type { SpanId, TraceId } from "../../src/Identifier.ts"
import { Observation, Provider, TraceContext, Usage, withSpan, withTrace } from "../../src/index.ts"
import type { Delivery, flush, IdGenerator, ObservabilityLive, ObservabilityService } from "../../src/index.ts"
import type { Service } from "../../src/ObservabilityService.ts"

declare const context: TraceContext

describe("no type is any", () => {
  it("for any would be assignable to a type that has nothing to do with it", () => {
    expect<Service>().type.not.toBeAssignableTo<"unrelated">()
    expect<Observation.Observation>().type.not.toBeAssignableTo<"unrelated">()
    expect<Observation.Json>().type.not.toBeAssignableTo<"unrelated">()
    expect<Effect.Effect.Success<ReturnType<typeof flush>>>().type.not.toBeAssignableTo<"unrelated">()
    expect<Layer.Layer.Error<typeof ObservabilityLive>>().type.not.toBeAssignableTo<"unrelated">()
    expect<Delivery.Stats>().type.not.toBeAssignableTo<"unrelated">()
  })
})

describe("a combinator that is kept for later", () => {
  it("stays generic", () => {
    const observe = withSpan("name")
    expect(observe(Effect.succeed("a" as const))).type.toBe<Effect.Effect<"a", never, ObservabilityService>>()
    expect(observe(Effect.fail("e" as const))).type.toBe<Effect.Effect<never, "e", ObservabilityService>>()
  })

  it("refuses what is no effect, and options that do not exist", () => {
    expect(withSpan).type.not.toBeCallableWith(1, "name")
    expect(withSpan).type.not.toBeCallableWith("name", { kind: "llm" })
    expect(withSpan).type.not.toBeCallableWith("name", { type: 1 })
    // how it ends is not known when it begins
    expect(withSpan).type.not.toBeCallableWith("name", { error: "no" })
    expect(withTrace).type.not.toBeCallableWith("name", { user: "ada" })
  })
})

describe("every method of the service", () => {
  it("never fails, and needs nothing but a scope where there is one", () => {
    type Methods = Omit<Service, "enabled" | "unsafe">
    type EffectOf<A> = A extends (...parameters: never) => infer Result ? Result : A
    type Errors = { [Name in keyof Methods]: Effect.Effect.Error<EffectOf<Methods[Name]>> }[keyof Methods]
    type Needs = { [Name in keyof Methods]: Effect.Effect.Context<EffectOf<Methods[Name]>> }[keyof Methods]
    expect<Errors>().type.toBe<never>()
    expect<Needs>().type.toBe<Scope.Scope>()
  })
})

describe("the layer from the environment", () => {
  it("needs nothing, and provides the service", () => {
    expect<Layer.Layer.Context<typeof ObservabilityLive>>().type.toBe<never>()
    expect<Layer.Layer.Success<typeof ObservabilityLive>>().type.toBe<ObservabilityService>()
  })
})

describe("a trace context", () => {
  it("has branded ids: one kind is not the other, and both are text", () => {
    expect(context.traceId).type.toBe<TraceId>()
    expect(context.spanId).type.toBe<SpanId>()
    expect<string>().type.not.toBeAssignableTo<SpanId>()
    expect<TraceId>().type.not.toBeAssignableTo<SpanId>()
    expect<SpanId>().type.not.toBeAssignableTo<TraceId>()
    expect<TraceId>().type.toBeAssignableTo<string>()
  })

  it("is made without failing or needing anything, and from outside with a typed error", () => {
    expect(TraceContext.root()).type.toBe<Effect.Effect<TraceContext>>()
    expect(TraceContext.child(context)).type.toBe<Effect.Effect<TraceContext>>()
    expect(Either.getLeft(TraceContext.make({ traceId: "", spanId: "" }))).type.not.toBeAssignableTo<"unrelated">()
    expect<Either.Either.Left<ReturnType<typeof TraceContext.fromTraceparent>>["_tag"]>().type.toBe<
      "TraceContextError"
    >()
    expect<Schema.Schema.Type<typeof TraceContext.schema>>().type.toBe<TraceContext>()
    expect<Schema.Schema.Context<typeof TraceContext.schema>>().type.toBe<never>()
  })

  it("cannot be made past the validation, and takes no id from a caller", () => {
    expect(TraceContext).type.not.toBeConstructableWith(context.traceId, context.spanId)
    expect(TraceContext.root).type.not.toBeCallableWith({ traceId: "a" })
  })
})

describe("texts of an observation", () => {
  it("are mapped with and without the observation at hand, and leave its type", () => {
    expect(Observation.mapTexts({} as Observation.Span, (text) => text)).type.toBe<Observation.Span>()
    expect(Observation.mapTexts((text) => text)({} as Observation.Trace)).type.toBe<Observation.Trace>()
    expect(Observation.mapTexts((text) => text)).type.toBeAssignableTo<
      (observation: Observation.Observation) => Observation.Observation
    >()
    expect(Observation.mapTexts).type.not.toBeCallableWith(() => 1)
  })
})

describe("small values", () => {
  it("say what is not known, and have typed errors", () => {
    expect(Usage.make({})).type.toBe<Either.Either<Usage.Usage, Usage.UsageError>>()
    expect(Usage.costFrom).type.not.toBeCallableWith(1n)
    expect<ReturnType<typeof Usage.inputTokens>>().type.toBe<number | undefined>()
    expect(Usage.make).type.not.toBeCallableWith({ totalTokens: 3 })
    expect(Provider.memory().records).type.toBe<ReadonlyArray<Observation.Observation>>()
    expect<Effect.Effect.Success<typeof IdGenerator.IdGenerator>>().type.toBe<IdGenerator.Generator>()
    expect<ReturnType<Delivery.Delivery["offer"]>>().type.toBe<void>()
  })
})
