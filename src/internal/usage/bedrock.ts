/** Amazon Bedrock's figures. `inputTokens` excludes cache reads and writes, which have figures of their own. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { count, type Figures, known, reader, requireTotal, sumOf } from "./reading.ts"

/**
 * `usage` of Amazon Bedrock's Converse.
 *
 * All input is the sum of `inputTokens`, `cacheReadInputTokens` and `cacheWriteInputTokens`. `totalTokens` is accepted
 * with and without cache reads and writes.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromBedrock = reader(
  "Amazon Bedrock Converse",
  "response.usage (when streaming, that of the metadata event)",
  Schema.Struct({
    inputTokens: count,
    outputTokens: count,
    totalTokens: count,
    cacheReadInputTokens: count,
    cacheWriteInputTokens: count,
    cacheDetails: Schema.optional(Schema.NullishOr(Schema.Array(Schema.Struct({
      ttl: Schema.optional(Schema.NullishOr(Schema.String)),
      inputTokens: count
    }))))
  }),
  (usage): Figures =>
    Either.gen(function*() {
      const { cacheReadInputTokens, cacheWriteInputTokens, inputTokens, outputTokens } = usage
      if (usage.totalTokens !== sumOf([inputTokens, outputTokens])) {
        yield* requireTotal("totalTokens", usage.totalTokens, {
          inputTokens,
          outputTokens,
          cacheReadInputTokens,
          cacheWriteInputTokens
        })
      }
      const long = usage.cacheDetails?.filter(({ ttl }) => ttl === "1h").map(({ inputTokens }) => inputTokens)
      return {
        uncachedInputTokens: known(inputTokens),
        cacheReadTokens: known(cacheReadInputTokens),
        cacheWriteTokens: known(cacheWriteInputTokens),
        longCacheWriteTokens: long === undefined ? undefined : sumOf(long),
        outputTokens: known(outputTokens)
      }
    })
)
