/** A span that is running, or was when it was last recorded. */
import type { SpanId, TraceId } from "../../Identifier.ts"
import type * as Observation from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import { TraceContext } from "../../TraceContext.ts"
import type { Outcome } from "../outcome.ts"
import { type Listed, sizeOfError, sizeOfText } from "./capturing.ts"
import { Entries } from "./entries.ts"
import { OpenRecord } from "./intake.ts"
import { maxListed } from "./limits.ts"
import { type Entry, noSlot } from "./openTable.ts"
import type { OpenTrace } from "./openTrace.ts"
import type { SharedContext } from "./sharedContext.ts"
import { withStatedError } from "./statedError.ts"
import type { Timeline } from "./timeline.ts"

export class OpenSpan extends OpenRecord implements SpanHandle, Entry {
  readonly resource: Observation.Resource
  readonly spanId: SpanId
  readonly parentSpanId: SpanId
  /** The context that the span shares with those around it, from which its own context is made. */
  readonly shared: SharedContext
  /** Whether its parent is a span of another process. */
  readonly parentIsRemote: boolean
  name: string
  type: Observation.SpanType
  readonly timeline: Timeline
  readonly startUnixMicros: number
  /** The trace in which the span counts, if this process runs that trace. */
  readonly trace: OpenTrace | undefined
  /** Whether the trace was begun for this span alone, and ends with it. */
  readonly ownsTrace: boolean
  kind: Observation.SpanKind | undefined
  links: ReadonlyArray<Observation.SpanLink> | undefined
  events: ReadonlyArray<Observation.SpanEvent> | undefined
  attributes: Entries | undefined
  /** The size of events and links, in bytes. */
  listedBytes = 0
  input: Observation.Json | undefined
  output: Observation.Json | undefined
  metrics: Observation.SpanMetrics | undefined
  modelCall: Observation.ModelCall | undefined
  /** Whether the span is a model call or is inside one. */
  isInModelCall: boolean
  /**
   * Whether a tracer has set attributes of the GenAI conventions on a plain span, which may then turn out to be a model
   * call, a tool or an agent.
   */
  isToldOfModels = false
  /**
   * Tokens held by spans below: their total if this span is in a model call, otherwise possibly only those of the first
   * call.
   */
  tokensBelow = 0
  /** Whether a span below it holds a cost. */
  costBelow = false
  /** For a model call: the models below that these tokens and costs are from; `undefined` stands for an unknown one. */
  modelsBelow: ReadonlyArray<string | undefined> = noModels
  size = baseSize
  slot = noSlot
  private parent: OpenSpan | undefined
  private position: TraceContext | undefined
  private status: Observation.Status = "in_progress"
  private error: Observation.ErrorDetails | undefined
  private statedError: Observation.ErrorDetails | undefined
  private durationMicros: number | undefined

  constructor(
    resource: Observation.Resource,
    spanId: SpanId,
    parentSpanId: SpanId,
    shared: SharedContext,
    parent: OpenSpan | undefined,
    parentIsRemote: boolean,
    name: string,
    type: Observation.SpanType,
    timeline: Timeline,
    startUnixMicros: number,
    trace: OpenTrace | undefined,
    ownsTrace: boolean
  ) {
    super()
    this.resource = resource
    this.spanId = spanId
    this.parentSpanId = parentSpanId
    this.shared = shared
    this.parent = parent
    this.parentIsRemote = parentIsRemote
    this.name = name
    this.type = type
    this.timeline = timeline
    this.startUnixMicros = startUnixMicros
    this.trace = trace
    this.ownsTrace = ownsTrace
    this.size += sizeOfText(name) + sizeOfText(type)
    this.isInModelCall = type === "llm" || parent?.isInModelCall === true
  }

  /** Made on demand: a native span may never need it, and by a profile making it takes 1 % of such a span. */
  get context(): TraceContext {
    if (this.position === undefined) {
      this.position = TraceContext.unsafeWithin(this.shared, this.parentSpanId, this.spanId)
      TraceContext.setRecord(this.position, this)
    }
    return this.position
  }

  get traceId() {
    return this.shared.traceId
  }

  get id(): string {
    return this.spanId
  }

  get isOpen(): boolean {
    return this.status === "in_progress"
  }

  /** The nearest span above that has not ended. Ended spans are let go: a chain of daemons may have no end. */
  get openParent(): OpenSpan | undefined {
    while (this.parent !== undefined && !this.parent.isOpen) this.parent = this.parent.parent
    return this.parent
  }

  /**
   * Sets the type of a running span once it is found out. There may already be calls below, whose models were not kept.
   */
  becomes(type: Observation.SpanType): void {
    this.size += sizeOfText(type) - sizeOfText(this.type)
    this.type = type
    if (type !== "llm") return
    this.isInModelCall = true
    if (this.modelsBelow.length === 0 && (this.tokensBelow > 0 || this.costBelow)) this.modelsBelow = [undefined]
  }

  addAttributes(attributes: Observation.JsonObject | undefined): void {
    if (attributes === undefined) return
    this.attributes = (this.attributes ?? new Entries({}, 0)).add(attributes)
  }

  /** Adds an event. Events and links beyond the limit are only counted, as OpenTelemetry's limits specify. */
  addEvent(event: Observation.SpanEvent, { fits, size }: Listed): void {
    const { events = [] } = this
    if (!fits || events.length >= maxListed) return this.dropped("events")
    this.events = [...events, event]
    this.listed(size)
  }

  addLink(link: Observation.SpanLink, { fits, size }: Listed): void {
    const { links = [] } = this
    if (!fits || links.length >= maxListed) return this.dropped("links")
    this.links = [...links, link]
    this.listed(size)
  }

  private listed(size: number): void {
    this.listedBytes += size
    this.size += size
  }

  private dropped(what: "events" | "links"): void {
    const key = `observability.dropped_${what}`
    const before = this.attributes?.get(key)
    this.addAttributes({ [key]: typeof before === "number" ? before + 1 : 1 })
  }

  get hasStatedError(): boolean {
    return this.statedError !== undefined
  }

  /** Replaces an error that was stated before; `undefined` takes it back. */
  stateError(error: Observation.ErrorDetails | undefined): void {
    this.size += sizeOfError(error) - sizeOfError(this.statedError)
    this.statedError = error
  }

  close(outcome: Outcome, durationMicros: number | undefined): void {
    this.status = outcome.status
    this.error = outcome.error
    this.durationMicros = durationMicros
    this.parent = this.openParent
    // exactly `closedRevision` if no snapshot was handed over before: then a store need not look for an earlier one
    this.revision = this.revision === 0 ? closedRevision - 1 : closedRevision
  }

  snapshot(): Observation.Span {
    this.revision++
    const { durationMicros, error, status } = this
    const entries = this.attributes?.handOver()
    if (this.statedError === undefined) {
      return new SpanSnapshot(this, this.revision, status, error, entries, durationMicros)
    }
    const standing = withStatedError({ status, error, entries }, this.statedError)
    return new SpanSnapshot(this, this.revision, standing.status, standing.error, standing.entries, durationMicros)
  }
}

const noModels: ReadonlyArray<string> = []

/** The memory cost of the fields of a span, without the values captured into it. */
const baseSize = 600

/** Made by a constructor and not as a literal: docs/decisions/0010. */
class SpanSnapshot implements Observation.Span {
  readonly _tag = "Span"
  readonly resource: Observation.Resource
  readonly traceId: TraceId
  readonly spanId: SpanId
  readonly parentSpanId: SpanId | undefined
  readonly parentIsRemote: boolean
  readonly userId: string | undefined
  readonly sessionId: string | undefined
  readonly kbId: string | undefined
  readonly revision: number
  readonly size: number
  readonly name: string
  readonly type: Observation.SpanType
  readonly kind: Observation.SpanKind | undefined
  readonly status: Observation.Status
  readonly error: Observation.ErrorDetails | undefined
  readonly startTimeUnixMicros: number
  readonly durationMicros: number | undefined
  readonly metrics: Observation.SpanMetrics | undefined
  readonly modelCall: Observation.ModelCall | undefined
  readonly links: ReadonlyArray<Observation.SpanLink> | undefined
  readonly events: ReadonlyArray<Observation.SpanEvent> | undefined
  readonly attributes: Observation.JsonObject | undefined
  readonly input: Observation.Json | undefined
  readonly output: Observation.Json | undefined

  constructor(
    span: OpenSpan,
    revision: number,
    status: Observation.Status,
    error: Observation.ErrorDetails | undefined,
    attributes: Observation.JsonObject | undefined,
    durationMicros: number | undefined
  ) {
    const { shared } = span
    this.resource = span.resource
    this.traceId = shared.traceId
    this.spanId = span.spanId
    this.parentSpanId = span.parentSpanId
    this.parentIsRemote = span.parentIsRemote
    this.userId = shared.userId
    this.sessionId = shared.sessionId
    this.kbId = shared.kbId
    this.revision = revision
    this.size = span.size
    this.name = span.name
    this.type = span.type
    this.kind = span.kind
    this.status = status
    this.error = error
    this.startTimeUnixMicros = span.startUnixMicros
    this.durationMicros = durationMicros
    this.metrics = span.metrics
    this.modelCall = span.modelCall
    this.links = span.links
    this.events = span.events
    this.attributes = attributes
    this.input = span.input
    this.output = span.output
  }
}
