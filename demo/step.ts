/** One step of a document: a span, an event when it starts, and one that says how it ended. */
import { Clock, Duration, Effect } from "effect"
import { annotate, logDocumentEvent, withSpan } from "effect-observability"
import type { Document } from "./documents.ts"

export type Step = "upload" | "parse" | "chunk" | "embed" | "index"

export const step = <A, E extends { readonly _tag: string }, R>(
  document: Document,
  name: Step,
  work: Effect.Effect<A, E, R>,
  figuresOf: (result: A) => Readonly<Record<string, number>>
) =>
  Effect.gen(function*() {
    const event = { documentId: document.id, documentName: document.name, eventType: name }
    yield* logDocumentEvent({ ...event, status: "started" })
    const started = yield* Clock.currentTimeNanos
    const duration = Effect.map(Clock.currentTimeNanos, (now) => Duration.nanos(now - started))
    const result = yield* Effect.tapError(work, (error) =>
      Effect.flatMap(duration, (duration) =>
        // The same bytes would fail the same way.
        logDocumentEvent({ ...event, status: "failed", duration, error, retryable: false })))
    const metrics = figuresOf(result)
    yield* annotate({ chunkCount: metrics["chunkCount"], attributes: metrics })
    yield* logDocumentEvent({ ...event, status: "completed", duration: yield* duration, metrics })
    return result
  }).pipe(withSpan(name, { type: spanTypes[name], input: document.id }))

/** Logs that a document is skipped, and why. */
export const skip = (document: Document, name: Step, reason: string) =>
  logDocumentEvent({
    documentId: document.id,
    documentName: document.name,
    eventType: name,
    status: "skipped",
    metadata: { reason }
  }).pipe(Effect.as("skipped" as const))

// internal

const spanTypes = { upload: "upload", parse: "parse", chunk: "chunk", embed: "embedding", index: "index" } as const
