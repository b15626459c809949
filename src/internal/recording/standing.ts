/** What the recorder knows of a position. */
import type { Subjects } from "../../TraceContext.ts"
import { TraceContext } from "../../TraceContext.ts"
import { contextAt, type Position } from "../position.ts"
import { Ground, Part } from "./ground.ts"
import { OpenSpan } from "./openSpan.ts"
import { OpenTrace } from "./openTrace.ts"

/** The span, or trace, that stands there. */
export const recordAt = (position: Position): OpenSpan | OpenTrace | undefined => {
  const kept = TraceContext.recordOf(position)
  if (kept instanceof OpenSpan || kept instanceof OpenTrace) return kept
  return kept instanceof Part ? kept.record : undefined
}

/** The trace into which something counts that is no span. @param kept at its position */
export const traceOf = (kept: object | undefined): OpenTrace | undefined => {
  const record = kept instanceof Part ? kept.record : kept
  return record instanceof OpenTrace ? record : record instanceof OpenSpan ? record.trace : undefined
}

/** Of a context that was received it is made for the first that asks: all that begins there has it in common. */
export const groundAt = (position: Position): Ground => {
  const kept = TraceContext.recordOf(position)
  if (kept instanceof OpenSpan || kept instanceof OpenTrace || kept instanceof Part) return kept.ground
  if (kept instanceof Ground) return kept
  const context = contextAt(position)
  if (context !== position) return groundAt(context)
  const ground = new Ground(context)
  TraceContext.setRecord(context, ground)
  return ground
}

/** For whom it is by now: a context says so of the time when it was made. */
export const subjectsAt = (context: TraceContext): Subjects => {
  const { kbId, sessionId, userId } = groundAt(context)
  return { userId, sessionId, kbId }
}

/** The same position, in a part of its own. */
export const partAt = (position: TraceContext, stated: Subjects): TraceContext => {
  const ground = new Ground(TraceContext.unsafeMake({ ...position, ...subjectsAt(position) }))
  ground.address(stated)
  return inPart(position, ground)
}

/** Another position, in the part of `self` where that is in one. */
export const inPartOf = (self: Position, other: Position): Position => {
  const kept = TraceContext.recordOf(self)
  return kept instanceof Part ? inPart(contextAt(other), kept.ground) : other
}

// internal

const inPart = (position: TraceContext, ground: Ground): TraceContext => {
  const { kbId, sessionId, userId } = ground
  const context = TraceContext.unsafeMake({ ...position, userId, sessionId, kbId })
  TraceContext.setRecord(context, new Part(recordAt(position), ground))
  return context
}
