/** The position of a native span. A context is made from it only on demand. */
import type { SpanPlace, TraceContext } from "../../TraceContext.ts"
import { contextAt, type Position } from "../position.ts"

export class Place implements SpanPlace {
  readonly position: Position
  readonly ambient: TraceContext | undefined
  /** Whether this library has not seen the span begin. */
  readonly isElsewhere: boolean

  constructor(position: Position, ambient: TraceContext | undefined, isElsewhere = false) {
    this.position = position
    this.ambient = ambient
    this.isElsewhere = isElsewhere
  }

  get context(): TraceContext {
    return contextAt(this.position)
  }
}
