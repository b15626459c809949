/**
 * Keeps the records that a store refuses for good, with the reason, for a person to look at: one JSON object a line.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import { appendFile, mkdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Observation } from "../../Observation.ts"
import { toTheEnd } from "../toTheEnd.ts"

/** @param refused the records, by the reason */
export type DeadLetters = (
  refused: ReadonlyMap<string, ReadonlyArray<Observation>>
) => Effect.Effect<void, { readonly message: string }>

export const nowhere: DeadLetters = () => Effect.void

/** A file `dead-letter.jsonl` in the folder; when it is as large as `maxBytes`, nothing more is kept. */
export const inFolder = (directory: string, maxBytes = 64 * 1024 * 1024): DeadLetters => (refused) =>
  Effect.tryPromise({
    try: async () => {
      const file = join(directory, "dead-letter.jsonl")
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const size = await stat(file).then((found) => found.size, () => 0)
      if (size >= maxBytes) throw new Error(`${file} is full; look at it and remove it`)
      const refusedAt = new Date().toISOString()
      const lines = Array.from(
        refused,
        ([reason, records]) =>
          records.map((record) => `${JSON.stringify({ refusedAt, reason, record }, plainly)}\n`).join("")
      )
      await appendFile(file, lines.join(""), { mode: 0o600 })
    },
    catch: (cause) => ({ message: cause instanceof Error ? cause.message : String(cause) })
  }).pipe(
    // what was written behind the refused records waits for this
    Effect.timeoutFail({ duration: "5 seconds", onTimeout: () => ({ message: "the disk did not answer" }) }),
    // and whoever closes: the records are counted as refused, and nobody else has them
    toTheEnd
  )

/** Decimals as a person writes them. What comes as `value` is what their own `toJSON` has made of them. */
function plainly(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key]
  return BigDecimal.isBigDecimal(original) ? BigDecimal.format(original) : value
}
