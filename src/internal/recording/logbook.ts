/** Records messages of a conversation and steps of a document, which are over when they happen. */
import * as Predicate from "effect/Predicate"
import type * as Input from "../../Input.ts"
import type * as Observation from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"
import type { TraceContext } from "../../TraceContext.ts"
import type { Outcome } from "../outcome.ts"
import * as Outcomes from "../outcome.ts"
import { subjectsAt } from "./atPosition.ts"
import { sizeOfError } from "./capturing.ts"
import type { Ambient } from "./origin.ts"
import { Plausible } from "./plausible.ts"
import type { Room } from "./room.ts"
import type { Traces } from "./traces.ts"

export class Logbook {
  private readonly room: Room
  private readonly traces: Traces
  private sequence = 0

  constructor(room: Room, traces: Traces) {
    this.room = room
    this.traces = traces
  }

  /** Without a parent it stands in a trace of its own. */
  chatMessage(ambient: Ambient, parent: TraceContext | undefined, message: Input.ChatMessage): void {
    const past = { name: `chat message ${message.role}`, outcome: Outcomes.success }
    this.traces.within(ambient, parent, past, (context, timeUnixMicros) => {
      const plausible = new Plausible()
      const sizes = { size: baseSize }
      const record: Observation.ChatMessage = {
        _tag: "ChatMessage",
        ...this.common(context),
        messageId: ambient.generator.spanId(),
        timeUnixMicros,
        sequence: this.sequence++,
        role: this.room.capturing.text(sizes, message.role),
        content: this.room.capturing.value(sizes, message.content),
        turnNumber: plausible.count("turnNumber", message.turnNumber),
        sources: message.sources === undefined ? undefined : this.room.capturing.value(sizes, message.sources),
        citations: message.citations === undefined ? undefined : this.room.capturing.value(sizes, message.citations),
        tokens: plausible.count("tokens", message.tokens),
        model: this.room.capturing.text(sizes, message.model, undefined),
        responseTimeMicros: plausible.micros("responseTime", message.responseTime),
        metadata: merge(
          message.metadata === undefined ? undefined : this.room.capturing.object(sizes, message.metadata),
          plausible.report()
        ),
        size: sizes.size
      }
      this.room.intake.push(record)
    })
  }

  /** Without a parent it stands in a trace of its own. */
  documentEvent(ambient: Ambient, parent: TraceContext | undefined, event: Input.DocumentEvent): void {
    const plausible = new Plausible()
    const retryCount = plausible.count("retryCount", event.retryCount)
    const durationMicros = plausible.elapsedMicros("duration", event.duration)
    const details = Predicate.isNullable(event.error) ? undefined : Outcomes.fromError(event.error)
    const outcome: Outcome = event.status === "failed" ? { status: "error", error: details } : Outcomes.success
    const past = { name: `document ${event.eventType}`, outcome, durationMicros }
    this.traces.within(ambient, parent, past, (context, timeUnixMicros) => {
      const sizes = { size: baseSize + sizeOfError(details) }
      const record: Observation.DocumentEvent = {
        _tag: "DocumentEvent",
        ...this.common(context),
        eventId: ambient.generator.spanId(),
        timeUnixMicros,
        sequence: this.sequence++,
        documentId: this.room.capturing.identifier(sizes, event.documentId),
        documentName: this.room.capturing.text(sizes, event.documentName, undefined),
        eventType: this.room.capturing.text(sizes, event.eventType),
        status: event.status,
        durationMicros,
        metrics: event.metrics === undefined ? undefined : this.room.capturing.object(sizes, event.metrics),
        error: details === undefined ? undefined : { ...details, retryable: event.retryable, retryCount },
        metadata: merge(
          event.metadata === undefined ? undefined : this.room.capturing.object(sizes, event.metadata),
          plausible.report()
        ),
        size: sizes.size
      }
      this.room.intake.push(record)
    })
  }

  private common(context: TraceContext) {
    const { kbId, sessionId, userId } = subjectsAt(context)
    return {
      resource: this.room.resource,
      traceId: context.traceId,
      spanId: context.spanId,
      userId,
      sessionId,
      kbId,
      // messages and events are over when they happen
      revision: closedRevision
    }
  }
}

// internal

/** The memory cost of the fields of a message or an event, without the values captured into it. */
const baseSize = 500

const merge = (
  left: Observation.JsonObject | undefined,
  right: Observation.JsonObject | undefined
): Observation.JsonObject | undefined => left === undefined ? right : right === undefined ? left : { ...left, ...right }
