/**
 * Records what a program does with `@effect/ai`: each call of a model, each embedding, each tool. The program stays as it
 * is; where its layers are put together, `observe` goes around the layer of the model.
 *
 * A call is a span of type `llm`, below whatever the program is in, with the model, who runs it, the parameters, tokens
 * with what came from a cache and what was reasoning, cost, why it finished, and, for a stream, the time to the first
 * token. A stream that fails, is interrupted or is left by its consumer has what was seen of it. Tools are spans beside
 * the call that asked for them. Prompts and answers are not recorded unless asked for.
 *
 * **Loss policy.** Nothing here fails, delays or changes a call. What cannot be read of an answer is left out.
 *
 * @example
 * ```ts check
 * import * as OpenAiClient from "@effect/ai-openai/OpenAiClient"
 * import * as OpenAiLanguageModel from "@effect/ai-openai/OpenAiLanguageModel"
 * import * as LanguageModel from "@effect/ai/LanguageModel"
 * import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
 * import { ObservabilityLive, withTrace } from "effect-observability"
 * import * as AiTelemetry from "effect-observability/AiTelemetry"
 * import { Config, Effect, Layer } from "effect"
 *
 * const program = LanguageModel.generateText({ prompt: "What is an effect?" }).pipe(withTrace("answer"))
 *
 * const OpenAi = OpenAiClient.layerConfig({ apiKey: Config.redacted("OPENAI_API_KEY") }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const Model = AiTelemetry.observe(OpenAiLanguageModel.model("gpt-4o")).pipe(
 *   Layer.provide(OpenAi),
 *   Layer.provideMerge(ObservabilityLive)
 * )
 *
 * Effect.runPromise(program.pipe(Effect.provide(Model)))
 * ```
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import { observedLayer } from "./internal/ai/observedLayer.ts"
import type { ObservabilityService } from "./ObservabilityService.ts"

/**
 * What is recorded beside figures and names.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Whether prompts (`input`), answers (`output`), and what goes into and comes out of tools, are kept with the spans.
   * Files are kept as their type and size. Default: `false`.
   */
  readonly captureContent?: boolean | "input" | "output" | undefined
  /**
   * Whether each call also logs the messages that the model had not answered before, and its answer, as chat messages.
   * Default: `false`.
   */
  readonly logChatMessages?: boolean | undefined
}

/**
 * Records the calls of the models in a layer: of `LanguageModel` and of `EmbeddingModel`, whichever it gives. Anything
 * else in it stays as it is.
 *
 * @since 0.1.0
 * @category layers
 */
export const observe: {
  (options?: Options): <A, E, R>(layer: Layer.Layer<A, E, R>) => Layer.Layer<A, E, R | ObservabilityService>
  <A, E, R>(layer: Layer.Layer<A, E, R>, options?: Options): Layer.Layer<A, E, R | ObservabilityService>
} = dual(
  (args) => Layer.isLayer(args[0]),
  <A, E, R>(layer: Layer.Layer<A, E, R>, options?: Options): Layer.Layer<A, E, R | ObservabilityService> =>
    observedLayer(layer, {
      keepsInput: options?.captureContent === true || options?.captureContent === "input",
      keepsOutput: options?.captureContent === true || options?.captureContent === "output",
      logsMessages: options?.logChatMessages === true
    })
)
