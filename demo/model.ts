/** The model that answers: one of OpenAI if there is a key for it, otherwise a reader on this machine. */
import { LanguageModel } from "@effect/ai"
import { OpenAiClient, OpenAiLanguageModel } from "@effect/ai-openai"
import { FetchHttpClient } from "@effect/platform"
import type { BigDecimal } from "effect"
import { Config, Context, Data, Effect, Either, Layer, Option } from "effect"
import { Usage } from "effect-observability"
import { KnowledgeBase } from "./knowledgeBase.ts"
import { pricesOfOpenAi } from "./prices.ts"
import type { Prompt } from "./prompt.ts"
import { instructions, render } from "./prompt.ts"
import { read } from "./reader.ts"
import { countTokens } from "./tokens.ts"

export interface Completion {
  readonly text: string
  readonly finishReason: string
  readonly usage: Usage.Usage | undefined
  /** US dollars; omitted if no price is known. */
  readonly costUsd?: BigDecimal.BigDecimal | undefined
}

export class GenerationFailed extends Data.TaggedError("GenerationFailed")<{ readonly message: string }> {}

export class Model extends Context.Tag("demo/Model")<Model, {
  readonly name: string
  readonly provider: string
  readonly generate: (prompt: Prompt) => Effect.Effect<Completion, GenerationFailed>
}>() {}

/** The extractive reader. It states no cost, because nobody has put a price on it. */
export const local: Layer.Layer<Model, never, KnowledgeBase> = Layer.effect(
  Model,
  Effect.map(KnowledgeBase, ({ rarity }) => ({
    name: "extractive-reader",
    provider: "local",
    generate: (prompt) =>
      Effect.sync(() => {
        const text = read(prompt.query, prompt.passages, rarity)
        return {
          text,
          finishReason: "stop",
          usage: usageOf({
            uncachedInputTokens: countTokens(`${instructions}\n\n${render(prompt)}`),
            outputTokens: countTokens(text)
          })
        }
      })
  }))
)

const modelName = Config.string("OPENAI_MODEL").pipe(Config.withDefault("gpt-4o-mini"))

export const openAi = Layer.effect(
  Model,
  Effect.gen(function*() {
    const model = yield* LanguageModel.LanguageModel
    const name = yield* modelName
    const priceOf = yield* pricesOfOpenAi
    return {
      name,
      provider: "openai",
      generate: (prompt) =>
        model.generateText({
          prompt: [
            { role: "system", content: instructions },
            { role: "user", content: [{ type: "text", text: render(prompt) }] }
          ]
        }).pipe(
          Effect.map(({ finishReason, text, usage: { cachedInputTokens = 0, inputTokens, ...output } }) => {
            const usage = usageOf({
              uncachedInputTokens: inputTokens === undefined ? undefined : inputTokens - cachedInputTokens,
              cacheReadTokens: cachedInputTokens,
              outputTokens: output.outputTokens,
              reasoningTokens: output.reasoningTokens
            })
            return { text, finishReason, usage, costUsd: usage && priceOf(usage) }
          }),
          Effect.timeout("1 minute"),
          Effect.mapError((error) => new GenerationFailed({ message: `${name}: ${error.message.split("\n")[0]}` }))
        )
    }
  })
).pipe(
  Layer.provide(Layer.unwrapEffect(Effect.map(
    modelName,
    (model) => OpenAiLanguageModel.layer({ model })
  ))),
  Layer.provide(OpenAiClient.layerConfig({
    apiKey: Config.redacted("OPENAI_API_KEY"),
    apiUrl: Config.string("OPENAI_BASE_URL").pipe(Config.withDefault("https://api.openai.com/v1"))
  })),
  Layer.provide(FetchHttpClient.layer)
)

/** With `OPENAI_API_KEY` OpenAI answers, without it the reader. */
export const layer = Layer.unwrapEffect(
  Effect.map(
    Config.option(Config.nonEmptyString("OPENAI_API_KEY")),
    Option.match({
      onNone: () => local,
      onSome: () => openAi
    })
  )
)

// internal

const usageOf = (buckets: Partial<Usage.Usage>): Usage.Usage | undefined =>
  Option.getOrUndefined(Either.getRight(Usage.make(buckets)))
