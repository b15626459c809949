/** Where something belongs: in a context, or below a span, whose own context need not be made for that. */
import type { SpanHandle } from "../SpanHandle.ts"
import type { TraceContext } from "../TraceContext.ts"

export type Position = TraceContext | SpanHandle

export const contextAt = (position: Position): TraceContext => isContext(position) ? position : position.context

/** By what it has, and not by its class: a program may hold the library twice, as bundlers make of some, and so the class. */
export const isContext = (position: Position): position is TraceContext => !("context" in position)
