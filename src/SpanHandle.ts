/**
 * A running span, as the program that runs it sees it.
 *
 * @since 0.1.0
 */
import type { SpanId, TraceId } from "./Identifier.ts"
import type { SpanType } from "./Observation.ts"
import type { TraceContext } from "./TraceContext.ts"

/**
 * The reference to a running span.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanHandle {
  /** The position of the span, from which children are made. */
  readonly context: TraceContext
  readonly traceId: TraceId
  /** The id under which the store has the span. */
  readonly spanId: SpanId
  readonly name: string
  readonly type: SpanType
}
