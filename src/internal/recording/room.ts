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
  /** Told of what could not be recorded. */
  readonly failed: () => void
}
