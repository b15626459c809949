/** Prices in PostgreSQL, and costs computed there by the same rules as in memory. */
import { PgClient } from "@effect/sql-pg"
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, Effect, Either, FastCheck as fc, Option, Runtime } from "effect"
import { logLlmCall } from "../../src/Log.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import { closedRevision, type ModelCall } from "../../src/Observation.ts"
import * as PgMigrations from "../../src/PgMigrations.ts"
import * as PgPricing from "../../src/PgPricing.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import * as Pricing from "../../src/Pricing.ts"
import { annotate, withSpan, withTrace } from "../../src/Span.ts"
import type { Usage } from "../../src/Usage.ts"
import { modelCall, span, spanId, startTimeUnixMicros, usage, usd } from "../observations.ts"
import { type Fixture, fixture } from "./pgFixture.ts"

const microsPerDay = 86_400_000_000

const year = { since: new Date("2024-01-01"), until: new Date("2027-01-01") }

const recompute = ({ sql }: Fixture, range = year) =>
  Effect.provideService(PgPricing.recomputeCosts(range), PgClient.PgClient, sql)

const add = ({ sql }: Fixture, prices: ReadonlyArray<Pricing.PriceInput>) =>
  Effect.provideService(
    PgPricing.addPrices(Either.getOrThrow(Pricing.make(prices, { shipped: false }))),
    PgClient.PgClient,
    sql
  )

const call = (index: number, fields: Partial<ModelCall>, timeUnixMicros = startTimeUnixMicros) =>
  span({
    spanId: spanId(index),
    type: "llm",
    status: "success",
    revision: closedRevision,
    startTimeUnixMicros: timeUnixMicros,
    modelCall: modelCall(fields)
  })

const costs = ({ rows }: Fixture) =>
  Effect.map(
    rows("select span_id, cost_usd, price_id from spans order by span_id"),
    (found) =>
      found.map((row) => ({
        cost: row["cost_usd"] === null ? undefined : String(row["cost_usd"]),
        priceId: row["price_id"] ?? undefined
      }))
  )

const own = (fields: Partial<Pricing.PriceInput>): Pricing.PriceInput => ({
  vendor: "openai",
  model: "m",
  validFrom: "2026-01-01",
  source: "a test",
  usdPerMillion: { input: "1", output: "2" },
  ...fields
})

describe("the table of prices", () => {
  it.scopedLive("holds the shipped ones after the migration, each with its source", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* Effect.provideService(PgMigrations.run(), PgClient.PgClient, store.sql)
      const stored = yield* store.rows(
        "select price_id, is_shipped, source from prices order by price_id collate \"C\""
      )
      expect(stored).toEqual(
        Pricing.shipped.prices.map(({ id, source }) => ({ price_id: id, is_shipped: true, source }))
          .sort((left, right) => left.price_id < right.price_id ? -1 : 1)
      )
      const [row] = yield* store.rows(
        "select * from prices where model = 'gpt-5.5' and above_input_tokens = 272000"
      )
      expect(row).toMatchObject({
        vendor: "openai",
        valid_from: new Date("2026-04-23"),
        valid_until: null,
        input: "10",
        cache_read: "1",
        output: "45",
        cache_write: null
      })
    }))

  it.scopedLive("gets at the start what is missing, and nobody's own rows are touched", () =>
    Effect.gen(function*() {
      const pricing = Either.getOrThrow(Pricing.make([own({ model: "ours" })]))
      const store = yield* fixture({ pricing })
      yield* store.provider.write([span()])
      yield* store.rows("delete from prices where model = 'gpt-4o'; select 1")
      yield* store
        .sql`insert into observability.prices (vendor, model, valid_from, input) values ('openai', 'theirs', '2026-01-01', 3)`
      const again = yield* PgProvider.make({ url: store.url })
      yield* again.write([span()])
      const counted = yield* store.rows(
        "select model, count(*)::int as count, bool_and(is_shipped) as is_shipped from prices where model in ('gpt-4o', 'ours', 'theirs') group by 1 order by 1"
      )
      expect(counted).toEqual([
        { model: "gpt-4o", count: 1, is_shipped: true },
        { model: "ours", count: 1, is_shipped: false },
        { model: "theirs", count: 1, is_shipped: false }
      ])
    }))

  it.scopedLive("a span whose cost is known below it gets none of its own from its tokens", () =>
    Effect.gen(function*() {
      const stored = yield* fixture()
      const service = yield* ObservabilityService.make({ providers: [stored.provider] })
      const agents = Effect.forEach(
        [undefined, "0.0075"],
        (costUsd, index) =>
          logLlmCall({ provider: "openrouter", model: "gpt-4o", costUsd: "0.0075" }).pipe(
            Effect.zipRight(
              annotate({ provider: "openai", model: "gpt-4o", promptTokens: 1_000, completionTokens: 5, costUsd })
            ),
            withSpan("agent", { type: "agent" }),
            withTrace(`trace ${index}`)
          )
      )
      yield* Effect.provideService(agents, ObservabilityService, service)
      yield* service.flush()
      yield* recompute(stored, { since: year.since, until: new Date(Date.now() + 60_000) })
      expect(yield* stored.rows("select cost_usd::text as cost from traces")).toEqual([
        { cost: "0.0075" },
        { cost: "0.0075" }
      ])
    }))
})

describe("recomputeCosts", () => {
  it.scopedLive("prices what had no price, once, and the totals follow", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([
        call(1, { model: "m-2026-02-01", usage: usage({ uncachedInputTokens: 1_000, outputTokens: 10 }) }),
        call(2, { model: "m", usage: usage({ uncachedInputTokens: 1, cacheReadTokens: 1, outputTokens: 1 }) })
      ])
      expect(yield* recompute(store)).toBe(0)
      yield* add(store, [own({})])
      expect(yield* recompute(store)).toBe(1)
      expect(yield* recompute(store)).toBe(0)
      const [price] = Either.getOrThrow(Pricing.make([own({})])).prices
      expect(yield* costs(store)).toEqual([
        { cost: "0.00102", priceId: price!.id },
        // read from the cache, for which there is no price: not a part of the sum
        { cost: undefined, priceId: undefined }
      ])
      // a later price supersedes, from its day on
      yield* add(store, [own({ validFrom: "2026-02-01", usdPerMillion: { input: "10", cacheRead: "1", output: "2" } })])
      expect(yield* recompute(store)).toBe(2)
      expect((yield* costs(store)).map(({ cost }) => cost)).toEqual(["0.01002", "0.000013"])
    }))

  it.scopedLive("leaves alone what was stated, what repeats others, what runs, and what lies outside of the time", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      const tokens = usage({ uncachedInputTokens: 1, outputTokens: 1 })
      const stated = call(1, { model: "m", usage: tokens, costUsd: usd("7") })
      const subtotal = call(2, { model: "m", usage: tokens, isSubtotal: true })
      const running = { ...call(3, { model: "m", usage: tokens }), status: "in_progress" as const, revision: 1 }
      const before = call(4, { model: "m", usage: tokens }, startTimeUnixMicros - 1)
      const last = call(5, { model: "m", usage: tokens }, startTimeUnixMicros + microsPerDay - 1_000)
      const after = call(6, { model: "m", usage: tokens }, startTimeUnixMicros + microsPerDay)
      yield* store.provider.write([stated, subtotal, running, before, last, after])
      yield* add(store, [own({})])
      const since = new Date(startTimeUnixMicros / 1_000)
      const until = new Date((startTimeUnixMicros + microsPerDay) / 1_000)
      expect(yield* recompute(store, { since, until })).toBe(1)
      expect((yield* costs(store)).map(({ cost }) => cost))
        .toEqual(["7", undefined, undefined, undefined, "0.000003", undefined])
    }))

  it.scopedLive("says what is wrong with what it is given", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      const [earlier, later] = [new Date("2026-03-01"), new Date("2026-03-02")]
      expect(yield* Effect.flip(recompute(store, { since: later, until: earlier }))).toMatchObject({
        reason: "invalid-range",
        message: "since is 2026-03-02T00:00:00.000Z and until is 2026-03-01T00:00:00.000Z; expected an earlier since"
      })
      expect(yield* Effect.flip(recompute(store, { since: new Date("no"), until: later }))).toMatchObject({
        reason: "invalid-range",
        message: "since is an invalid date and until is 2026-03-02T00:00:00.000Z; expected an earlier since"
      })
      const inSchema = (schema: string) =>
        Effect.flip(
          Effect.provideService(PgPricing.recomputeCosts({ ...year, schema }), PgClient.PgClient, store.sql)
        )
      expect(yield* inSchema("a b")).toMatchObject({ reason: "invalid-schema-name" })
      expect(yield* inSchema("nowhere")).toMatchObject({ reason: "failed" })
    }))

  it.scopedLive("agrees with the prices in memory, for any call and any prices", () =>
    Effect.gen(function*() {
      const store = yield* fixture()
      yield* store.provider.write([span()])
      const runtime = yield* Effect.runtime<never>()
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.array(callOf, { minLength: 1, maxLength: 60 }), pricesOf, (calls, prices) =>
            Runtime.runPromise(runtime)(
              Effect.gen(function*() {
                const pricing = Either.getOrThrow(Pricing.make(prices))
                yield* store.rows("truncate span_store, trace_store; select 1")
                yield* store.rows("delete from prices where not is_shipped; select 1")
                yield* add(store, prices)
                yield* store.provider.write(
                  calls.map(({ model, provider, time, tokens }, index) =>
                    call(index + 1, { model, provider, usage: tokens }, time)
                  ) as never
                )
                yield* recompute(store)
                const inMemory = calls.map(({ model, provider, time, tokens }) =>
                  Option.getOrUndefined(
                    Pricing.costOf(pricing, { model, provider, usage: tokens, time: new Date(time / 1_000) })
                  )
                )
                const stored = yield* costs(store)
                expect(stored)
                  .toEqual(inMemory.map((priced) => ({
                    cost: priced && BigDecimal.format(priced.costUsd),
                    priceId: priced?.price.id
                  })))
              })
            )),
          { numRuns: 25, examples: [edges] }
        )
      )
    }), 60_000)
})

const tokens = fc.option(fc.oneof(fc.constant(0), fc.nat(1_000), fc.integer({ min: 90_000, max: 300_000 })), {
  nil: undefined
})

const usageOf: fc.Arbitrary<Usage> = fc.record({
  uncachedInputTokens: tokens,
  cacheReadTokens: tokens,
  cacheWriteTokens: tokens,
  outputTokens: tokens
}).chain((whole) => {
  const partOf = (name: keyof typeof whole) =>
    fc.option(fc.integer({ min: 0, max: Math.floor((whole[name] ?? 30) / 3) }), { nil: undefined })
  return fc.record({
    audioInputTokens: partOf("uncachedInputTokens"),
    imageInputTokens: fc.constantFrom(undefined, undefined, 0),
    audioCacheReadTokens: fc.oneof(fc.constant(undefined), partOf("cacheReadTokens")),
    longCacheWriteTokens: partOf("cacheWriteTokens"),
    reasoningTokens: partOf("outputTokens"),
    audioOutputTokens: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, partOf("outputTokens")),
    imageOutputTokens: fc.constantFrom(undefined, undefined, 0)
  }).map((parts) => usage({ ...whole, ...parts }))
})

const modelOf = fc.tuple(
  fc.constantFrom("", "openai/", "models/", "us.", "us.anthropic.", "global.anthropic.", "anthropic.", "bedrock/eu."),
  fc.constantFrom(
    "gpt-4o",
    "gpt-4o-2024-05-13",
    "gpt-5.5",
    "o3",
    "claude-sonnet-4",
    "claude-sonnet-4-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "own",
    "shared",
    "unknown",
    "it's"
  ),
  fc.constantFrom("", "", "-2024-08-06", "-20250929", "@20250929", "-latest", "-20250929-v1:0", "-v2", "-2024-8-6")
).map((parts) => parts.join(""))

const days = (Date.parse("2026-12-31") - Date.parse("2024-06-01")) / 86_400_000

interface Call {
  readonly provider: string | undefined
  readonly model: string
  readonly time: number
  readonly tokens: Usage
}

const callOf: fc.Arbitrary<Call> = fc.record({
  provider: fc.constantFrom(
    undefined,
    "openai",
    "anthropic",
    "aws.bedrock",
    "gcp.vertex_ai",
    "gcp.gemini",
    "azure.ai.openai",
    "it's"
  ),
  model: modelOf,
  // to the millisecond, as a `Date` is; now and then the very first of a day
  time: fc.tuple(fc.nat(days), fc.oneof(fc.constant(0), fc.nat(86_399_999)))
    .map(([day, millis]) => Date.parse("2024-06-01") * 1_000 + day * microsPerDay + millis * 1_000),
  tokens: usageOf
})

const rate = fc.option(fc.constantFrom("0", "0.1", "2.5", "3", "0.0375", "17.25"), { nil: undefined })

const pricesOf: fc.Arbitrary<Array<Pricing.PriceInput>> = fc.uniqueArray(
  fc.record({
    vendor: fc.constantFrom("openai", "anthropic", "aws.bedrock", "azure.ai.openai", "it's"),
    model: fc.constantFrom("own", "shared", "gpt-4o", "it's", "anthropic.claude-sonnet-4-5"),
    validFrom: fc.constantFrom("2024-06-01", "2025-01-01", "2026-01-01"),
    validUntil: fc.constantFrom(undefined, "2026-06-01"),
    aboveInputTokens: fc.constantFrom(0, 0, 100_000, 200_000),
    source: fc.constant("a test"),
    usdPerMillion: fc.record({
      input: fc.constantFrom("1", "0.3"),
      audioInput: rate,
      cacheRead: rate,
      audioCacheRead: rate,
      cacheWrite: rate,
      longCacheWrite: rate,
      output: rate,
      audioOutput: rate
    })
  }),
  {
    maxLength: 12,
    selector: (price) => JSON.stringify([price.vendor, price.model, price.validFrom, price.aboveInputTokens])
  }
)

const midnight = (day: string): number => Date.parse(day) * 1_000

const some = usage({ uncachedInputTokens: 10, outputTokens: 1 })

/** What random calls and prices seldom meet: the program's own price of a less exact name, and the ends of a price. */
const edges: [Array<Call>, Array<Pricing.PriceInput>] = [
  [
    { provider: "openai", model: "gpt-4o-2024-05-13", time: midnight("2025-03-01"), tokens: some },
    ...["2025-01-01", "2026-06-01"].flatMap((day) =>
      [-1_000, 0].map((micros) => ({ provider: undefined, model: "own", time: midnight(day) + micros, tokens: some }))
    )
  ],
  [
    own({ model: "gpt-4o", validFrom: "2024-06-01" }),
    own({ model: "own", validFrom: "2025-01-01", validUntil: "2026-06-01" })
  ]
]
