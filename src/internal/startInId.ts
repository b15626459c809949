/** The time that the id of a trace carries, where that is the time of its start: the one thing that all processes know. */
import { type TraceId, unixMillisOf } from "../Identifier.ts"

/**
 * An id made elsewhere may look like a UUIDv7 and not be one: of random ids one in 64 does, and then its time lies
 * anywhere in 8,900 years. So it must lie near the time at which there is something of the trace: up to 31 days before,
 * since a trace may be ended long after it began by a process that knows no better start than its own; up to a day after,
 * for a clock that is wrong. Of random ids 3 in 10 million pass, and do no harm then.
 *
 * @param fromUnixMicros when there is something of the trace: then, or from then on
 * @param toUnixMicros the end of that time
 * @returns microseconds since the Unix epoch
 */
export const startInId = (
  traceId: TraceId,
  fromUnixMicros: number,
  toUnixMicros: number = fromUnixMicros
): number | undefined => {
  const millis = unixMillisOf(traceId)
  if (millis === undefined) return undefined
  const micros = millis * 1_000
  return micros >= fromUnixMicros - 31 * microsPerDay && micros <= toUnixMicros + microsPerDay ? micros : undefined
}

// internal

const microsPerDay = 86_400_000_000
