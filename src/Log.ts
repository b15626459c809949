/**
 * Logs what happened in the trace or span in which the program runs, and outside of any in a trace of its own.
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
 * Records a call of a language model that is over, as a span of type `llm`.
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
 * Records a step of a document's way through the pipeline.
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
 * Writes what was recorded before the call, and says what became of everything since the start. Closing the layer does
 * the same, so a program needs it only where it wants to know.
 *
 * @since 0.1.0
 * @category delivery
 */
export const flush = (
  options?: { readonly timeout?: Duration.DurationInput | undefined }
): Effect.Effect<FlushReceipt, never, ObservabilityService> =>
  Effect.flatMap(ObservabilityService, (service) => service.flush(options))
