/**
 * The time under which a trace is stored. It is part of the key, so every process that records anything of the trace
 * must find the same.
 */
import type { Span, Trace } from "../../Observation.ts"
import { startInId } from "../startInId.ts"

/** The start that the id of the trace carries, else that which the record states. */
export const startOf = ({ startTimeUnixMicros, traceId }: Pick<Trace, "traceId" | "startTimeUnixMicros">): number =>
  startInId(traceId, startTimeUnixMicros) ?? startTimeUnixMicros

/**
 * Whether a trace comes into this store here: the span continues one that another process began, and by its id that was
 * no process that uses this library, of which one alone records the trace as a whole. See decision 0004.
 */
export const isEntry = ({ parentIsRemote, startTimeUnixMicros, traceId }: Span): boolean =>
  parentIsRemote && startInId(traceId, startTimeUnixMicros) === undefined
