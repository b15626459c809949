/** Reads and writes the trace context and baggage that travel between processes, in headers of any kind. */
import * as Baggage from "../../Baggage.ts"
import type { Headers, TraceContextError } from "../../TraceContext.ts"
import { TraceContext } from "../../TraceContext.ts"
import * as Subjects from "./subjects.ts"

/** Limits for writing and reading headers. */
export interface CarrierOptions {
  /** The longest `tracestate` that is written, in characters. Default: 512, the minimum that W3C asks for. */
  readonly maxTraceStateLength?: number | undefined
  /** Limits of the baggage, or `false` to neither read nor write any. Default: 64 members, 8,192 bytes. */
  readonly baggage?: Baggage.Limits | false | undefined
  /**
   * Whether the user, the session and the knowledge base of the context travel, too, as the baggage members `user.id`,
   * `session.id` and `kb.id`. They are personal data, and the receiver trusts any sender. Default: `false`.
   */
  readonly subjects?: boolean | undefined
}

/** The trace context and baggage that were found in headers. */
export interface Received {
  /** The sender's trace context; `undefined` if the headers name no trace that can be continued: a new one begins. */
  readonly context: TraceContext | undefined
  readonly baggage: Baggage.Baggage
  /** Why headers were refused. The errors do not repeat the headers' content, because it came from outside. */
  readonly refused: ReadonlyArray<TraceContextError | Baggage.BaggageError>
}

export const read = (headers: Headers, options: CarrierOptions = {}): Received => {
  const trace = TraceContext.fromHeaders(headers)
  if (options.baggage === false) return { ...trace, baggage: Baggage.empty }
  const { baggage, refused } = Baggage.fromHeaders(headers, options.baggage)
  return {
    context: trace.context === undefined || options.subjects !== true
      ? trace.context
      : Subjects.takeFrom(baggage, trace.context),
    baggage: options.subjects === true ? Subjects.without(baggage) : baggage,
    refused: refused.length === 0 ? trace.refused : [...trace.refused, ...refused]
  }
}

export const write = (
  context: TraceContext,
  baggage: Baggage.Baggage,
  options: CarrierOptions = {}
): Readonly<Record<string, string>> => {
  const headers = TraceContext.toHeaders(context, options)
  if (options.baggage === false) return headers
  const text = Baggage.format(options.subjects === true ? Subjects.addTo(baggage, context) : baggage, options.baggage)
  return text === "" ? headers : { ...headers, baggage: text }
}
