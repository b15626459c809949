/**
 * The prices that come with the library. A day is that of the model's release or of the announced change; where that is
 * not known for sure, that on which the page was read.
 */
import * as Either from "effect/Either"
import { anthropic } from "./anthropic.ts"
import { cohere } from "./cohere.ts"
import { gemini } from "./gemini.ts"
import { openAi } from "./openAi.ts"
import { type Price, priceFrom } from "./price.ts"

// a mistake in this library's own data must not keep a program from starting: a test finds it
export const shippedPrices: ReadonlyArray<Price> = [...openAi, ...anthropic, ...gemini, ...cohere].flatMap((price) =>
  Either.match(priceFrom(price, true), { onLeft: () => [], onRight: (made) => [made] })
)
