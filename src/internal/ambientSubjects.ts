/**
 * The subjects of traces that begin where a program runs, unless they state their own. Looked up by a trace that
 * begins, and never by a span, which gets its subjects from its position.
 */
import * as Context from "effect/Context"
import type { Subjects } from "../TraceContext.ts"

export class AmbientSubjects extends Context.Reference<AmbientSubjects>()("effect-observability/AmbientSubjects", {
  defaultValue: (): Subjects | undefined => undefined
}) {}
