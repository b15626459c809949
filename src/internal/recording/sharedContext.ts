/**
 * The context that all spans of a trace share, or all spans of a section of it that has subjects of its own: the trace,
 * its flags, and its subjects. They share one object, so that the user can become known while they run, without one
 * more field or a look-up for each span. The price is one object for each trace.
 */
import type { TraceId } from "../../Identifier.ts"
import type { Subjects, TraceContext } from "../../TraceContext.ts"
import type { TraceState } from "../../TraceState.ts"
import { identifierOrNone } from "../identifierText.ts"
import type { OpenSpan } from "./openSpan.ts"
import type { OpenTrace } from "./openTrace.ts"

export class SharedContext {
  readonly traceId: TraceId
  readonly sampled: boolean
  readonly random: boolean
  readonly traceState: TraceState | undefined
  userId: string | undefined
  sessionId: string | undefined
  kbId: string | undefined

  constructor({ kbId, random, sampled, sessionId, traceId, traceState, userId }: TraceContext) {
    this.traceId = traceId
    this.sampled = sampled
    this.random = random
    this.traceState = traceState
    this.userId = userId
    this.sessionId = sessionId
    this.kbId = kbId
  }

  /** Sets the subjects; omitted ones stay. @returns whether that changed anything */
  assign(stated: Subjects): boolean {
    const { kbId, sessionId, userId } = this
    this.userId = identifierOrNone(stated.userId) ?? userId
    this.sessionId = identifierOrNone(stated.sessionId) ?? sessionId
    this.kbId = identifierOrNone(stated.kbId) ?? kbId
    return this.userId !== userId || this.sessionId !== sessionId || this.kbId !== kbId
  }
}

/**
 * Kept at a position in a section of a trace: the section's shared context, and the record of the span or trace around.
 */
export class Section {
  readonly record: OpenSpan | OpenTrace | undefined
  readonly shared: SharedContext

  constructor(record: OpenSpan | OpenTrace | undefined, shared: SharedContext) {
    this.record = record
    this.shared = shared
  }
}
