/**
 * The time under which a trace is stored. It is part of the key, so every process that records anything of the trace
 * must find the same.
 */
import * as Identifier from "../../Identifier.ts"
import type { Span, Trace } from "../../Observation.ts"

const microsPerDay = 86_400_000_000

/**
 * The time that the trace's id carries, where that is the time of its start: the one thing that all processes know.
 *
 * An id made elsewhere may look like a UUIDv7 and not be one: of random ids one in 64 does, and then its time lies
 * anywhere in 8,900 years. So it must lie near the start that the record states: up to 31 days before, since a trace may
 * be ended long after it began by a process that knows no better start than its own; up to a day after, for a clock that
 * is wrong. Of random ids 3 in 10 million pass, and do no harm then.
 */
export const startOf = (trace: Pick<Trace, "traceId" | "startTimeUnixMicros">): number =>
  startCarriedBy(trace) ?? trace.startTimeUnixMicros

/**
 * Whether a trace comes into this store here: the span continues one that another process began, and by its id that was
 * no process that uses this library, of which one alone records the trace as a whole. See decision 0004.
 */
export const isEntry = (span: Span): boolean => span.parentIsRemote && startCarriedBy(span) === undefined

// internal

const startCarriedBy = (
  { startTimeUnixMicros: stated, traceId }: Pick<Trace, "traceId" | "startTimeUnixMicros">
): number | undefined => {
  const millis = Identifier.unixMillisOf(traceId)
  if (millis === undefined) return undefined
  const carried = millis * 1000
  return carried >= stated - 31 * microsPerDay && carried <= stated + microsPerDay ? carried : undefined
}
