/** The place of a record: in a context, or below a span whose own context need not be made for that. */
import type { SpanHandle } from "../SpanHandle.ts"
import type { TraceContext } from "../TraceContext.ts"

export type Position = TraceContext | SpanHandle

export const contextAt = (position: Position): TraceContext => isContext(position) ? position : position.context

/**
 * Checks the properties and not the class: a program may hold the library twice, as some bundles do, and so two copies
 * of the class.
 */
export const isContext = (position: Position): position is TraceContext => !("context" in position)
