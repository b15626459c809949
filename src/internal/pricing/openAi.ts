/**
 * Prices of OpenAI for the standard tier. Batch, flex, priority and fast are other tiers; 12-hour cache writes and
 * tools that are billed per call are not included.
 */
import type { PriceInput } from "./price.ts"
import { published, type Row } from "./published.ts"

const pricingPage = "https://developers.openai.com/api/docs/pricing"

const modelPage = (model: string): string => `https://developers.openai.com/api/docs/models/${model}`

/** Images in a prompt are billed as text. */
const text = (
  model: string,
  validFrom: string,
  [input, cacheRead, output]: readonly [string, string | undefined, string],
  more?: Partial<Row>
): Row => ({ model, validFrom, usdPerMillion: { input, imageInput: input, cacheRead, output }, ...more })

export const openAi: ReadonlyArray<PriceInput> = published("openai", pricingPage, [
  text("gpt-3.5-turbo", "2024-02-16", ["0.50", undefined, "1.50"]),
  text("gpt-4-turbo", "2024-04-09", ["10", undefined, "30"]),
  text("gpt-4o", "2024-10-02", ["2.50", "1.25", "10"]),
  text("gpt-4o-2024-05-13", "2024-05-13", ["5", undefined, "15"]),
  text("gpt-4o-mini", "2024-10-01", ["0.15", "0.075", "0.60"]),
  {
    model: "gpt-4o-audio-preview",
    validFrom: "2024-12-17",
    usdPerMillion: { input: "2.50", audioInput: "40", output: "10", audioOutput: "80" }
  },
  text("o1", "2024-12-17", ["15", "7.50", "60"]),
  text("o3-mini", "2025-01-31", ["1.10", "0.55", "4.40"]),
  text("gpt-4.1", "2025-04-14", ["2", "0.50", "8"]),
  text("gpt-4.1-mini", "2025-04-14", ["0.40", "0.10", "1.60"]),
  text("gpt-4.1-nano", "2025-04-14", ["0.10", "0.025", "0.40"]),
  text("o3", "2025-04-16", ["10", "2.50", "40"]),
  text("o3", "2025-06-10", ["2", "0.50", "8"]),
  text("o3-pro", "2025-06-10", ["20", undefined, "80"]),
  text("o4-mini", "2025-04-16", ["1.10", "0.275", "4.40"]),
  // no price of cached input: cached text and images have different prices, and the figures do not tell them apart
  {
    model: "gpt-image-1",
    validFrom: "2025-04-23",
    usdPerMillion: { input: "5", imageInput: "10", imageOutput: "40" }
  },
  text("gpt-5", "2025-08-07", ["1.25", "0.125", "10"]),
  text("gpt-5-mini", "2025-08-07", ["0.25", "0.025", "2"], { source: modelPage("gpt-5-mini") }),
  text("gpt-5-nano", "2025-08-07", ["0.05", "0.005", "0.40"], { source: modelPage("gpt-5-nano") }),
  text("gpt-5-codex", "2025-09-23", ["1.25", "0.125", "10"], { source: modelPage("gpt-5-codex") }),
  text("gpt-5-pro", "2025-10-06", ["15", undefined, "120"]),
  text("gpt-5.1", "2025-11-13", ["1.25", "0.125", "10"]),
  text("gpt-5.2", "2025-12-11", ["1.75", "0.175", "14"]),
  text("gpt-5.4", "2026-03-05", ["2.50", "0.25", "15"]),
  text("gpt-5.4", "2026-03-05", ["5", "0.50", "22.50"], { aboveInputTokens: 272_000 }),
  text("gpt-5.5", "2026-04-23", ["5", "0.50", "30"]),
  text("gpt-5.5", "2026-04-23", ["10", "1", "45"], { aboveInputTokens: 272_000 }),
  {
    model: "gpt-6.1-sol",
    validFrom: "2026-09-29",
    source: modelPage("gpt-6.1-sol"),
    usdPerMillion: { input: "2", imageInput: "2", cacheRead: "0.10", cacheWrite: "2.50", output: "10" }
  },
  // no price of cache writes in long prompts: no reliable one was found
  text("gpt-6.1-sol", "2026-09-29", ["4", "0.20", "15"], {
    source: modelPage("gpt-6.1-sol"),
    aboveInputTokens: 272_000
  }),
  {
    model: "gpt-6.2-sol",
    validFrom: "2026-11-17",
    source: modelPage("gpt-6.2-sol"),
    usdPerMillion: {
      input: "2",
      imageInput: "2",
      cacheRead: "0.10",
      cacheWrite: "2.50",
      longCacheWrite: "5",
      output: "10"
    }
  },
  {
    model: "gpt-6.2-sol",
    validFrom: "2026-11-17",
    source: modelPage("gpt-6.2-sol"),
    aboveInputTokens: 272_000,
    usdPerMillion: { input: "4", imageInput: "4", cacheRead: "0.20", cacheWrite: "5", output: "15" }
  },
  { model: "text-embedding-3-small", validFrom: "2024-01-25", usdPerMillion: { input: "0.02" } },
  { model: "text-embedding-3-large", validFrom: "2024-01-25", usdPerMillion: { input: "0.13" } }
])
