/**
 * Logs calls, messages and events in the current trace or span; outside of any trace, each in a trace of its own.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Input from "./Input.ts"
import type { FlushReceipt } from "./ObservabilityService.ts"
import { ObservabilityService } from "./ObservabilityService.ts"
import { TraceContext } from "./TraceContext.ts"

/**
 * Records a finished call of a language model, as a span of type `llm`.
 *
 * @since 0.1.0
 * @category logging
 */
export const logLlmCall = (call: Input.LlmCall): Effect.Effect<void, never, ObservabilityService> =>
  Effect.flatMap(
    ObservabilityService,
    (service) => Effect.withFiberRuntime((fiber) => service.logLlmCall(TraceContext.unsafeCurrent(fiber), call))
  )

/**
 * Records a message of a conversation.
 *
 * @since 0.1.0
 * @category logging
 */
export const logChatMessage = (message: Input.ChatMessage): Effect.Effect<void, never, ObservabilityService> =>
  Effect.flatMap(
    ObservabilityService,
    (service) => Effect.withFiberRuntime((fiber) => service.logChatMessage(TraceContext.unsafeCurrent(fiber), message))
  )

/**
 * Records a step of a document in the pipeline.
 *
 * @since 0.1.0
 * @category logging
 */
export const logDocumentEvent = (event: Input.DocumentEvent): Effect.Effect<void, never, ObservabilityService> =>
  Effect.flatMap(
    ObservabilityService,
    (service) => Effect.withFiberRuntime((fiber) => service.logDocumentEvent(TraceContext.unsafeCurrent(fiber), event))
  )

/**
 * Writes everything recorded before the call, and returns a receipt of all records since the start. Closing the layer
 * writes everything as well, so a program needs `flush` only to learn the outcome.
 *
 * @since 0.1.0
 * @category delivery
 */
export const flush = (
  options?: { readonly timeout?: Duration.DurationInput | undefined }
): Effect.Effect<FlushReceipt, never, ObservabilityService> =>
  Effect.flatMap(ObservabilityService, (service) => service.flush(options))
