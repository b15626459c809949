/** The span through which a trace that was begun elsewhere enters. */
import type { Span } from "../Observation.ts"
import { startInId } from "./startInId.ts"

/**
 * Whether a trace enters the stores with this span: it continues a span of another process, and the trace id shows that
 * this process does not use this library. Only a process that uses it records the trace as a whole. See decision 0004.
 */
export const isEntry = ({ parentIsRemote, startTimeUnixMicros, traceId }: Span): boolean =>
  parentIsRemote && startInId(traceId, startTimeUnixMicros) === undefined
