/** Gemini's figures. The prompt includes cached content; thoughts and tool prompts have figures of their own. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { count, type Figures, known, reader, remainder, requireTotal, sumOf } from "./reading.ts"

const modalities = Schema.optional(Schema.NullishOr(Schema.Array(Schema.Struct({
  modality: Schema.optional(Schema.NullishOr(Schema.String)),
  tokenCount: count
}))))

/**
 * `usageMetadata` of Gemini, of the developer API and of Vertex AI.
 *
 * `promptTokenCount` includes `cachedContentTokenCount`. `toolUsePromptTokenCount` is input in addition to the prompt,
 * and `thoughtsTokenCount` is output in addition to the candidates. Images in the prompt are not told apart, because
 * they are billed as text.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromGemini = reader(
  "Gemini",
  "response.usageMetadata",
  Schema.Struct({
    promptTokenCount: count,
    cachedContentTokenCount: count,
    toolUsePromptTokenCount: count,
    candidatesTokenCount: count,
    thoughtsTokenCount: count,
    totalTokenCount: count,
    promptTokensDetails: modalities,
    cacheTokensDetails: modalities,
    toolUsePromptTokensDetails: modalities,
    candidatesTokensDetails: modalities
  }),
  (usage): Figures =>
    Either.gen(function*() {
      const uncached = yield* remainder("promptTokenCount", usage.promptTokenCount, {
        cachedContentTokenCount: usage.cachedContentTokenCount
      })
      yield* requireTotal("totalTokenCount", usage.totalTokenCount, {
        promptTokenCount: usage.promptTokenCount,
        toolUsePromptTokenCount: usage.toolUsePromptTokenCount,
        candidatesTokenCount: usage.candidatesTokenCount,
        thoughtsTokenCount: usage.thoughtsTokenCount
      })
      const cachedAudio = tokensOf(usage.cacheTokensDetails, "AUDIO")
      const audio = yield* remainder("audio promptTokensDetails", tokensOf(usage.promptTokensDetails, "AUDIO"), {
        "audio cacheTokensDetails": cachedAudio
      })
      return {
        uncachedInputTokens: together(uncached, usage.toolUsePromptTokenCount),
        cacheReadTokens: known(usage.cachedContentTokenCount),
        outputTokens: together(usage.candidatesTokenCount, usage.thoughtsTokenCount),
        audioInputTokens: together(audio, tokensOf(usage.toolUsePromptTokensDetails, "AUDIO")),
        audioCacheReadTokens: cachedAudio,
        reasoningTokens: known(usage.thoughtsTokenCount),
        audioOutputTokens: tokensOf(usage.candidatesTokensDetails, "AUDIO"),
        imageOutputTokens: tokensOf(usage.candidatesTokensDetails, "IMAGE")
      }
    })
)

// internal

const tokensOf = (details: Schema.Schema.Type<typeof modalities>, modality: string): number | undefined => {
  const found = details?.filter((detail) => detail.modality === modality).map(({ tokenCount }) => tokenCount)
  return found === undefined || found.length === 0 ? undefined : sumOf(found)
}

const together = (left: number | null | undefined, right: number | null | undefined): number | undefined =>
  known(left) === undefined && known(right) === undefined ? undefined : sumOf([left, right])
