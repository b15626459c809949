/**
 * What all that stands in one trace has in common, or in a part of it that is for somebody of its own: the trace, its flags,
 * and for whom it is. All spans there share the one object. So it can be learned while they run, and a span has nothing to
 * look up for that, to compare, or to keep beside: it costs an object for each trace.
 */
import type { TraceId } from "../../Identifier.ts"
import type { Subjects, TraceContext } from "../../TraceContext.ts"
import type { TraceState } from "../../TraceState.ts"
import { identifierOrNone } from "../identifierText.ts"
import type { OpenSpan } from "./openSpan.ts"
import type { OpenTrace } from "./openTrace.ts"

export class Ground {
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

  /** Says for whom it is; what is left out stays. @returns whether that is news */
  address(stated: Subjects): boolean {
    const { kbId, sessionId, userId } = this
    this.userId = identifierOrNone(stated.userId) ?? userId
    this.sessionId = identifierOrNone(stated.sessionId) ?? sessionId
    this.kbId = identifierOrNone(stated.kbId) ?? kbId
    return this.userId !== userId || this.sessionId !== sessionId || this.kbId !== kbId
  }
}

/** A position in a part of a trace: it has a ground of its own, and the record is that of the span, or trace, around. */
export class Part {
  readonly record: OpenSpan | OpenTrace | undefined
  readonly ground: Ground

  constructor(record: OpenSpan | OpenTrace | undefined, ground: Ground) {
    this.record = record
    this.ground = ground
  }
}
