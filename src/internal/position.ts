/** Where something belongs: in a context, or below a span, whose own context need not be made for that. */
import type { SpanHandle } from "../SpanHandle.ts"
import { TraceContext } from "../TraceContext.ts"

export type Position = TraceContext | SpanHandle

export const contextAt = (position: Position): TraceContext =>
  position instanceof TraceContext ? position : position.context
