/** Anthropic's figures. `input_tokens` excludes cache reads and writes, which have figures of their own. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { count, details, type Figures, known, reader, remainder, sumOf } from "./reading.ts"

/**
 * `usage` of Anthropic's messages, wherever they are served.
 *
 * All input is the sum of `input_tokens`, `cache_read_input_tokens` and `cache_creation_input_tokens`. The figures of a
 * stream are cumulative: pass those of `message_start`, overwritten by those of the last `message_delta`. The latter
 * states the total of cache writes without their lifetimes: cache writes that `cache_creation` does not list count as
 * written for the short lifetime.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromAnthropic = reader(
  "Anthropic messages",
  "message.usage",
  Schema.Struct({
    input_tokens: count,
    output_tokens: count,
    cache_read_input_tokens: count,
    cache_creation_input_tokens: count,
    cache_creation: details({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })
  }),
  (usage): Figures =>
    Either.gen(function*() {
      const short = usage.cache_creation?.ephemeral_5m_input_tokens
      const long = usage.cache_creation?.ephemeral_1h_input_tokens
      const byLifetime = (short ?? long) === undefined || (short ?? long) === null ? undefined : sumOf([short, long])
      yield* remainder("cache_creation_input_tokens", usage.cache_creation_input_tokens, {
        ephemeral_5m_input_tokens: short,
        ephemeral_1h_input_tokens: long
      })
      return {
        uncachedInputTokens: known(usage.input_tokens),
        cacheReadTokens: known(usage.cache_read_input_tokens),
        cacheWriteTokens: known(usage.cache_creation_input_tokens) ?? byLifetime,
        longCacheWriteTokens: known(long),
        outputTokens: known(usage.output_tokens)
      }
    })
)
