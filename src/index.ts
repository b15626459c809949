/**
 * The entry point: the functions that programs use most, and the modules that they come from.
 *
 * @since 0.1.0
 */
export * as Baggage from "./Baggage.ts"
export * as Delivery from "./Delivery.ts"
export * as GenAi from "./GenAi.ts"
export * as Identifier from "./Identifier.ts"
export * as IdGenerator from "./IdGenerator.ts"
export * as Input from "./Input.ts"
export * as Log from "./Log.ts"
export { flush, logChatMessage, logDocumentEvent, logLlmCall } from "./Log.ts"
export { ObservabilityLive } from "./ObservabilityLive.ts"
export { ObservabilityService } from "./ObservabilityService.ts"
export * as Observation from "./Observation.ts"
export * as Pricing from "./Pricing.ts"
export * as Provider from "./Provider.ts"
export * as Span from "./Span.ts"
export {
  annotate,
  annotateTrace,
  span,
  withSpan,
  withSpanStream,
  withSubjects,
  withTrace,
  withTraceContext
} from "./Span.ts"
export type { SpanHandle } from "./SpanHandle.ts"
export { TraceContext } from "./TraceContext.ts"
export * as TraceState from "./TraceState.ts"
export * as Usage from "./Usage.ts"
