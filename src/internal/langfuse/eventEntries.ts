/** Chat messages and steps of documents: points in time, below the span in which they were logged. */
import type { ChatMessage, DocumentEvent } from "../../Observation.ts"
import type { Entry } from "./entry.ts"
import { MetadataBuilder } from "./entry.ts"
import { content, cut, label, plain } from "./text.ts"
import { addAll, addError, fine, messageOf } from "./verdicts.ts"

export const chatMessageEntry = (message: ChatMessage): Entry => ({
  ...common(message),
  id: message.messageId,
  name: label(`chat.${message.role}`, 1_000),
  ...fine,
  ...(isAnswer(message) ? { output: content(message.content) } : { input: content(message.content) }),
  metadata: addAll(
    new MetadataBuilder()
      .add("kbId", message.kbId === undefined ? undefined : cut(message.kbId, 1_000))
      // the tokens are metadata, since the call that made the message has them as usage
      .addFigures({
        turnNumber: message.turnNumber,
        tokens: message.tokens,
        responseTimeMs: message.responseTimeMicros === undefined ? undefined : message.responseTimeMicros / 1_000
      })
      .add("model", message.model === undefined ? undefined : cut(message.model, 1_000))
      .add("sources", message.sources === undefined ? undefined : plain(message.sources))
      .add("citations", message.citations === undefined ? undefined : plain(message.citations)),
    message.metadata
  ).build()
})

export const documentEventEntry = (event: DocumentEvent): Entry => {
  const { error } = event
  return {
    ...common(event),
    id: event.eventId,
    name: label(`document.${event.eventType}`, 1_000),
    ...fine,
    ...(event.status === "failed"
      ? { level: "ERROR", statusMessage: error === undefined ? "failed" : messageOf(error) }
      : {}),
    metadata: addAll(
      addError(
        new MetadataBuilder()
          .add("documentId", cut(event.documentId, 1_000))
          .add("documentName", event.documentName === undefined ? undefined : cut(event.documentName, 1_000))
          .add("stage", cut(event.eventType, 1_000))
          .add("status", event.status)
          .add("kbId", event.kbId === undefined ? undefined : cut(event.kbId, 1_000))
          .addFigures({
            durationMs: event.durationMicros === undefined ? undefined : event.durationMicros / 1_000,
            retryCount: error?.retryCount
          })
          .add("retryable", error?.retryable === undefined ? undefined : String(error.retryable))
          .add("metrics", event.metrics === undefined ? undefined : plain(event.metrics)),
        error
      ),
      event.metadata
    ).build()
  }
}

// internal

const common = (observation: ChatMessage | DocumentEvent) => ({
  kind: observation._tag,
  type: "event" as const,
  traceId: observation.traceId,
  parentId: observation.spanId,
  revision: observation.revision,
  isOpen: false,
  resource: observation.resource,
  userId: observation.userId,
  sessionId: observation.sessionId,
  startUnixMicros: observation.timeUnixMicros,
  endUnixMicros: undefined,
  input: undefined,
  output: undefined,
  model: undefined,
  trace: undefined
})

/** Whether a message is output of the program or of a tool, and not input. */
const isAnswer = (message: ChatMessage): boolean => message.role === "assistant" || message.role === "tool"
