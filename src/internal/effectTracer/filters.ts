/** Decides which native spans are recorded. */
import type * as Tracer from "effect/Tracer"
import { isRecordedElsewhere } from "../recordedElsewhere.ts"

/** The properties of a span that are known when it begins. */
export interface Candidate {
  readonly name: string
  readonly kind: Tracer.SpanKind
  readonly attributes: Readonly<Record<string, unknown>>
}

export const isWanted = (
  shouldRecord: ((span: Candidate) => boolean) | undefined,
  name: string,
  kind: Tracer.SpanKind,
  attributes: Readonly<Record<string, unknown>> | undefined
): boolean => {
  if (isRecordedElsewhere(attributes)) return false
  if (shouldRecord === undefined) return true
  try {
    return shouldRecord({ name, kind, attributes: attributes ?? {} })
  } catch {
    // a filter is application code and may throw: then the span is recorded rather than left out
    return true
  }
}
