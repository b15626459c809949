/**
 * The time under which a trace is stored. It is part of the key, so every process that records anything of the trace
 * must derive the same time.
 */
import type { Trace } from "../../Observation.ts"
import { startInId } from "../startInId.ts"

/** The start time that the trace id carries, otherwise the one that the record states. */
export const startOf = ({ startTimeUnixMicros, traceId }: Pick<Trace, "traceId" | "startTimeUnixMicros">): number =>
  startInId(traceId, startTimeUnixMicros) ?? startTimeUnixMicros
