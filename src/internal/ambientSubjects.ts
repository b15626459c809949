/**
 * For whom the traces are that begin where a program runs, unless they say so themselves. Looked for by a trace that begins,
 * and never by a span: that has it from where it stands.
 */
import * as Context from "effect/Context"
import type { Subjects } from "../TraceContext.ts"

export class AmbientSubjects extends Context.Reference<AmbientSubjects>()("effect-observability/AmbientSubjects", {
  defaultValue: (): Subjects | undefined => undefined
}) {}
