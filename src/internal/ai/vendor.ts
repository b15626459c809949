/** The names of the providers, and how each of them counts tokens. */
import * as Either from "effect/Either"
import type { EffectAiProvider, Usage } from "../../Usage.ts"
import { fromAnthropic, fromEffectAi } from "../../Usage.ts"
import { fieldOf, type Part } from "./shapes.ts"

/** The conventions' name of the provider that runs the models of a package. */
export const conventionalName = (packageName: string | undefined): string | undefined =>
  packageName === undefined ? undefined : packages.find(([name]) => name === packageName)?.[1] ?? packageName

/**
 * The usage figures of an answer; `undefined` if the vendor gave none.
 *
 * @param provider its conventional name
 */
export const usageOf = (finish: Part, provider: string | undefined): Either.Either<Usage | undefined, string> => {
  const { metadata, usage } = finish
  if (figures.every((name) => typeof fieldOf(usage, name) !== "number")) return Either.right(undefined)
  const ofAnthropic = fieldOf(fieldOf(metadata, "anthropic"), "usage")
  const read = typeof ofAnthropic === "object" && ofAnthropic !== null
    // these include cache writes; a stream gives them at its start, when there is no output yet
    ? fromAnthropic({ ...ofAnthropic, output_tokens: fieldOf(usage, "outputTokens") })
    : fromEffectAi(usage, packages.find(([, name]) => name === provider)?.[0] ?? "openai")
  return Either.mapLeft(read, ({ message }) => message)
}

// internal

const figures = ["inputTokens", "outputTokens", "reasoningTokens", "cachedInputTokens"]

/** Any other package is assumed to count as the conventions do, which is also how OpenAI counts. */
const packages: ReadonlyArray<readonly [EffectAiProvider, string]> = [
  ["openai", "openai"],
  ["anthropic", "anthropic"],
  ["google", "gcp.gemini"],
  ["amazon-bedrock", "aws.bedrock"],
  ["openrouter", "openrouter"]
]
