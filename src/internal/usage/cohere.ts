/** Cohere's figures: the billed tokens, which are fewer than the tokens that the model saw. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { count, details, type Figures, known, reader, sumOf } from "./reading.ts"

/**
 * `usage` of Cohere's chat, or `meta` of its other endpoints.
 *
 * The `billed_units` are counted. The `tokens` next to them include what Cohere adds to a prompt and does not bill.
 * Search units, in which reranking is billed, are not tokens.
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromCohere = reader(
  "Cohere",
  "response.usage (response.meta of embed), which has billed_units in tokens",
  Schema.Struct({
    billed_units: details({ input_tokens: count, output_tokens: count, image_tokens: count })
  }),
  ({ billed_units: billed }): Figures =>
    Either.right({
      uncachedInputTokens: known(billed?.input_tokens ?? billed?.image_tokens) === undefined
        ? undefined
        : sumOf([billed?.input_tokens, billed?.image_tokens]),
      imageInputTokens: known(billed?.image_tokens),
      outputTokens: known(billed?.output_tokens)
    })
)
