// A program that uses @effect/ai and knows nothing of tracing: an agent that may use a tool, and an answer that is
// streamed. The model is observed only where the layers are put together. Run it with
// `npx tsx examples/03-effect-ai.ts`; with OPENAI_API_KEY it asks OpenAI, without it a parrot.
import * as OpenAiClient from "@effect/ai-openai/OpenAiClient"
import * as OpenAiLanguageModel from "@effect/ai-openai/OpenAiLanguageModel"
import * as Chat from "@effect/ai/Chat"
import * as LanguageModel from "@effect/ai/LanguageModel"
import * as Tool from "@effect/ai/Tool"
import * as Toolkit from "@effect/ai/Toolkit"
import { FetchHttpClient } from "@effect/platform"
import { PgClient } from "@effect/sql-pg"
import { Config, Console, Effect, Layer, Option, Schema, Stream } from "effect"
import { flush, ObservabilityLive, withTrace } from "effect-observability"
import * as AiTelemetry from "effect-observability/AiTelemetry"
import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"
import { randomUUID } from "node:crypto"

// The program.

const Tools = Toolkit.make(
  Tool.make("Thermometer", {
    description: "The temperature in a city, in degrees Celsius",
    parameters: { city: Schema.String },
    success: Schema.Number
  })
)

const agent = Effect.gen(function*() {
  const chat = yield* Chat.empty
  let answer = yield* chat.generateText({ prompt: "How warm is it in Paris?", toolkit: Tools })
  while (answer.toolCalls.length > 0) answer = yield* chat.generateText({ prompt: [], toolkit: Tools })
  yield* Console.log(answer.text)
})

const verse = LanguageModel.streamText({ prompt: "A line about Paris." }).pipe(
  Stream.filterMap((part) => part.type === "text-delta" ? Option.some(part.delta) : Option.none()),
  Stream.mkString,
  Effect.flatMap(Console.log)
)

const ToolsLive = Tools.toLayer({ Thermometer: () => Effect.delay(Effect.succeed(14), "20 millis") })

// The models.

const OpenAi = OpenAiLanguageModel.model("gpt-4.1-mini").pipe(
  Layer.provide(OpenAiClient.layerConfig({ apiKey: Config.redacted("OPENAI_API_KEY") })),
  Layer.provide(FetchHttpClient.layer)
)

/** A model that uses the thermometer once, if it is offered, and streams word by word. */
const Parrot = Layer.effect(
  LanguageModel.LanguageModel,
  LanguageModel.make({
    generateText: ({ prompt, tools }) => {
      const asks = tools.length > 0 && prompt.content.every(({ role }) => role !== "tool")
      const usage = { inputTokens: 40, outputTokens: 8, totalTokens: 48 }
      return Effect.delay(
        Effect.succeed([
          { type: "response-metadata" as const, id: randomUUID(), modelId: "parrot" },
          asks
            ? { type: "tool-call" as const, id: "call", name: "Thermometer", params: { city: "Paris" } }
            : { type: "text" as const, text: "It is 14 degrees in Paris." },
          { type: "finish" as const, reason: asks ? "tool-calls" as const : "stop" as const, usage }
        ]),
        "50 millis"
      )
    },
    streamText: () =>
      Stream.make("Paris ", "is ", "always ", "a ", "good ", "idea.").pipe(
        Stream.rechunk(1),
        Stream.tap(() => Effect.sleep("10 millis")),
        Stream.map((delta) => ({ type: "text-delta" as const, id: "line", delta })),
        Stream.concat(Stream.make({
          type: "finish" as const,
          reason: "stop" as const,
          usage: { inputTokens: 12, outputTokens: 6, totalTokens: 18 }
        }))
      )
  })
)

const Model = Layer.unwrapEffect(
  Effect.map(
    Config.option(Config.redacted("OPENAI_API_KEY")),
    (key) => Option.isSome(key) ? Layer.orDie(OpenAi) : Parrot
  )
)

// Where everything is put together: the next line turns on recording.

const Observed = AiTelemetry.observe(Model, { captureContent: true })

const sessionId = randomUUID()

const main = Effect.gen(function*() {
  yield* Effect.zipRight(agent, verse).pipe(withTrace("paris", { sessionId }))
  yield* flush()

  const sql = yield* PgClient.PgClient
  yield* Console.table(
    yield* sql`select name, type, status, duration_ms, time_to_first_token_ms, input_tokens::int, output_tokens::int, cost_usd
      from observability.spans where session_id = ${sessionId} order by started_at`
  )
})

// Both read DATABASE_URL. Where it is not set, a PostgreSQL server of this program's own is started.
const Live = Layer.merge(ObservabilityLive, PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })).pipe(
  Layer.provide(EmbeddedPostgres.layerDatabaseUrl())
)

Effect.runPromise(main.pipe(Effect.provide(Layer.provideMerge(Layer.merge(ToolsLive, Observed), Live))))
