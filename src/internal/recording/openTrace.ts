/** A trace that is running, or was when it was last recorded. */
import type * as Observation from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"
import type { Subjects, TraceContext } from "../../TraceContext.ts"
import { sizeOfString } from "../capture.ts"
import type { Outcome } from "../outcome.ts"
import { CallSums } from "./callSums.ts"
import { sizeOfError, sizeOfText } from "./capturing.ts"
import { Entries } from "./entries.ts"
import { OpenRecord } from "./intake.ts"
import { type Entry, noSlot } from "./openTable.ts"
import type { SharedContext } from "./sharedContext.ts"
import { withStatedError } from "./statedError.ts"
import type { Timeline } from "./timeline.ts"

type StatedTotals = Omit<Observation.Totals, "stated">

export class OpenTrace extends OpenRecord implements Entry {
  readonly resource: Observation.Resource
  readonly context: TraceContext
  /** The context shared by everything in the trace, except in sections with subjects of their own. */
  readonly shared: SharedContext
  readonly timeline: Timeline
  name: string | undefined
  readonly operationType: string | undefined
  readonly tags: ReadonlyArray<string> | undefined
  input: Observation.Json | undefined
  output: Observation.Json | undefined
  metadata: Entries | undefined
  size = baseSize
  slot = noSlot
  private status: Observation.Status = "in_progress"
  private error: Observation.ErrorDetails | undefined
  private statedError: Observation.ErrorDetails | undefined
  private durationMicros: number | undefined
  private stated: StatedTotals | undefined
  /** Made for the first model call: most traces have none. */
  private sums: CallSums | undefined

  constructor(
    resource: Observation.Resource,
    context: TraceContext,
    shared: SharedContext,
    timeline: Timeline,
    name: string | undefined,
    operationType: string | undefined,
    tags: ReadonlyArray<string> | undefined
  ) {
    super()
    this.resource = resource
    this.context = context
    this.shared = shared
    this.timeline = timeline
    this.name = name
    this.operationType = operationType
    this.tags = tags
    // the subjects are charged here alone: all records of the trace share the same strings
    this.size += sizeOfText(name) + sizeOfText(operationType) + sizeOfSubjects(shared)
    if (tags !== undefined) { for (const tag of tags) this.size += sizeOfString(tag) }
  }

  get id(): string {
    return this.context.traceId
  }

  get isOpen(): boolean {
    return this.status === "in_progress"
  }

  /** Sets the subjects of the trace and of everything in it. @returns whether that changed anything */
  assign(stated: Subjects): boolean {
    const before = sizeOfSubjects(this.shared)
    const isNews = this.shared.assign(stated)
    this.size += sizeOfSubjects(this.shared) - before
    return isNews
  }

  /** Sets totals that the program states. They take precedence over the sums, and may be stated one at a time. */
  state(totals: StatedTotals): void {
    if ((totals.inputTokens ?? totals.outputTokens ?? totals.costUsd) === undefined) return
    this.stated = {
      inputTokens: totals.inputTokens ?? this.stated?.inputTokens,
      outputTokens: totals.outputTokens ?? this.stated?.outputTokens,
      costUsd: totals.costUsd ?? this.stated?.costUsd
    }
  }

  /** Counts a model call, replacing what was counted for it before. @returns whether the totals have changed */
  count(call: Observation.ModelCall | undefined, before: Observation.ModelCall | undefined): boolean {
    if (this.sums === undefined) this.sums = new CallSums()
    return this.sums.count(call, before)
  }

  addMetadata(metadata: Observation.JsonObject | undefined): void {
    if (metadata !== undefined) this.metadata = (this.metadata ?? new Entries({}, 0)).add(metadata)
  }

  /** Replaces an error that was stated before; `undefined` takes it back. */
  stateError(error: Observation.ErrorDetails | undefined): void {
    this.size += sizeOfError(error) - sizeOfError(this.statedError)
    this.statedError = error
  }

  /**
   * Removes the stated error and returns it, because the end of the trace says how it went: it either includes that
   * error or supersedes it.
   */
  takeStatedError(): Observation.ErrorDetails | undefined {
    const stated = this.statedError
    this.stateError(undefined)
    return stated
  }

  close(outcome: Outcome, durationMicros: number | undefined): void {
    this.status = outcome.status
    this.error = outcome.error
    this.durationMicros = durationMicros
    this.revision = closedRevision - 1
  }

  /**
   * Closes the trace when its process ends and nobody has said how the trace ended. Another process may still say so,
   * and its record is newer, even if it comes first.
   */
  abandon(outcome: Outcome, durationMicros: number): void {
    this.close(outcome, durationMicros)
    this.revision--
  }

  snapshot(): Observation.Trace {
    this.revision++
    const { context, shared } = this
    const own = { status: this.status, error: this.error, entries: this.metadata?.handOver() }
    const { entries, error, status } = this.statedError === undefined ? own : withStatedError(own, this.statedError)
    return {
      _tag: "Trace",
      resource: this.resource,
      traceId: context.traceId,
      spanId: context.spanId,
      parentSpanId: context.parentSpanId,
      userId: shared.userId,
      sessionId: shared.sessionId,
      kbId: shared.kbId,
      revision: this.revision,
      size: this.size,
      name: this.name,
      operationType: this.operationType,
      status,
      error,
      startTimeUnixMicros: this.timeline.startUnixMicros,
      durationMicros: this.durationMicros,
      totals: this.totals(),
      tags: this.tags,
      metadata: entries,
      input: this.input,
      output: this.output
    }
  }

  /** A figure that was stated wins; the others are the sums. */
  private totals(): Observation.Totals {
    return {
      inputTokens: this.stated?.inputTokens ?? this.sums?.inputTokens,
      outputTokens: this.stated?.outputTokens ?? this.sums?.outputTokens,
      costUsd: this.stated?.costUsd ?? this.sums?.costUsd,
      stated: this.stated !== undefined
    }
  }
}

const sizeOfSubjects = ({ kbId, sessionId, userId }: SharedContext): number =>
  sizeOfText(userId) + sizeOfText(sessionId) + sizeOfText(kbId)

/** The memory cost of the fields of a trace, without the values captured into it. */
const baseSize = 600
