/** What travels between processes, to and from headers of any kind. */
import * as Baggage from "../../Baggage.ts"
import type { Headers, TraceContextError } from "../../TraceContext.ts"
import { TraceContext } from "../../TraceContext.ts"
import * as Subjects from "./subjects.ts"

/** How much is written, or taken over. */
export interface CarrierOptions {
  /** The longest `tracestate` that is written, in characters. Default: 512, which W3C asks for at least. */
  readonly maxTraceStateLength?: number | undefined
  /** Bounds of the baggage, or `false` for none at all. Default: 64 members, 8,192 bytes. */
  readonly baggage?: Baggage.Limits | false | undefined
  /**
   * Whether the user, the session and the knowledge base of the context travel, too, as `user.id`, `session.id` and
   * `kb.id` of the baggage. They are personal data, and whoever sends them is believed. Default: `false`.
   */
  readonly subjects?: boolean | undefined
}

/** What was found in headers. */
export interface Received {
  /** Where the sender stands; `undefined` when the headers name no trace that can be continued: then one begins here. */
  readonly context: TraceContext | undefined
  readonly baggage: Baggage.Baggage
  /** What was refused, and why. None of it is repeated there: it came from outside. */
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
