/** What all that is recorded has in common. */
import type * as Observation from "../../Observation.ts"
import type { Capturing } from "./capturing.ts"
import type { Intake } from "./intake.ts"

export interface Room {
  readonly resource: Observation.Resource
  readonly capturing: Capturing
  readonly intake: Intake
  /** How many open spans, and traces, are remembered so that closing the layer can end them. */
  readonly maxOpen: number
}

/**
 * Makes room in a table that is full, by what has been in it for longest. Several at a time: a `Map` keeps the places of
 * what was deleted for a while, and whoever asks for the first one walks past them, 5 µs each time in a table of 100,000.
 */
export const forgetOldest = (records: Map<string, unknown>, maxOpen: number): void => {
  if (records.size <= maxOpen) return
  let left = Math.max(1, maxOpen >> 6)
  for (const key of records.keys()) {
    records.delete(key)
    if (--left === 0) return
  }
}
