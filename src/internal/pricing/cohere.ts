/** Prices of Cohere. Its models have month and year in their names, so each is listed by its whole name. */
import type { PriceInput } from "./price.ts"
import { published } from "./published.ts"

export const cohere: ReadonlyArray<PriceInput> = published("cohere", "https://cohere.com/pricing", [
  { model: "command-r-08-2024", validFrom: "2024-08-30", usdPerMillion: { input: "0.15", output: "0.60" } },
  { model: "command-r-plus-08-2024", validFrom: "2024-08-30", usdPerMillion: { input: "2.50", output: "10" } },
  { model: "command-r7b-12-2024", validFrom: "2024-12-13", usdPerMillion: { input: "0.0375", output: "0.15" } },
  { model: "command-a-03-2025", validFrom: "2025-03-13", usdPerMillion: { input: "2.50", output: "10" } },
  { model: "embed-v4.0", validFrom: "2025-04-15", usdPerMillion: { input: "0.12" } }
])
