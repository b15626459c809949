/** Reads and writes the `traceparent` and `tracestate` headers of W3C Trace Context Level 2. */
import * as Either from "effect/Either"
import type { SpanId, TraceId } from "../../Identifier.ts"
import { isSpanId, isTraceId } from "../../Identifier.ts"
import type { HeaderOptions, TraceContext, TraceHeaders } from "../../TraceContext.ts"
import * as TraceState from "../../TraceState.ts"
import type { HeadersInput } from "./headerLines.ts"
import { headerLines, trimmed } from "./headerLines.ts"

/** The fields of a `traceparent`. */
export interface TraceParent {
  readonly traceId: TraceId
  readonly spanId: SpanId
  readonly sampled: boolean
  readonly random: boolean
}

/** Which header was refused, and why. It does not repeat the header's content, because that came from outside. */
export interface Refusal {
  readonly field: "traceparent" | "tracestate"
  readonly message: string
}

/** The result of reading headers. */
export interface Found {
  /** `undefined` if the headers name no trace that can be continued. */
  readonly parent: TraceParent | undefined
  readonly traceState: TraceState.TraceState | undefined
  readonly refused: ReadonlyArray<Refusal>
}

export const readHeaders = (headers: HeadersInput): Found => {
  const lines = headerLines(headers, "traceparent")
  const states = headerLines(headers, "tracestate")
  if (lines.length === 0) return states.length === 0 ? nothing : { ...nothing, refused: [stateWithoutParent] }
  if (lines.length > 1) return { ...nothing, refused: [refusal("there is more than one")] }
  const parent = parseTraceparent(trimmed(lines[0]!))
  if (Either.isLeft(parent)) return { ...nothing, refused: [parent.left] }
  const state = TraceState.parse(states.join(","))
  return Either.isLeft(state)
    ? {
      parent: parent.right,
      traceState: undefined,
      refused: [{ field: "tracestate", message: state.left.message }]
    }
    : { parent: parent.right, traceState: state.right, refused: [] }
}

export const writeHeaders = (context: TraceContext, options?: HeaderOptions): TraceHeaders => {
  const traceparent = formatTraceparent(context)
  if (context.traceState === undefined) return { traceparent }
  const tracestate = TraceState.format(context.traceState, { maxLength: options?.maxTraceStateLength })
  return tracestate === "" ? { traceparent } : { traceparent, tracestate }
}

/** Parses a `traceparent` of any version. */
export const parseTraceparent = (header: string): Either.Either<TraceParent, Refusal> => {
  const match = traceparentPattern.exec(header)
  if (match === null) return refuse("expected version-traceid-spanid-flags in lower-case hexadecimal digits")
  const [, version, traceId, spanId, flags, rest] = match
  if (version === "ff") return refuse("version ff is forbidden")
  if (version === "00" && rest !== undefined) return refuse("version 00 ends after the flags")
  if (!isTraceId(traceId)) return refuse("the trace id is all zero")
  if (!isSpanId(spanId)) return refuse("the span id is all zero")
  const bits = Number.parseInt(flags!, 16)
  return Either.right({ traceId, spanId, sampled: (bits & 1) === 1, random: (bits & 2) === 2 })
}

/** Formats a `traceparent` of version 00. */
export const formatTraceparent = ({ random, sampled, spanId, traceId }: TraceParent): string => {
  const flags = (sampled ? 1 : 0) | (random ? 2 : 0)
  return `00-${traceId}-${spanId}-0${flags}`
}

// internal

/** The rest of a later version may hold anything but a comma, with which servers join repeated header lines. */
const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[^,\r\n]*)?$/

const refusal = (why: string): Refusal => ({ field: "traceparent", message: `traceparent refused: ${why}` })

const refuse = (why: string): Either.Either<never, Refusal> => Either.left(refusal(why))

const stateWithoutParent: Refusal = {
  field: "tracestate",
  message: "tracestate refused: there is no traceparent"
}

const nothing: Found = { parent: undefined, traceState: undefined, refused: [] }
