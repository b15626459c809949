/**
 * Keeps the traces that are open, and records them. Synchronous: it runs on the application's fiber, and does nothing
 * there but build data and push it.
 */
import type * as Exit from "effect/Exit"
import type { TraceId } from "../../Identifier.ts"
import type * as Input from "../../Input.ts"
import type { ErrorDetails } from "../../Observation.ts"
import { TraceContext } from "../../TraceContext.ts"
import { cutString } from "../capture.ts"
import type { Outcome } from "../outcome.ts"
import * as Outcomes from "../outcome.ts"
import type { Position } from "../position.ts"
import { startInId } from "../startInId.ts"
import { recordAt, sharedContextAt, traceOf } from "./atPosition.ts"
import { sizeOfError } from "./capturing.ts"
import { elapsed } from "./elapsed.ts"
import { maxListed, maxNameLength } from "./limits.ts"
import { OpenSpan } from "./openSpan.ts"
import { OpenTable } from "./openTable.ts"
import { OpenTrace } from "./openTrace.ts"
import type { Ambient, Origin } from "./origin.ts"
import { rootOf, withAmbientSubjects } from "./origin.ts"
import { Plausible } from "./plausible.ts"
import type { Room } from "./room.ts"
import { SharedContext } from "./sharedContext.ts"
import { statedErrorOf } from "./statedError.ts"
import { Timeline, Timelines } from "./timeline.ts"
import { updateTrace } from "./traceUpdate.ts"

/** Something that is over when it is recorded, described for the trace of its own that it gets without a parent. */
interface Past {
  readonly name: string
  readonly outcome: Outcome
  readonly durationMicros?: number | undefined
}

export class Traces {
  private readonly room: Room
  private readonly open: OpenTable<OpenTrace>
  private readonly timelines = new Timelines()
  /**
   * For contexts whose ids carry no time: a trace that is ended twice must keep its start, because the start is part of
   * its identity.
   */
  private readonly foreignTimelines = new WeakMap<TraceContext, Timeline>()

  constructor(room: Room) {
    this.room = room
    this.open = new OpenTable(room.maxOpen)
  }

  get count(): number {
    return this.open.size
  }

  start(ambient: Ambient, input: Input.Trace): TraceContext {
    return this.begin(ambient, input, this.timelines.start(ambient.clock)).context
  }

  /** Starts a trace for a single record, at the start of that record. @param elapsedMicros how long ago that was */
  startFor(ambient: Ambient, name: string, elapsedMicros: number, origin: Origin | undefined): OpenTrace {
    const now = this.timelines.start(ambient.clock)
    const nanos = origin?.startTimeNanos
    return this.begin(
      ambient,
      origin === undefined ? { name } : { name, ...rootOf(origin) },
      nanos === undefined ? now.from(elapsedMicros) : now.startingAt(nanos),
      origin?.traceId
    )
  }

  /**
   * @param given the outcome; if absent, the one that `end` states
   * @param defaultMicros the duration if `end` states none; if absent, the time from the start to now
   */
  end(
    ambient: Ambient,
    context: TraceContext,
    end: Input.TraceEnd,
    given?: Outcome | undefined,
    defaultMicros?: number | undefined
  ): void {
    const { capturing, intake } = this.room
    const known = this.of(context)
    const trace = known ?? this.foreign(ambient, context)
    const outcome = given ?? outcomeOf(trace, end)
    this.open.delete(trace)
    const plausible = new Plausible()
    trace.state({
      inputTokens: plausible.count("inputTokens", end.inputTokens),
      outputTokens: plausible.count("outputTokens", end.outputTokens),
      costUsd: plausible.cost(end.costUsd)
    })
    const duration = plausible.micros("duration", end.duration) ?? defaultMicros ??
      elapsedMicros(trace, known === undefined, ambient)
    if (end.metadata !== undefined) trace.metadata = capturing.merged(trace, trace.metadata, end.metadata)
    if (end.output !== undefined) trace.output = capturing.replacement(trace, trace.output, end.output)
    trace.addMetadata(plausible.report(trace.metadata?.values))
    trace.close(outcome, duration)
    trace.size += sizeOfError(outcome.error)
    intake.pushEnded(trace)
  }

  /** Ends a trace that a region of the program began, unless the program has ended it itself. */
  endOfRegion(ambient: Ambient, context: TraceContext, exit: Exit.Exit<unknown, unknown>): void {
    if (this.of(context) !== undefined) this.end(ambient, context, {}, Outcomes.fromExit(exit))
  }

  update(trace: OpenTrace, update: Input.SpanUpdate): void {
    updateTrace(trace, update, this.room.capturing)
    this.room.intake.pushOpen(trace)
  }

  stateError(trace: OpenTrace, error: ErrorDetails | undefined): void {
    trace.stateError(error)
    this.room.intake.pushOpen(trace)
  }

  /** Records something that is over now in the given context, or in a trace of its own if there is none. */
  within(
    ambient: Ambient,
    parent: TraceContext | undefined,
    { durationMicros, name, outcome }: Past,
    record: (context: TraceContext, timeUnixMicros: number) => void
  ): void {
    this.room.intake.admit()
    if (parent !== undefined) {
      const timeline = this.timelineFor(ambient, this.countedAt(parent), recordAt(parent))
      return record(parent, timeline.now(ambient.clock))
    }
    const trace = this.startFor(ambient, name, durationMicros ?? 0, undefined)
    try {
      record(trace.context, trace.timeline.now(ambient.clock))
    } finally {
      this.end(ambient, trace.context, {}, outcome, durationMicros)
    }
  }

  endAll(ambient: Ambient): void {
    for (const trace of this.open.newestFirst()) {
      this.open.delete(trace)
      const { timeline } = trace
      trace.abandon(Outcomes.interrupted, elapsed(timeline.startUnixMicros, timeline.now(ambient.clock)))
      this.room.intake.pushEnded(trace)
    }
  }

  /** The open trace at a position. */
  of(position: Position): OpenTrace | undefined {
    const trace = this.countedAt(position)
    return trace?.isOpen === true ? trace : undefined
  }

  /**
   * As `of`, or a trace that has ended: spans that begin in it later still count there, as they do in a store that
   * computes sums itself. A trace that was begun here needs no look-up, and no room to be remembered.
   */
  countedAt(position: Position): OpenTrace | undefined {
    const kept = TraceContext.recordOf(position)
    const begun = kept instanceof OpenSpan ? kept.trace : traceOf(kept)
    const own = begun?.resource === this.room.resource ? begun : undefined
    return own?.isOpen === true ? own : this.open.get(position.traceId) ?? own
  }

  /**
   * The timeline of the trace; for a trace of another process, that of the span around, if this process runs that span.
   */
  timelineFor(ambient: Ambient, trace: OpenTrace | undefined, around: object | undefined): Timeline {
    if (trace !== undefined) return trace.timeline
    return around instanceof OpenSpan ? around.timeline : this.timelines.start(ambient.clock)
  }

  /** A trace that another process began: fields that this process does not know stay as the other one recorded them. */
  private foreign(ambient: Ambient, context: TraceContext): OpenTrace {
    const start = startInId(context.traceId, wallMicros(ambient))
    const timeline = start !== undefined
      ? new Timeline(start, ambient.clock.unsafeCurrentTimeNanos())
      : this.foreignTimelines.get(context) ?? this.timelines.start(ambient.clock)
    if (start === undefined) this.foreignTimelines.set(context, timeline)
    return new OpenTrace(
      this.room.resource,
      context,
      sharedContextAt(context),
      timeline,
      undefined,
      undefined,
      undefined
    )
  }

  private begin(ambient: Ambient, input: Input.Trace, timeline: Timeline, traceId?: TraceId): OpenTrace {
    this.room.intake.admit()
    const { generator } = ambient
    const { operationType, tags } = input
    // the id carries the start, to the millisecond: another process finds the trace by it
    const context = TraceContext.unsafeRoot(
      // a given id is not used while a trace with that id is open: the two would be confused
      traceId === undefined || this.open.get(traceId) !== undefined
        ? generator
        : { ...generator, traceId: () => traceId },
      timeline.startUnixMicros / 1_000,
      withAmbientSubjects(input, ambient.subjects)
    )
    const trace = new OpenTrace(
      this.room.resource,
      context,
      new SharedContext(context),
      timeline,
      cutString(input.name, maxNameLength),
      typeof operationType === "string" ? cutString(operationType, maxNameLength) : undefined,
      tags === undefined ? undefined : Array.from(tags).slice(0, maxListed).map(tagOf)
    )
    TraceContext.setRecord(context, trace)
    const { capturing, intake } = this.room
    if (input.metadata !== undefined) trace.metadata = capturing.merged(trace, undefined, input.metadata)
    if (tags !== undefined && tags.length > maxListed) {
      trace.addMetadata({ "observability.dropped_tags": tags.length - maxListed })
    }
    if (input.input !== undefined) trace.input = capturing.value(trace, input.input)
    this.open.add(trace)
    intake.pushOpen(trace)
    return trace
  }
}

// internal

const tagOf = (tag: unknown): string => cutString(String(tag), maxNameLength)

/** A trace of another process has a start to count from only when its id carries one. */
const elapsedMicros = (trace: OpenTrace, isForeign: boolean, ambient: Ambient): number | undefined => {
  const { timeline } = trace
  if (!isForeign) return elapsed(timeline.startUnixMicros, timeline.now(ambient.clock))
  const now = wallMicros(ambient)
  const start = startInId(trace.context.traceId, now)
  return start === undefined || start > now ? undefined : now - start
}

const wallMicros = ({ clock }: Ambient): number => clock.unsafeCurrentTimeMillis() * 1_000

/**
 * The outcome that an end states. An error stated before stays if the end says nothing; it becomes the error of an end
 * with the status `error` that gives no error of its own.
 */
const outcomeOf = (trace: OpenTrace, end: Input.TraceEnd): Outcome => {
  const { error, errorMessage, errorType } = end
  const isToldAnew = error !== undefined || errorType !== undefined || errorMessage !== undefined
  if (!isToldAnew && end.status === undefined) return Outcomes.success
  const before = trace.takeStatedError()
  const details = error === undefined ? isToldAnew ? undefined : before : statedErrorOf(error)
  const isError = details !== undefined || errorType !== undefined || errorMessage !== undefined
  const status = end.status ?? (isError ? "error" : "success")
  return {
    status,
    error: status === "error"
      ? {
        type: errorType ?? details?.type ?? "unknown",
        message: errorMessage ?? details?.message ?? "",
        cause: details?.cause
      }
      : undefined
  }
}
