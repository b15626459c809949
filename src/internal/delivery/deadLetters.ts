/**
 * Keeps the records that a store refuses for good, with the reason, for a person to look at: one JSON object per line.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import { appendFile, mkdir, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Observation } from "../../Observation.ts"
import { toTheEnd } from "../toTheEnd.ts"

/** @param refused the records by reason */
export type DeadLetters = (
  refused: ReadonlyMap<string, ReadonlyArray<Observation>>
) => Effect.Effect<void, { readonly message: string }>

export const nowhere: DeadLetters = () => Effect.void

/** Appends to `dead-letter.jsonl` in the folder. Once the file has reached `maxBytes`, nothing more is kept. */
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
    // a flush of records behind the refused ones waits for this
    Effect.timeoutFail({ duration: "5 seconds", onTimeout: () => ({ message: "the disk did not answer" }) }),
    // closing waits for it, too: the records are counted as refused, and exist nowhere else
    toTheEnd
  )

/** Writes decimals as a person does. They arrive as `value` only after their own `toJSON` has converted them. */
function plainly(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key]
  return BigDecimal.isBigDecimal(original) ? BigDecimal.format(original) : value
}
