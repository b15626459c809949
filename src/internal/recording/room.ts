/** The parts that all recorders of a service share. */
import type * as Observation from "../../Observation.ts"
import type { Capturing } from "./capturing.ts"
import type { Intake } from "./intake.ts"

export interface Room {
  readonly resource: Observation.Resource
  readonly capturing: Capturing
  readonly intake: Intake
  /** How many open spans, and traces, are remembered so that closing the layer can end them. */
  readonly maxOpen: number
  /** Called when something could not be recorded. */
  readonly failed: () => void
}
