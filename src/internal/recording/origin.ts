/** Where and when something is recorded. */
import type * as Clock from "effect/Clock"
import type { SpanId, TraceId } from "../../Identifier.ts"
import type { Generator } from "../../IdGenerator.ts"
import type { RootOptions, TraceContext } from "../../TraceContext.ts"

/** The clock and the ids of the fiber on which something happens. */
export interface Ambient {
  readonly clock: Clock.Clock
  readonly generator: Generator
}

/** What is known of a span that somebody else has made already. */
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

/** What an origin says of the trace that is begun for it. */
export const rootOf = ({ sampled, subjects }: Origin): RootOptions => ({
  userId: subjects?.userId,
  sessionId: subjects?.sessionId,
  kbId: subjects?.kbId,
  sampled: sampled ?? subjects?.sampled
})
