/** The cost of a model call at prices that its user states: nobody else knows them, a guess would be stored as fact. */
import { BigDecimal, Config, ConfigError, Either, Option } from "effect"
import type { Usage } from "effect-observability"

export type Price = (usage: Usage.Usage) => BigDecimal.BigDecimal | undefined

/** `OPENAI_PRICES`: US dollars per million input and output tokens. Without it every cost is unknown. */
export const pricesOfOpenAi: Config.Config<Price> = Config.option(Config.array(Config.string(), "OPENAI_PRICES")).pipe(
  Config.mapOrFail(Option.match({
    onNone: () => Either.right<Price>(() => undefined),
    onSome: (prices) => {
      const [input, output, ...more] = prices.map(BigDecimal.fromString)
      return input?._tag === "Some" && output?._tag === "Some" && more.length === 0
        ? Either.right<Price>((usage) => costOf(usage, input.value, output.value))
        : Either.left(ConfigError.InvalidData(["OPENAI_PRICES"], "expected two numbers, such as 0.15,0.60"))
    }
  }))
)

// internal

/** `undefined` if there are cached tokens: they have a price of their own, which these two prices do not include. */
const costOf = (usage: Usage.Usage, input: BigDecimal.BigDecimal, output: BigDecimal.BigDecimal) => {
  const { cacheReadTokens = 0, outputTokens, uncachedInputTokens } = usage
  if (uncachedInputTokens === undefined || outputTokens === undefined || cacheReadTokens > 0) return undefined
  const times = (tokens: number, price: BigDecimal.BigDecimal) =>
    BigDecimal.multiply(BigDecimal.make(BigInt(tokens), 6), price)
  return BigDecimal.sum(times(uncachedInputTokens, input), times(outputTokens, output))
}
