/** The names of the GenAI conventions that are written and read. */
import type { SpanType } from "../../Observation.ts"

/**
 * The version of the OpenTelemetry GenAI conventions whose names are written
 * (https://github.com/open-telemetry/semantic-conventions-genai). None of them is stable.
 *
 * @since 0.1.0
 * @category constants
 */
export const version = "0.1.0"

/**
 * The attribute that says by which version of the conventions a record was written.
 *
 * @since 0.1.0
 * @category constants
 */
export const versionAttribute = "observability.gen_ai.version"

/**
 * The names of each attribute: first the name that is written, then its former names, newest first. All are read.
 *
 * @since 0.1.0
 * @category constants
 */
export const names = {
  operation: ["gen_ai.operation.name"],
  provider: ["gen_ai.provider.name", "gen_ai.system"],
  requestModel: ["gen_ai.request.model"],
  responseModel: ["gen_ai.response.model"],
  responseId: ["gen_ai.response.id"],
  conversationId: ["gen_ai.conversation.id"],
  agentName: ["gen_ai.agent.name"],
  toolName: ["gen_ai.tool.name"],
  dataSourceId: ["gen_ai.data_source.id"],
  finishReasons: ["gen_ai.response.finish_reasons"],
  /** Seconds */
  timeToFirstChunk: ["gen_ai.response.time_to_first_chunk"],
  temperature: ["gen_ai.request.temperature"],
  topP: ["gen_ai.request.top_p"],
  topK: ["gen_ai.request.top_k"],
  maxTokens: ["gen_ai.request.max_tokens"],
  choiceCount: ["gen_ai.request.choice.count"],
  frequencyPenalty: ["gen_ai.request.frequency_penalty"],
  presencePenalty: ["gen_ai.request.presence_penalty"],
  seed: ["gen_ai.request.seed"],
  stopSequences: ["gen_ai.request.stop_sequences"],
  stream: ["gen_ai.request.stream"],
  reasoningLevel: ["gen_ai.request.reasoning.level"],
  inputTokens: ["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
  outputTokens: ["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"],
  cacheReadTokens: ["gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"],
  cacheWriteTokens: [
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens"
  ],
  reasoningTokens: ["gen_ai.usage.reasoning.output_tokens"],
  audioInputTokens: ["gen_ai.usage.audio.input_tokens"],
  audioCacheReadTokens: ["gen_ai.usage.audio.cache_read.input_tokens"],
  imageInputTokens: ["gen_ai.usage.image.input_tokens"],
  imageCacheReadTokens: ["gen_ai.usage.image.cache_read.input_tokens"],
  audioOutputTokens: ["gen_ai.usage.audio.output_tokens"],
  imageOutputTokens: ["gen_ai.usage.image.output_tokens"]
} as const

/**
 * @since 0.1.0
 * @category models
 */
export type Name = keyof typeof names

/** Values of `gen_ai.system` that `gen_ai.provider.name` spells differently. */
export const providers: ReadonlyMap<string, string> = new Map([
  ["az.ai.openai", "azure.ai.openai"],
  ["az.ai.inference", "azure.ai.inference"],
  ["gemini", "gcp.gemini"],
  ["vertex_ai", "gcp.vertex_ai"],
  ["xai", "x_ai"]
])

export const typesOfOperations: ReadonlyMap<string, SpanType> = new Map<string, SpanType>([
  ["chat", "llm"],
  ["generate_content", "llm"],
  ["text_completion", "llm"],
  ["embeddings", "embedding"],
  ["retrieval", "retrieval"],
  ["search_memory", "retrieval"],
  ["execute_tool", "tool"],
  ["invoke_agent", "agent"],
  ["create_agent", "agent"],
  ["invoke_workflow", "workflow"],
  ["plan", "chain"]
])

export const operationsOfTypes: ReadonlyMap<SpanType, string> = new Map<SpanType, string>([
  ["llm", "chat"],
  ["embedding", "embeddings"],
  ["retrieval", "retrieval"],
  ["tool", "execute_tool"],
  ["agent", "invoke_agent"],
  ["workflow", "invoke_workflow"]
])
