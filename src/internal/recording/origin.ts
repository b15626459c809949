/** Where and when something is recorded. */
import type * as Clock from "effect/Clock"
import type { SpanId, TraceId } from "../../Identifier.ts"
import type { Generator } from "../../IdGenerator.ts"
import type { RootOptions, Subjects, TraceContext } from "../../TraceContext.ts"
import { subjectsAt } from "./atPosition.ts"

/** The clock and the id generator of the running fiber, and the subjects of traces that begin on it. */
export interface Ambient {
  readonly clock: Clock.Clock
  readonly generator: Generator
  readonly subjects: Subjects | undefined
}

/** Known properties of a span that somebody else has made already. */
export interface Origin {
  /** For a span without a parent: the trace that it begins. */
  readonly traceId?: TraceId | undefined
  readonly spanId?: SpanId | undefined
  /** For a span without a parent: whether its trace is sampled. */
  readonly sampled?: boolean | undefined
  /** For a span without a parent: the context for whose user, session and knowledge base its trace is. */
  readonly subjects?: TraceContext | undefined
  /** Nanoseconds of the fiber's clock. */
  readonly startTimeNanos?: bigint | undefined
}

/** The options of the trace that is begun for an origin. */
export const rootOf = ({ sampled, subjects }: Origin): RootOptions => ({
  ...subjects === undefined ? undefined : subjectsAt(subjects),
  sampled: sampled ?? subjects?.sampled
})

/** Subjects that a trace states itself take precedence over the ambient ones. */
export const withAmbientSubjects = (options: RootOptions, around: Subjects | undefined): RootOptions =>
  around === undefined ? options : {
    userId: options.userId ?? around.userId,
    sessionId: options.sessionId ?? around.sessionId,
    kbId: options.kbId ?? around.kbId,
    sampled: options.sampled
  }
