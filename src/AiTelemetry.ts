/**
 * Records what a program does with `@effect/ai`: each model call, each embedding, each tool. The program stays as it
 * is; `observe` wraps the layer of the model where the program's layers are put together.
 *
 * A call is a span of type `llm` below the current span, with the model, its provider, the parameters, tokens including
 * cached and reasoning tokens, cost, finish reason, and, for a stream, the time to the first token. The span of a
 * stream that fails, is interrupted or is abandoned by its consumer has everything seen until then. Tools are spans
 * beside the call that asked for them. Prompts and answers are recorded only on request.
 *
 * **Loss policy.** Nothing here fails, delays or changes a call. Parts of an answer that cannot be read are left out.
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
 * Which content is recorded in addition to figures and names.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * Whether prompts and the input of tools (`"input"`), answers and the output of tools (`"output"`), or both (`true`)
   * are kept with the spans. Files are kept as their type and size. Default: `false`.
   */
  readonly captureContent?: boolean | "input" | "output" | undefined
  /**
   * Whether each call also logs the messages that the model had not answered before, and its answer, as chat messages.
   * Default: `false`.
   */
  readonly logChatMessages?: boolean | undefined
}

/**
 * Records the calls of the models that a layer provides, `LanguageModel` and `EmbeddingModel`. Anything else in the
 * layer stays as it is.
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
