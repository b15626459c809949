/**
 * The time under which a trace is stored. It is part of the key, so every process that records anything of the trace
 * must find the same.
 */
import type { Trace } from "../../Observation.ts"
import { startInId } from "../startInId.ts"

/** The start that the id of the trace carries, else that which the record states. */
export const startOf = ({ startTimeUnixMicros, traceId }: Pick<Trace, "traceId" | "startTimeUnixMicros">): number =>
  startInId(traceId, startTimeUnixMicros) ?? startTimeUnixMicros
