/**
 * The prices that come with the library. Each holds from the day of the model's release or of the announced change; if
 * that is not certain, from the day on which the page was read.
 */
import * as Either from "effect/Either"
import { anthropic } from "./anthropic.ts"
import { cohere } from "./cohere.ts"
import { gemini } from "./gemini.ts"
import { openAi } from "./openAi.ts"
import { type Price, priceFrom } from "./price.ts"

// leaves out invalid prices: a mistake in the library's own data must not keep a program from starting; a test finds it
export const shippedPrices: ReadonlyArray<Price> = [...openAi, ...anthropic, ...gemini, ...cohere].flatMap((price) =>
  Either.match(priceFrom(price, true), { onLeft: () => [], onRight: (made) => [made] })
)
