/** What is stored of a program that uses `@effect/ai`, on a real server. */
import * as LanguageModel from "@effect/ai/LanguageModel"
import { Reactivity } from "@effect/experimental"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import * as AiTelemetry from "../src/AiTelemetry.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import * as PgProvider from "../src/PgProvider.ts"
import { withTrace } from "../src/Span.ts"
import { json, openAi, openAiModel, stream, vendorServer } from "./ai/vendorServer.ts"
import { testDatabase } from "./postgres/testDatabase.ts"

it.scopedLive("a call, a stream and a refusal are rows with their figures, and the trace has the sum", () =>
  Effect.gen(function*() {
    const url = yield* testDatabase
    const sql = yield* PgClient.make({ url })
    const vendor = yield* vendorServer([
      json("openai-cached-reasoning.json"),
      stream("openai-stream.sse"),
      json("openai-429.json", 429)
    ])
    const service = Layer.scoped(
      ObservabilityService,
      Effect.flatMap(PgProvider.make({ url }), (postgres) => ObservabilityService.make({ providers: [postgres] }))
    )
    const around = AiTelemetry.observe({ captureContent: true })
    yield* LanguageModel.generateText({ prompt: "What is the answer?" }).pipe(
      Effect.provide(openAiModel("gpt-5")<ObservabilityService>(vendor, around)),
      Effect.zipRight(
        Effect.zipRight(
          Stream.runDrain(LanguageModel.streamText({ prompt: "Hi." })),
          Effect.exit(LanguageModel.generateText({ prompt: "Again." }))
        ).pipe(Effect.provide(openAi<ObservabilityService>(vendor, around)))
      ),
      withTrace("trace"),
      Effect.zipRight(Effect.flatMap(ObservabilityService, ({ flush }) => flush())),
      Effect.provide(service)
    )
    const rows = yield* sql`
      SELECT name, type, status, provider, model, temperature, finish_reason, uncached_input_tokens, cache_read_tokens,
        output_tokens, reasoning_tokens, cost_usd, error_type, input, output
      FROM observability.spans ORDER BY started_at`
    const call = { type: "llm", provider: "openai", temperature: 0.5 }
    const asked = (content: string) => [{ role: "user", content }]
    const answered = (content: string) => ({ role: "assistant", content })
    assert.deepStrictEqual(rows as ReadonlyArray<unknown>, [
      {
        ...call,
        name: "chat gpt-5",
        status: "success",
        model: "gpt-5",
        finish_reason: "stop",
        uncached_input_tokens: "86",
        cache_read_tokens: "1920",
        output_tokens: "300",
        reasoning_tokens: "256",
        cost_usd: "0.0033475",
        error_type: null,
        input: asked("What is the answer?"),
        output: answered("The answer is 42.")
      },
      {
        ...call,
        name: "chat gpt-4.1",
        status: "success",
        model: "gpt-4.1",
        finish_reason: "stop",
        uncached_input_tokens: "93",
        cache_read_tokens: "1024",
        output_tokens: "11",
        reasoning_tokens: "0",
        cost_usd: "0.000786",
        error_type: null,
        input: asked("Hi."),
        output: answered("Hi there! How can I assist you today?")
      },
      {
        ...call,
        name: "chat gpt-4.1",
        status: "error",
        model: "gpt-4.1",
        finish_reason: null,
        uncached_input_tokens: null,
        cache_read_tokens: null,
        output_tokens: null,
        reasoning_tokens: null,
        cost_usd: null,
        error_type: "HttpResponseError",
        input: asked("Again."),
        output: null
      }
    ])
    const [trace] = yield* sql`SELECT input_tokens, output_tokens, cost_usd FROM observability.traces`
    // 2,006 and 1,117; 300 and 11; 0.0033475 and 0.000786
    assert.deepStrictEqual(trace as unknown, { input_tokens: "3123", output_tokens: "311", cost_usd: "0.0041335" })
  }).pipe(Effect.provide(Reactivity.layer)))
