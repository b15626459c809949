/** Tokens and costs count once, whichever of the spans of a trace hold them. */
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, FastCheck, Scope, TestClock } from "effect"
import type * as Input from "../../src/Input.ts"
import { OpenSpan } from "../../src/internal/recording/openSpan.ts"
import { logLlmCall } from "../../src/Log.ts"
import type { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Span } from "../../src/Observation.ts"
import { annotate, span, withSpan, withTrace, withTraceContext } from "../../src/Span.ts"
import type { SpanHandle } from "../../src/SpanHandle.ts"
import * as Testing from "../../src/Testing.ts"
import { inputTokens } from "../../src/Usage.ts"

const spans = Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Span"))

const named = (name: string) => Effect.map(spans, (all) => all.find((each) => each.name === name)!)

const format = (amount: BigDecimal.BigDecimal | undefined) => amount && BigDecimal.format(amount)

const totals = Effect.gen(function*() {
  const [trace] = yield* Effect.flatMap(Testing.Recorded, (recorded) => recorded.of("Trace"))
  return { tokens: trace!.totals?.inputTokens, cost: format(trace!.totals?.costUsd) }
})

/** As the views of PostgreSQL have it. */
const sumOfRows = (all: ReadonlyArray<Span>) => {
  const calls = all.flatMap(({ modelCall }) => modelCall === undefined || modelCall.isSubtotal ? [] : [modelCall])
  const tokens = calls.flatMap(({ usage }) => usage === undefined ? [] : inputTokens(usage) ?? [])
  const costs = calls.flatMap(({ costUsd }) => costUsd ?? [])
  return {
    tokens: tokens.length === 0 ? undefined : tokens.reduce((sum, each) => sum + each, 0),
    cost: costs.length === 0 ? undefined : format(BigDecimal.sumAll(costs))
  }
}

/** What a call says that has nothing to be counted. */
const nothing = {
  "a usage without a figure": { usage: { uncachedInputTokens: undefined, outputTokens: undefined } },
  "no tokens": { promptTokens: 0, completionTokens: 0 },
  "no cost": { costUsd: 0 },
  "neither": { promptTokens: 0, completionTokens: 0, costUsd: 0 }
}

/** Spans, each below the one before, of which all but the first are over. */
const endedBelow = (names: ReadonlyArray<string>, parent: SpanHandle) =>
  Effect.gen(function*() {
    const scopes: Array<Scope.CloseableScope> = []
    let last = parent
    for (const name of names) {
      const scope = yield* Scope.make()
      scopes.push(scope)
      last = yield* span(name).pipe(withTraceContext(last.context), Scope.extend(scope))
    }
    // the outer ones first: what is below has to find its way through them
    for (const scope of scopes) yield* Scope.close(scope, yield* Effect.exit(Effect.void))
    return last
  })

describe("a call below spans that have ended", () => {
  for (const names of [["child"], ["child", "grandchild"], ["child", "grandchild", "great-grandchild"]]) {
    it.effect(`counts once where one above, which runs, repeats it (${names.length} in between)`, () =>
      Effect.gen(function*() {
        const call = { promptTokens: 10, costUsd: "0.5" }
        yield* Effect.scoped(Effect.gen(function*() {
          const agent = yield* span("agent")
          const ended = yield* endedBelow(names, agent)
          yield* logLlmCall({ model: "m", ...call }).pipe(withTraceContext(ended.context))
          yield* annotate(call).pipe(withTraceContext(agent.context))
        })).pipe(withTrace("trace"))
        assert.isTrue((yield* named("agent")).modelCall!.isSubtotal)
        assert.deepStrictEqual(yield* totals, { tokens: 10, cost: "0.5" })
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("is none of what one has said above that was over before", () =>
    Effect.gen(function*() {
      yield* Effect.gen(function*() {
        const agent = yield* Effect.scoped(
          Effect.tap(span("agent"), (agent) => annotate({ promptTokens: 7 }).pipe(withTraceContext(agent.context)))
        )
        yield* logLlmCall({ model: "m", promptTokens: 10 }).pipe(withTraceContext(agent.context))
      }).pipe(withTrace("trace"))
      assert.isFalse((yield* named("agent")).modelCall!.isSubtotal)
      assert.deepStrictEqual(yield* totals, { tokens: 17, cost: undefined })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a span", () => {
  const above = (below: Input.SpanUpdate, update: Input.SpanUpdate) =>
    annotate(below).pipe(
      withSpan("call"),
      Effect.zipRight(annotate(update)),
      withSpan("agent"),
      withTrace("trace")
    )

  it.effect("keeps its tokens when the one below it knows a cost alone", () =>
    Effect.gen(function*() {
      yield* above({ costUsd: "0.2" }, { promptTokens: 10, costUsd: "0.2", model: "gpt-4o", provider: "openai" })
      const { attributes, modelCall } = yield* named("agent")
      assert.deepInclude(modelCall, { isSubtotal: false, costUsd: undefined, priceId: undefined })
      assert.strictEqual(modelCall!.usage!.uncachedInputTokens, 10)
      assert.deepStrictEqual(attributes, { "observability.repeated": { costUsd: "0.2" } })
      assert.deepStrictEqual(yield* totals, { tokens: 10, cost: "0.2" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps its cost when the one below it knows tokens alone", () =>
    Effect.gen(function*() {
      yield* above({ promptTokens: 10 }, { promptTokens: 10, costUsd: "0.2" })
      const { attributes, modelCall } = yield* named("agent")
      assert.deepInclude(modelCall, { isSubtotal: false, usage: undefined })
      assert.strictEqual(format(modelCall!.costUsd), "0.2")
      assert.deepStrictEqual(attributes, { "observability.repeated": { usage: { uncachedInputTokens: 10 } } })
      assert.deepStrictEqual(yield* totals, { tokens: 10, cost: "0.2" })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a model call with others inside", () => {
  const answer = { provider: "openai", model: "gpt-4o", promptTokens: 10_000, completionTokens: 2_000 }
  const inside = (below: Effect.Effect<unknown, never, ObservabilityService>, update: Input.SpanUpdate = answer) =>
    Effect.zipRight(below, annotate(update)).pipe(withSpan("answer", { type: "llm" }))
  /** At a time of which prices are known. */
  const traced = <A, E, R>(self: Effect.Effect<A, E, R>) =>
    Effect.zipRight(TestClock.setTime(Date.UTC(2026, 0, 1)), withTrace(self, "trace"))
  const embedding = logLlmCall({ provider: "openai", model: "text-embedding-3-small", promptTokens: 5 })

  it.effect("of other models that took less counts beside them", () =>
    Effect.gen(function*() {
      yield* traced(inside(embedding))
      assert.isFalse((yield* named("answer")).modelCall!.isSubtotal)
      assert.deepStrictEqual(yield* totals, { tokens: 10_005, cost: "0.0450001" })
      assert.deepStrictEqual(sumOfRows(yield* spans), { tokens: 10_005, cost: "0.0450001" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of other models that took as much repeats them, as where it says a name of its own for them", () =>
    Effect.gen(function*() {
      yield* traced(inside(logLlmCall({ ...answer, model: "gpt-4.1" }), { ...answer, model: "my-router" }))
      assert.isTrue((yield* named("answer")).modelCall!.isSubtotal)
      assert.deepStrictEqual(yield* totals, { tokens: 10_000, cost: "0.036" })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of the same model, by whichever of its names, repeats them", () =>
    Effect.gen(function*() {
      const same = logLlmCall({ ...answer, model: "gpt-4o-2024-08-06", promptTokens: 9_000 })
      yield* traced(inside(Effect.all([embedding, same])))
      assert.isTrue((yield* named("answer")).modelCall!.isSubtotal)
      assert.deepStrictEqual((yield* totals).tokens, 9_005)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of a model that is not known repeats it", () =>
    Effect.gen(function*() {
      yield* traced(inside(annotate({ promptTokens: 5 }).pipe(withSpan("call"))))
      assert.isTrue((yield* named("answer")).modelCall!.isSubtotal)
      assert.deepStrictEqual((yield* totals).tokens, 5)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("knows them all, however deep they are, and however many", () =>
    Effect.gen(function*() {
      const deep = Array.from({ length: 12 }, (_, number) =>
        logLlmCall({ model: `other ${number}`, promptTokens: 900 }).pipe(withSpan("tool"), withSpan("step")))
      yield* traced(inside(Effect.all(deep.slice(0, 8))))
      yield* traced(inside(Effect.all(deep)))
      const answers = (yield* spans).filter(({ name }) =>
        name === "answer"
      )
      assert.deepStrictEqual(answers.map(({ modelCall }) => modelCall!.isSubtotal), [false, true])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("remembers a few of them: a loop of calls by ever other models costs each of them the same", () =>
    Effect.gen(function*() {
      const calls = Array.from(
        { length: 100 },
        (_, number) => logLlmCall({ model: `other ${number}`, promptTokens: 1 })
      )
      const handle = yield* Effect.scoped(
        Effect.flatMap(
          span("answer", { type: "llm" }),
          (handle) => Effect.as(withTraceContext(Effect.all(calls), handle.context), handle)
        )
      )
      assert.isTrue(handle instanceof OpenSpan && handle.modelsBelow.length < 10 && handle.tokensBelow === 100)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("below an agent that says the sum of all is repeated by it", () =>
    Effect.gen(function*() {
      yield* inside(embedding).pipe(
        Effect.zipRight(annotate({ model: "agent", promptTokens: 20_000 })),
        withSpan("agent", { type: "agent" }),
        traced
      )
      assert.isTrue((yield* named("agent")).modelCall!.isSubtotal)
    }).pipe(Effect.provide(Testing.layer())))

  for (const [what, none] of Object.entries(nothing)) {
    it.effect(`of which all that is said is ${what} counts`, () =>
      Effect.gen(function*() {
        yield* traced(inside(logLlmCall({ model: "gpt-4o", ...none })))
        assert.isFalse((yield* named("answer")).modelCall!.isSubtotal)
        assert.deepStrictEqual(yield* totals, { tokens: 10_000, cost: "0.045" })
        assert.deepStrictEqual(sumOfRows(yield* spans), { tokens: 10_000, cost: "0.045" })
      }).pipe(Effect.provide(Testing.layer())))
  }
})

type Figures = { readonly promptTokens: number | undefined; readonly costUsd: string | undefined }

interface Node {
  readonly own: Figures
  /** What is said when it is over, while the one above it still runs. */
  readonly late: Figures
  readonly below: ReadonlyArray<Node>
}

const figures: FastCheck.Arbitrary<Figures> = FastCheck.record({
  promptTokens: FastCheck.option(FastCheck.integer({ min: 0, max: 9 }), { nil: undefined }),
  costUsd: FastCheck.option(FastCheck.constantFrom("0", "0.1", "0.2"), { nil: undefined })
})

/** More than nothing: what was said above of a call is not said again because that call takes back all of its own. */
const lateFigures: FastCheck.Arbitrary<Figures> = FastCheck.record({
  promptTokens: FastCheck.option(FastCheck.integer({ min: 1, max: 9 }), { nil: undefined }),
  costUsd: FastCheck.option(FastCheck.constantFrom("0.1", "0.2"), { nil: undefined })
})

const nodeOf = (depth: number): FastCheck.Arbitrary<Node> =>
  FastCheck.record({
    own: figures,
    late: lateFigures,
    below: depth === 0 ? FastCheck.constant([]) : FastCheck.array(nodeOf(depth - 1), { maxLength: 3 })
  })

/** @returns the spans, inner ones first */
const build = ({ below, late, own }: Node): Effect.Effect<ReadonlyArray<SpanHandle>, never, ObservabilityService> =>
  Effect.gen(function*() {
    const [handle, inside] = yield* Effect.scoped(Effect.gen(function*() {
      const handle = yield* span("node")
      const inside = yield* Effect.forEach(below, build).pipe(withTraceContext(handle.context))
      yield* annotate(own).pipe(withTraceContext(handle.context))
      return [handle, inside.flat()] as const
    }))
    yield* annotate(late).pipe(withTraceContext(handle.context))
    return [...inside, handle]
  })

/** What the innermost spans say that say anything of it, and what is said above those that say zero. */
const leaves = (node: Node, name: keyof Figures): ReadonlyArray<string | number> => {
  const below = node.below.flatMap((each) => leaves(each, name))
  const own = node.late[name] ?? node.own[name]
  return own === undefined || below.some((each) => Number(each) > 0) ? below : [...below, own]
}

/** Of a call, its model, too, with which a price may come or go. */
const corrections: FastCheck.Arbitrary<Input.SpanUpdate> = FastCheck.record({
  promptTokens: FastCheck.option(FastCheck.integer({ min: 0, max: 9 }), { nil: undefined }),
  costUsd: FastCheck.option(FastCheck.constantFrom("0", "0.3"), { nil: undefined }),
  usage: FastCheck.option(FastCheck.constant({ outputTokens: 3 }), { nil: undefined }),
  provider: FastCheck.constant("openai"),
  model: FastCheck.option(FastCheck.constantFrom("gpt-4o", "nobody's"), { nil: undefined })
})

describe("of any tree", () => {
  it.effect.prop(
    "the totals are what its innermost figures say, and so is the sum of the rows",
    [nodeOf(3)],
    ([node]) =>
      Effect.gen(function*() {
        yield* build(node).pipe(withTrace("trace"))
        const tokens = leaves(node, "promptTokens").map(Number)
        const costs = leaves(node, "costUsd").map((each) => BigDecimal.unsafeFromString(String(each)))
        const expected = {
          tokens: tokens.length === 0 ? undefined : tokens.reduce((sum, each) => sum + each, 0),
          cost: costs.length === 0 ? undefined : format(BigDecimal.sumAll(costs))
        }
        assert.deepStrictEqual(yield* totals, expected)
        assert.deepStrictEqual(sumOfRows(yield* spans), expected)
      }).pipe(Effect.provide(Testing.layer())),
    { fastCheck: { numRuns: 100 } }
  )

  it.effect.prop(
    "the totals are the sum of the rows, whatever is said when all is over",
    [nodeOf(2), FastCheck.array(FastCheck.record({ at: FastCheck.nat(), update: corrections }), { maxLength: 8 })],
    ([node, late]) =>
      Effect.gen(function*() {
        yield* TestClock.setTime(Date.UTC(2026, 0, 1))
        const handles = yield* build(node).pipe(withTrace("trace"))
        for (const { at, update } of late) {
          yield* annotate(update).pipe(withTraceContext(handles[at % handles.length]!.context))
        }
        assert.deepStrictEqual(yield* totals, sumOfRows(yield* spans))
      }).pipe(Effect.provide(Testing.layer())),
    { fastCheck: { numRuns: 100 } }
  )
})
