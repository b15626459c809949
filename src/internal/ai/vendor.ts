/** Who runs the model, and how it counts. */
import * as Either from "effect/Either"
import type { EffectAiProvider, Usage } from "../../Usage.ts"
import { fromAnthropic, fromEffectAi } from "../../Usage.ts"
import { fieldOf, type Part } from "./shapes.ts"

/** How the conventions call who runs the models of a package. */
export const conventionalName = (packageName: string | undefined): string | undefined =>
  packageName === undefined ? undefined : packages.find(([name]) => name === packageName)?.[1] ?? packageName

/**
 * The figures of an answer; `undefined` when the vendor gave none.
 *
 * @param provider by its conventional name
 */
export const usageOf = (finish: Part, provider: string | undefined): Either.Either<Usage | undefined, string> => {
  const { metadata, usage } = finish
  if (figures.every((name) => typeof fieldOf(usage, name) !== "number")) return Either.right(undefined)
  const ofAnthropic = fieldOf(fieldOf(metadata, "anthropic"), "usage")
  const read = typeof ofAnthropic === "object" && ofAnthropic !== null
    // these know what was written to a cache; those of a stream were given at its start, when there was no output
    ? fromAnthropic({ ...ofAnthropic, output_tokens: fieldOf(usage, "outputTokens") })
    : fromEffectAi(usage, packages.find(([, name]) => name === provider)?.[0] ?? "openai")
  return Either.mapLeft(read, ({ message }) => message)
}

// internal

const figures = ["inputTokens", "outputTokens", "reasoningTokens", "cachedInputTokens"]

/** A package that is not among them is taken to count as the conventions do, and so does OpenAI. */
const packages: ReadonlyArray<readonly [EffectAiProvider, string]> = [
  ["openai", "openai"],
  ["anthropic", "anthropic"],
  ["google", "gcp.gemini"],
  ["amazon-bedrock", "aws.bedrock"],
  ["openrouter", "openrouter"]
]
