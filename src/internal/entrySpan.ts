/** The span by which a trace comes in that was begun elsewhere. */
import type { Span } from "../Observation.ts"
import { startInId } from "./startInId.ts"

/**
 * Whether a trace comes into the stores here: the span continues one that another process began, and by its id that was
 * no process that uses this library, of which one alone records the trace as a whole. See decision 0004.
 */
export const isEntry = ({ parentIsRemote, startTimeUnixMicros, traceId }: Span): boolean =>
  parentIsRemote && startInId(traceId, startTimeUnixMicros) === undefined
