/** OpenAI's figures, and those of the many vendors that speak its protocol. The prompt includes cached tokens. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { count, details, type Figures, known, reader, remainder, requireTotal, sumOf } from "./reading.ts"

const cachedDetails = details({ audio_tokens: count, image_tokens: count })

const inputDetails = details({
  cached_tokens: count,
  cache_write_tokens: count,
  audio_tokens: count,
  image_tokens: count,
  cached_tokens_details: cachedDetails
})

const outputDetails = details({ reasoning_tokens: count, audio_tokens: count, image_tokens: count })

/**
 * `usage` of OpenAI's chat completions and embeddings, and of other vendors that speak this protocol.
 *
 * `prompt_tokens` includes `cached_tokens`, and `completion_tokens` includes `reasoning_tokens`. Some vendors count the
 * reasoning in addition to the completion: it is added if `total_tokens` shows this. Images in the prompt are not told
 * apart, because they are billed as text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromOpenAiChat = reader(
  "OpenAI chat completions",
  "response.usage (when streaming, ask for it with stream_options.include_usage)",
  Schema.Struct({
    prompt_tokens: count,
    completion_tokens: count,
    total_tokens: count,
    prompt_tokens_details: inputDetails,
    completion_tokens_details: outputDetails,
    // DeepSeek
    prompt_cache_hit_tokens: count
  }),
  (usage): Figures =>
    figuresOf({
      names: ["prompt_tokens", "completion_tokens"],
      input: usage.prompt_tokens,
      output: usage.completion_tokens,
      total: usage.total_tokens,
      cached: usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens,
      inputDetails: { ...usage.prompt_tokens_details, image_tokens: undefined },
      outputDetails: usage.completion_tokens_details
    })
)

/**
 * `usage` of OpenAI's responses, and of its images, transcriptions and realtime, whose details are spelled differently.
 *
 * `input_tokens` includes `cached_tokens`, and `output_tokens` includes `reasoning_tokens`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromOpenAiResponses = reader(
  "OpenAI responses",
  "response.usage",
  Schema.Struct({
    input_tokens: count,
    output_tokens: count,
    total_tokens: count,
    input_tokens_details: inputDetails,
    input_token_details: inputDetails,
    output_tokens_details: outputDetails,
    output_token_details: outputDetails
  }),
  (usage): Figures => {
    const input = usage.input_tokens_details ?? usage.input_token_details
    return figuresOf({
      names: ["input_tokens", "output_tokens"],
      input: usage.input_tokens,
      output: usage.output_tokens,
      total: usage.total_tokens,
      cached: input?.cached_tokens,
      inputDetails: input,
      outputDetails: usage.output_tokens_details ?? usage.output_token_details
    })
  }
)

// internal

type InputDetails = Schema.Schema.Type<typeof inputDetails>
type OutputDetails = Schema.Schema.Type<typeof outputDetails>

const figuresOf = (usage: {
  readonly names: readonly [input: string, output: string]
  readonly input: number | null | undefined
  readonly output: number | null | undefined
  readonly total: number | null | undefined
  readonly cached: number | null | undefined
  readonly inputDetails: InputDetails
  readonly outputDetails: OutputDetails
}): Figures =>
  Either.gen(function*() {
    const [inputName, outputName] = usage.names
    const { cached, input, inputDetails, output, outputDetails } = usage
    const written = inputDetails?.cache_write_tokens
    const reasoning = outputDetails?.reasoning_tokens
    const uncached = yield* remainder(inputName, input, { cached_tokens: cached, cache_write_tokens: written })
    // only if the total, which includes all figures, leaves no other interpretation
    const isBeside = known(reasoning) !== undefined && known(usage.total) !== undefined &&
      sumOf([input, output, reasoning]) === usage.total && reasoning !== 0
    yield* requireTotal("total_tokens", usage.total, {
      [inputName]: input,
      [outputName]: output,
      ...(isBeside ? { reasoning_tokens: reasoning } : {})
    })
    const cachedAudio = inputDetails?.cached_tokens_details?.audio_tokens
    return {
      uncachedInputTokens: uncached,
      cacheReadTokens: known(cached),
      cacheWriteTokens: known(written),
      outputTokens: isBeside ? sumOf([output, reasoning]) : known(output),
      audioInputTokens: yield* remainder("audio_tokens", inputDetails?.audio_tokens, {
        "cached_tokens_details.audio_tokens": cachedAudio
      }),
      imageInputTokens: yield* remainder("image_tokens", inputDetails?.image_tokens, {
        "cached_tokens_details.image_tokens": inputDetails?.cached_tokens_details?.image_tokens
      }),
      audioCacheReadTokens: known(cachedAudio),
      reasoningTokens: known(reasoning),
      audioOutputTokens: known(outputDetails?.audio_tokens),
      imageOutputTokens: known(outputDetails?.image_tokens)
    }
  })
