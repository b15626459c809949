/**
 * Keeps the spans that are open, and records them. Synchronous: it runs on the application's fiber, and does nothing
 * there but build data and push it.
 */
import type * as Exit from "effect/Exit"
import * as Predicate from "effect/Predicate"
import type * as Input from "../../Input.ts"
import type * as Observation from "../../Observation.ts"
import type { Subjects } from "../../TraceContext.ts"
import { TraceContext } from "../../TraceContext.ts"
import { cutString } from "../capture.ts"
import type { Outcome } from "../outcome.ts"
import * as Outcomes from "../outcome.ts"
import type { Position } from "../position.ts"
import { contextAt } from "../position.ts"
import type { Price } from "./accounting.ts"
import { Accounting } from "./accounting.ts"
import { recordAt, sharedContextAt } from "./atPosition.ts"
import { sizeOfError } from "./capturing.ts"
import { elapsed } from "./elapsed.ts"
import { metricsOf, modelCallOf } from "./figures.ts"
import type { OpenRecord } from "./intake.ts"
import { maxNameLength } from "./limits.ts"
import { OpenSpan } from "./openSpan.ts"
import { OpenTable } from "./openTable.ts"
import type { OpenTrace } from "./openTrace.ts"
import type { Ambient, Origin } from "./origin.ts"
import { Plausible } from "./plausible.ts"
import type { Room } from "./room.ts"
import { statedErrorOf } from "./statedError.ts"
import { isOfConventions, toldCall, typeTold } from "./toldCall.ts"
import type { Traces } from "./traces.ts"

export class Spans {
  private readonly room: Room
  private readonly traces: Traces
  private readonly accounting: Accounting
  private readonly open: OpenTable<OpenSpan>

  constructor(room: Room, traces: Traces, price: Price | undefined) {
    this.room = room
    this.traces = traces
    this.accounting = new Accounting(price)
    this.open = new OpenTable(room.maxOpen)
    keepers.set(room.resource, this)
  }

  get count(): number {
    return this.remembered.size
  }

  /** The recorder of changes to a span: that of the layer that began it, whichever service the change comes through. */
  keeperOf(span: OpenSpan): Spans {
    return span.resource === this.room.resource ? this : keepers.get(span.resource)!
  }

  /**
   * Remembers a span that has not ended by the time it is handed over, or by the time open spans are looked for. Most
   * spans have ended by then, and cost 4 % less because they never enter the table.
   */
  remember(record: OpenRecord): void {
    if (record instanceof OpenSpan) this.open.add(record)
  }

  /** Starts a span below `parent`, or, without one, in a trace of its own that ends with it. */
  start(
    ambient: Ambient,
    parent: Position | undefined,
    name: string,
    options: Input.SpanOptions | undefined,
    origin?: Origin | undefined
  ): OpenSpan {
    const span = this.begin(ambient, parent, name, options?.type ?? plainType, undefined, origin)
    if (options !== undefined) this.describe(span, options)
    this.room.intake.pushOpen(span)
    return span
  }

  /** @param endTimeNanos of the fiber's clock; now if absent */
  end(ambient: Ambient, span: OpenSpan, exit: Exit.Exit<unknown, unknown>, endTimeNanos?: bigint): void {
    const end = endTimeNanos === undefined ? span.timeline.now(ambient.clock) : span.timeline.at(endTimeNanos)
    const duration = elapsed(span.startUnixMicros, end)
    const standIn = exit._tag === "Success" ? undefined : Outcomes.standInOf(exit.cause)
    if (standIn === undefined) return this.finish(ambient, span, Outcomes.fromExit(exit), duration)
    if (span.isOpen && !span.hasStatedError) this.stateError(span, standIn)
    this.finish(ambient, span, Outcomes.success, duration)
  }

  addEvent(ambient: Ambient, span: OpenSpan, event: Input.SpanEvent): void {
    const { listedBytes, timeline } = span
    const name = cutString(event.name, maxNameLength)
    const listed = this.room.capturing.listed(name, event.attributes, listedBytes)
    span.addEvent({
      name,
      timeUnixMicros: event.timeNanos === undefined ? timeline.now(ambient.clock) : timeline.at(event.timeNanos),
      attributes: listed.attributes
    }, listed)
    this.room.intake.pushOpen(span)
  }

  addLink(span: OpenSpan, { attributes, context }: Input.SpanLink): void {
    const listed = this.room.capturing.listed(undefined, attributes, span.listedBytes)
    span.addLink({ traceId: context.traceId, spanId: context.spanId, attributes: listed.attributes }, listed)
    if (span.isOpen) return
    this.room.intake.pushOpen(span)
  }

  /**
   * Sets one attribute, as a tracer does. GenAI attributes are noticed here, and read when the span ends: a span
   * without attributes never comes here, and for a span without GenAI attributes only the prefix of each name is
   * checked.
   */
  addAttribute(span: OpenSpan, key: string, value: unknown): void {
    span.attributes = this.room.capturing.withEntry(span, span.attributes, key, value)
    if (span.isOpen && isOfConventions(key)) this.tellOfModels(span, key, value)
    this.room.intake.pushOpen(span)
  }

  /** Updates a span, also one that has ended: its record is then written once more. */
  update(span: OpenSpan, update: Input.SpanUpdate): void {
    const plausible = new Plausible()
    const before = span.modelCall
    if (update.error !== undefined) this.stateError(span, update.error)
    this.apply(span, update, plausible)
    span.addAttributes(plausible.report(span.attributes?.values))
    const isCounted = !span.isOpen && this.accounting.settleLate(span, before)
    this.room.intake.pushOpen(span)
    if (isCounted) this.outlived(span.trace)
  }

  /** Updates the span or the trace at a context, also one that has ended. */
  annotate(context: TraceContext, update: Input.SpanUpdate): void {
    const record = this.recordOf(context) ?? this.traces.of(context)
    if (record instanceof OpenSpan) return this.update(record, update)
    if (record !== undefined && record.context.spanId === context.spanId) this.traces.update(record, update)
  }

  /**
   * Sets the subjects of the trace at a context, or of the section of it that has subjects of its own. The trace is
   * written once more, and so are the open spans around the context: so the subjects are recorded even if the process
   * dies.
   */
  assign(context: TraceContext, stated: Subjects): void {
    const { intake } = this.room
    const record = this.recordOf(context) ?? this.traces.of(context)
    const own = sharedContextAt(context)
    // a context that has been away (in a message or in headers) does not know the shared context of the others
    const isAway = TraceContext.recordOf(context) === own
    const shared = isAway && record !== undefined ? record.shared : own
    if (shared !== own) own.assign(stated)
    const trace = this.traces.countedAt(context)
    const isOfTrace = trace?.shared === shared
    if (!(isOfTrace ? trace.assign(stated) : shared.assign(stated))) return
    if (isOfTrace) intake.pushOpen(trace)
    let span = record instanceof OpenSpan ? record.isOpen ? record : record.openParent : undefined
    for (; span !== undefined; span = span.openParent) if (span.shared === shared) intake.pushOpen(span)
  }

  logLlmCall(ambient: Ambient, parent: TraceContext | undefined, call: Input.LlmCall): void {
    const plausible = new Plausible()
    const latency = plausible.elapsedMicros("latency", call.latency)
    const outcome: Outcome = Predicate.isNullable(call.error)
      ? Outcomes.success
      : { status: "error", error: Outcomes.fromError(call.error) }
    const span = this.begin(ambient, parent, call.name ?? `chat ${call.model}`, "llm", latency)
    try {
      this.apply(span, call, plausible)
      span.addAttributes(plausible.report())
    } finally {
      // with the values that could be captured: nothing else would end the trace that was begun for the span
      this.finish(ambient, span, outcome, latency)
    }
  }

  /** Ends all open spans as interrupted, children before their parents. */
  endAll(ambient: Ambient): void {
    for (const span of this.remembered.newestFirst()) {
      const now = span.timeline.now(ambient.clock)
      this.finish(ambient, span, Outcomes.interrupted, elapsed(span.startUnixMicros, now))
    }
  }

  /**
   * The span or trace that this layer recorded at a position; looked up by id if the position has been away, in a
   * message or in headers.
   */
  private recordOf(position: Position): OpenSpan | OpenTrace | undefined {
    const record = recordAt(position)
    if (record?.resource === this.room.resource) return record
    const span = this.remembered.get(position.spanId)
    return span?.traceId === position.traceId ? span : undefined
  }

  /** All open spans, including those pushed a moment ago. */
  private get remembered(): OpenTable<OpenSpan> {
    this.room.intake.show()
    return this.open
  }

  /** @param elapsedMicros how long ago the span started; `undefined` for one that starts now */
  private begin(
    ambient: Ambient,
    parent: Position | undefined,
    name: string,
    type: Observation.SpanType,
    elapsedMicros: number | undefined,
    origin?: Origin | undefined
  ): OpenSpan {
    this.room.intake.admit()
    const { spanId, startTimeNanos: nanos } = origin ?? noOrigin
    const trace = parent === undefined
      ? this.traces.startFor(ambient, name, elapsedMicros ?? 0, origin)
      : this.traces.countedAt(parent)
    const above = parent === undefined ? undefined : this.recordOf(parent)
    const timeline = this.traces.timelineFor(ambient, trace, above)
    const position = parent ?? trace!.context
    const kept = TraceContext.recordOf(position)
    return new OpenSpan(
      this.room.resource,
      spanId ?? ambient.generator.spanId(),
      position.spanId,
      kept instanceof OpenSpan ? kept.shared : sharedContextAt(position),
      above instanceof OpenSpan ? above.isOpen ? above : above.openParent : undefined,
      !(kept instanceof OpenSpan) && contextAt(position).isRemote,
      cutString(name, maxNameLength),
      cutString(type, maxNameLength),
      timeline,
      (nanos === undefined ? timeline.now(ambient.clock) : timeline.at(nanos)) - (elapsedMicros ?? 0),
      trace,
      parent === undefined
    )
  }

  /**
   * Captures the options of a span. If one of them cannot be captured, the span is recorded without it, because the
   * program runs inside of the span.
   */
  private describe(span: OpenSpan, options: Input.SpanOptions): void {
    const { capturing, failed } = this.room
    try {
      span.kind = options.kind
      if (options.attributes !== undefined) span.attributes = capturing.merged(span, undefined, options.attributes)
      if (options.input !== undefined) span.input = capturing.value(span, options.input)
      if (options.links !== undefined) { for (const link of options.links) this.addLink(span, link) }
    } catch {
      failed()
    }
  }

  /**
   * Notes that a GenAI attribute was set on a plain span, and sets the type that it implies. A span keeps its type if
   * the program typed it, or if it answers a request.
   */
  private tellOfModels(span: OpenSpan, key: string, value: unknown): void {
    span.isToldOfModels ||= span.type === plainType
    const type = typeTold(key, value)
    if (type !== undefined) this.retype(span, type)
  }

  /** Sets the type as soon as it is known, so that spans begun below know that they are in a model call. */
  private retype(span: OpenSpan, type: Observation.SpanType): void {
    const isCallable = span.kind === undefined || span.kind === "internal" || span.kind === "client"
    if (span.isToldOfModels && isCallable && span.type !== type) span.becomes(type)
  }

  /** Applies the model call that a tracer's attributes describe, once all of them have been set. */
  private takeTold(span: OpenSpan): void {
    try {
      const told = toldCall(span.attributes?.values ?? {}, span.modelCall)
      if (told === undefined) return
      const plausible = new Plausible()
      if (told.type !== undefined) this.retype(span, told.type)
      this.apply(span, told.update, plausible)
      span.addAttributes(told.notes)
      span.addAttributes(plausible.report(span.attributes?.values))
    } catch {
      // the span ends all the same
      this.room.failed()
    }
  }

  private finish(ambient: Ambient, span: OpenSpan, outcome: Outcome, durationMicros: number | undefined): void {
    if (!span.isOpen) return
    if (span.isToldOfModels) this.takeTold(span)
    span.close(outcome, durationMicros)
    span.size += sizeOfError(outcome.error)
    this.open.delete(span)
    const isCounted = this.accounting.settle(span)
    this.room.intake.pushEnded(span)
    if (isCounted) this.outlived(span.trace)
    const { trace } = span
    if (!span.ownsTrace || trace?.isOpen !== true) return
    const lead = span.startUnixMicros - trace.timeline.startUnixMicros
    const duration = durationMicros === undefined ? undefined : lead + durationMicros
    this.traces.end(ambient, trace.context, {}, outcome, duration)
  }

  /** Hands over an ended trace once more, with the figures of a call that outlived it. */
  private outlived(trace: OpenTrace | undefined): void {
    if (trace?.isOpen === false) this.room.intake.pushOpen(trace)
  }

  /**
   * Renames a span. A trace that was begun for the span alone takes its name, also if that becomes known only later.
   */
  private rename(span: OpenSpan, name: string): void {
    span.name = this.room.capturing.text(span, name, span.name)
    if (span.ownsTrace && span.trace !== undefined) this.traces.update(span.trace, { name })
  }

  /** States an error of a span. A trace that was begun for the span alone gets the same error. */
  private stateError(span: OpenSpan, error: unknown): void {
    const details = statedErrorOf(error)
    span.stateError(details)
    if (span.ownsTrace && span.trace !== undefined) this.traces.stateError(span.trace, details)
  }

  private apply(span: OpenSpan, update: Input.SpanUpdate, plausible: Plausible): void {
    const { capturing } = this.room
    if (update.name !== undefined) this.rename(span, update.name)
    if (update.attributes !== undefined) span.attributes = capturing.merged(span, span.attributes, update.attributes)
    if (update.input !== undefined) span.input = capturing.replacement(span, span.input, update.input)
    if (update.output !== undefined) span.output = capturing.replacement(span, span.output, update.output)
    span.metrics = metricsOf(span.metrics, update, plausible)
    span.modelCall = modelCallOf(span.modelCall, update, plausible, capturing, span)
  }
}

// internal

/**
 * Keyed by the resource that all records of a layer share, instead of held in every span, of which there are many more.
 */
const keepers = new WeakMap<Observation.Resource, Spans>()

const noOrigin: Origin = {}

const plainType = "span"
