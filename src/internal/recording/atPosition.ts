/** Looks up what the recorder knows of a position. */
import type { Subjects } from "../../TraceContext.ts"
import { TraceContext } from "../../TraceContext.ts"
import { contextAt, type Position } from "../position.ts"
import { OpenSpan } from "./openSpan.ts"
import { OpenTrace } from "./openTrace.ts"
import { Section, SharedContext } from "./sharedContext.ts"

/** The span or trace at a position. */
export const recordAt = (position: Position): OpenSpan | OpenTrace | undefined => {
  const kept = TraceContext.recordOf(position)
  if (kept instanceof OpenSpan || kept instanceof OpenTrace) return kept
  return kept instanceof Section ? kept.record : undefined
}

/** The trace in which a record that is no span counts. @param kept at its position */
export const traceOf = (kept: object | undefined): OpenTrace | undefined => {
  const record = kept instanceof Section ? kept.record : kept
  return record instanceof OpenTrace ? record : record instanceof OpenSpan ? record.trace : undefined
}

/**
 * The shared context at a position. For a context that was received it is made at the first call, and then shared by
 * all that begins there.
 */
export const sharedContextAt = (position: Position): SharedContext => {
  const kept = TraceContext.recordOf(position)
  if (kept instanceof OpenSpan || kept instanceof OpenTrace || kept instanceof Section) return kept.shared
  if (kept instanceof SharedContext) return kept
  const context = contextAt(position)
  if (context !== position) return sharedContextAt(context)
  const shared = new SharedContext(context)
  TraceContext.setRecord(context, shared)
  return shared
}

/** The current subjects at a position: the context itself has those of the time when it was made. */
export const subjectsAt = (context: TraceContext): Subjects => {
  const { kbId, sessionId, userId } = sharedContextAt(context)
  return { userId, sessionId, kbId }
}

/** The same position, in a section of its own. */
export const sectionAt = (position: TraceContext, stated: Subjects): TraceContext => {
  const shared = new SharedContext(position)
  // the position has the subjects of the time when it was made
  shared.assign(subjectsAt(position))
  shared.assign(stated)
  return inSection(position, shared)
}

/** Another position, in the section of `self` if that is in one. */
export const inSectionOf = (self: Position, other: Position): Position => {
  const kept = TraceContext.recordOf(self)
  return kept instanceof Section ? inSection(contextAt(other), kept.shared) : other
}

// internal

const inSection = (position: TraceContext, shared: SharedContext): TraceContext => {
  const { kbId, sessionId, userId } = shared
  const context = TraceContext.unsafeMake({ ...position, userId, sessionId, kbId })
  TraceContext.setRecord(context, new Section(recordAt(position), shared))
  return context
}
