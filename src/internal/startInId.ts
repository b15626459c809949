/** The start time that the id of a trace carries, if it does: the one fact about the trace that all processes know. */
import { type TraceId, unixMillisOf } from "../Identifier.ts"

/**
 * An id made elsewhere may look like a UUIDv7 without being one: one in 64 random ids does, and then its time lies
 * anywhere in 8,900 years. So its time must be near the time at which a record of the trace exists: up to 31 days
 * before, since a process that knows no better start than its own may end a trace long after it began; up to a day
 * after, for a clock that is wrong. 3 in 10 million random ids pass, and then do no harm.
 *
 * @param fromUnixMicros when a record of the trace exists, or the beginning of that period
 * @param toUnixMicros the end of that period
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
