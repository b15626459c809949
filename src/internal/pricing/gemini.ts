/**
 * Prices of Gemini for the paid standard tier. Batches, the storage of explicit caches and grounding are not included.
 * Images and video are billed as text; for models that bill audio as text, too, its price is that of text.
 */
import type { PriceInput } from "./price.ts"
import { published } from "./published.ts"

const pricingPage = "https://ai.google.dev/gemini-api/docs/pricing"

/** Prices of caching fell during 2025: they are known from the day on which the page was read. */
const cachePricesRead = "2026-01-01"

export const gemini: ReadonlyArray<PriceInput> = published("gcp.gemini", pricingPage, [
  {
    model: "gemini-2.0-flash",
    validFrom: "2025-02-05",
    usdPerMillion: {
      input: "0.10",
      imageInput: "0.10",
      audioInput: "0.70",
      cacheRead: "0.025",
      audioCacheRead: "0.175",
      output: "0.40"
    }
  },
  {
    model: "gemini-2.5-pro",
    validFrom: "2025-06-17",
    usdPerMillion: { input: "1.25", imageInput: "1.25", audioInput: "1.25", output: "10" }
  },
  {
    model: "gemini-2.5-pro",
    validFrom: "2025-06-17",
    aboveInputTokens: 200_000,
    usdPerMillion: { input: "2.50", imageInput: "2.50", audioInput: "2.50", output: "15" }
  },
  {
    model: "gemini-2.5-pro",
    validFrom: cachePricesRead,
    usdPerMillion: {
      input: "1.25",
      imageInput: "1.25",
      audioInput: "1.25",
      cacheRead: "0.125",
      audioCacheRead: "0.125",
      output: "10"
    }
  },
  {
    model: "gemini-2.5-pro",
    validFrom: cachePricesRead,
    aboveInputTokens: 200_000,
    usdPerMillion: {
      input: "2.50",
      imageInput: "2.50",
      audioInput: "2.50",
      cacheRead: "0.25",
      audioCacheRead: "0.25",
      output: "15"
    }
  },
  {
    model: "gemini-2.5-flash",
    validFrom: "2025-06-17",
    usdPerMillion: { input: "0.30", imageInput: "0.30", audioInput: "1", output: "2.50" }
  },
  {
    model: "gemini-2.5-flash",
    validFrom: cachePricesRead,
    usdPerMillion: {
      input: "0.30",
      imageInput: "0.30",
      audioInput: "1",
      cacheRead: "0.03",
      audioCacheRead: "0.10",
      output: "2.50"
    }
  },
  {
    model: "gemini-2.5-flash-lite",
    validFrom: "2025-07-22",
    usdPerMillion: { input: "0.10", imageInput: "0.10", audioInput: "0.30", output: "0.40" }
  },
  {
    model: "gemini-2.5-flash-lite",
    validFrom: cachePricesRead,
    usdPerMillion: {
      input: "0.10",
      imageInput: "0.10",
      audioInput: "0.30",
      cacheRead: "0.01",
      audioCacheRead: "0.03",
      output: "0.40"
    }
  },
  {
    model: "gemini-3-pro-preview",
    validFrom: "2025-11-18",
    usdPerMillion: {
      input: "2",
      imageInput: "2",
      audioInput: "2",
      cacheRead: "0.20",
      audioCacheRead: "0.20",
      output: "12"
    }
  },
  {
    model: "gemini-3-pro-preview",
    validFrom: "2025-11-18",
    aboveInputTokens: 200_000,
    usdPerMillion: {
      input: "4",
      imageInput: "4",
      audioInput: "4",
      cacheRead: "0.40",
      audioCacheRead: "0.40",
      output: "18"
    }
  },
  {
    model: "gemini-3-flash-preview",
    validFrom: "2025-12-17",
    usdPerMillion: {
      input: "0.50",
      imageInput: "0.50",
      audioInput: "1",
      cacheRead: "0.05",
      audioCacheRead: "0.10",
      output: "3"
    }
  },
  {
    model: "gemini-3.1-pro-preview",
    validFrom: "2026-02-19",
    usdPerMillion: {
      input: "2",
      imageInput: "2",
      audioInput: "2",
      cacheRead: "0.20",
      audioCacheRead: "0.20",
      output: "12"
    }
  },
  {
    model: "gemini-3.1-pro-preview",
    validFrom: "2026-02-19",
    aboveInputTokens: 200_000,
    usdPerMillion: {
      input: "4",
      imageInput: "4",
      audioInput: "4",
      cacheRead: "0.40",
      audioCacheRead: "0.40",
      output: "18"
    }
  },
  { model: "gemini-embedding-001", validFrom: "2025-07-14", usdPerMillion: { input: "0.15" } }
])
