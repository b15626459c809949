/**
 * The OpenTelemetry GenAI conventions: the names of their attributes, and conversions from and to attributes.
 *
 * The conventions are young, and their names change. This library writes the names of one version, which it states in
 * the data, and also reads older names: `gen_ai.system` as well as `gen_ai.provider.name`.
 *
 * @example
 * ```ts
 * import { GenAi } from "effect-observability"
 * import { Effect } from "effect"
 *
 * // as instrumentations write them, here an old one
 * const call = GenAi.fromAttributes({
 *   "gen_ai.operation.name": "chat",
 *   "gen_ai.system": "openai",
 *   "gen_ai.request.model": "gpt-4o",
 *   "gen_ai.usage.prompt_tokens": 100,
 *   "gen_ai.usage.completion_tokens": 10
 * })
 *
 * Effect.runSync(Effect.log(call?.type, call?.provider, call?.usage?.uncachedInputTokens)) // llm openai 100
 * ```
 *
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import type * as Input from "./Input.ts"
import { type Attributes, Bag } from "./internal/genAi/bag.ts"
import {
  names,
  operationsOfTypes,
  providers,
  typesOfOperations,
  version,
  versionAttribute
} from "./internal/genAi/names.ts"
import { usageOf } from "./internal/genAi/usage.ts"
import { problemsBeside } from "./internal/problems.ts"
import type { Json, JsonObject, Span, SpanType } from "./Observation.ts"
import { inputTokens, outputTokens, sumOfKnown, type Usage } from "./Usage.ts"

export { type Attributes } from "./internal/genAi/bag.ts"
export { type Name, names, version, versionAttribute } from "./internal/genAi/names.ts"

/**
 * The parameters of a request to a model.
 *
 * @since 0.1.0
 * @category models
 */
export interface Parameters {
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly topK: number | undefined
  readonly maxTokens: number | undefined
  readonly choiceCount: number | undefined
  readonly frequencyPenalty: number | undefined
  readonly presencePenalty: number | undefined
  readonly seed: number | undefined
  readonly stopSequences: ReadonlyArray<string>
  readonly stream: boolean | undefined
  /** How much the model was to reason, for example `high`. */
  readonly reasoningLevel: string | undefined
}

/**
 * What attributes say about an operation.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reading {
  /** `gen_ai.operation.name`, for example `chat`. */
  readonly operation: string | undefined
  /** The type of span for the operation; `undefined` for an unknown operation. */
  readonly type: SpanType | undefined
  /** The provider's present name, even if an old one was written. */
  readonly provider: string | undefined
  readonly requestModel: string | undefined
  /** The model that answered: a snapshot if the request named an alias. */
  readonly responseModel: string | undefined
  readonly responseId: string | undefined
  readonly conversationId: string | undefined
  readonly agentName: string | undefined
  readonly toolName: string | undefined
  readonly dataSourceId: string | undefined
  readonly parameters: Parameters
  readonly finishReasons: ReadonlyArray<string>
  /** Microseconds from the request to the first chunk. */
  readonly timeToFirstChunkMicros: number | undefined
  readonly usage: Usage | undefined
  /** Messages about figures that cannot be true and were left out. */
  readonly problems: ReadonlyArray<string>
}

/**
 * Reads the attributes that an instrumentation wrote, by any version of the conventions; `undefined` if there are none
 * of them. Pure and total: values of the wrong type are left out.
 *
 * @since 0.1.0
 * @category reading
 */
export const fromAttributes = (attributes: Attributes): Reading | undefined => {
  const bag = new Bag(attributes)
  const operation = bag.text("operation")
  const provider = bag.text("provider")
  const usage = usageOf(bag)
  const seconds = bag.number("timeToFirstChunk")
  const reading: Reading = {
    operation,
    type: operation === undefined ? undefined : typesOfOperations.get(operation),
    provider: provider === undefined ? undefined : providers.get(provider) ?? provider,
    requestModel: bag.text("requestModel"),
    responseModel: bag.text("responseModel"),
    responseId: bag.text("responseId"),
    conversationId: bag.text("conversationId"),
    agentName: bag.text("agentName"),
    toolName: bag.text("toolName"),
    dataSourceId: bag.text("dataSourceId"),
    parameters: {
      temperature: bag.number("temperature"),
      topP: bag.number("topP"),
      topK: bag.number("topK"),
      maxTokens: bag.number("maxTokens"),
      choiceCount: bag.number("choiceCount"),
      frequencyPenalty: bag.number("frequencyPenalty"),
      presencePenalty: bag.number("presencePenalty"),
      seed: bag.number("seed"),
      stopSequences: bag.texts("stopSequences"),
      stream: bag.flag("stream"),
      reasoningLevel: bag.text("reasoningLevel")
    },
    finishReasons: bag.texts("finishReasons"),
    timeToFirstChunkMicros: seconds !== undefined && seconds >= 0 && seconds < 1e9
      ? Math.round(seconds * 1e6)
      : undefined,
    usage: Either.getOrUndefined(usage),
    problems: Either.isLeft(usage) ? [usage.left] : []
  }
  return fields.some((name) => bag.value(name) !== undefined) ? reading : undefined
}

/**
 * Converts a reading to an update of a span. Its attributes state the version of the conventions by which it was read.
 *
 * @since 0.1.0
 * @category reading
 */
export const toUpdate = (reading: Reading): Input.SpanUpdate => ({
  provider: reading.provider,
  model: reading.requestModel ?? reading.responseModel,
  temperature: reading.parameters.temperature,
  finishReason: reading.finishReasons[0],
  timeToFirstToken: reading.timeToFirstChunkMicros === undefined
    ? undefined
    : [0, reading.timeToFirstChunkMicros * 1_000],
  usage: reading.usage,
  attributes: {
    [versionAttribute]: version,
    ...(reading.problems.length === 0 ? {} : problemsBeside(undefined, reading.problems))
  }
})

/**
 * The operation, model and figures of a span as attributes of the conventions, with their version; `undefined` for a
 * span that is not a GenAI operation. Content that the program recorded, such as prompts, is left out as sensitive.
 *
 * @since 0.1.0
 * @category writing
 */
export const toAttributes = (span: Span): JsonObject | undefined => {
  const call = span.modelCall
  const operation = operationsOfTypes.get(span.type)
  if (call === undefined && operation === undefined) return undefined
  const usage = call?.usage
  const values: { readonly [Each in keyof typeof names]?: Json | undefined } = {
    operation,
    provider: call?.provider,
    requestModel: call?.model,
    temperature: call?.temperature,
    finishReasons: call?.finishReason === undefined ? undefined : [call.finishReason],
    timeToFirstChunk: call?.timeToFirstTokenMicros === undefined ? undefined : call.timeToFirstTokenMicros / 1e6,
    ...(usage === undefined ? {} : {
      inputTokens: inputTokens(usage),
      outputTokens: outputTokens(usage),
      cacheReadTokens: usage.cacheReadTokens,
      cacheWriteTokens: usage.cacheWriteTokens,
      reasoningTokens: usage.reasoningTokens,
      audioInputTokens: sumOfKnown(usage.audioInputTokens, usage.audioCacheReadTokens),
      audioCacheReadTokens: usage.audioCacheReadTokens,
      imageInputTokens: usage.imageInputTokens,
      audioOutputTokens: usage.audioOutputTokens,
      imageOutputTokens: usage.imageOutputTokens
    })
  }
  const attributes: Record<string, Json> = { [versionAttribute]: version }
  for (const name of fields) {
    const value = values[name]
    if (value !== undefined) attributes[names[name][0]] = value
  }
  return attributes
}

// internal

const fields = Object.keys(names) as ReadonlyArray<keyof typeof names>
