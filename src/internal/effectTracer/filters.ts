/** Which native spans are recorded. */
import type * as Tracer from "effect/Tracer"
import { isRecordedElsewhere } from "../recordedElsewhere.ts"

/** What is known of a span when it begins. */
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
    // a filter is the application's, and may throw: rather too much than too little
    return true
  }
}
