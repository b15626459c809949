/** A span that is running, or was when it was last heard of. */
import type * as Observation from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import type { TraceContext } from "../../TraceContext.ts"
import type { Outcome } from "../outcome.ts"
import { OpenRecord } from "./intake.ts"
import { maxListed } from "./limits.ts"
import type { OpenTrace } from "./openTrace.ts"
import type { Timeline } from "./timeline.ts"

export class OpenSpan extends OpenRecord implements SpanHandle {
  readonly resource: Observation.Resource
  readonly context: TraceContext
  /** Whether its parent is a span of another process. */
  readonly parentIsRemote: boolean
  name: string
  readonly type: Observation.SpanType
  readonly timeline: Timeline
  readonly startUnixMicros: number
  /** The trace it counts into, where this process runs it. */
  readonly trace: OpenTrace | undefined
  /** Whether the trace was begun for this span alone, and ends with it. */
  readonly ownsTrace: boolean
  kind: Observation.SpanKind | undefined
  links: ReadonlyArray<Observation.SpanLink> | undefined
  events: ReadonlyArray<Observation.SpanEvent> | undefined
  attributes: Observation.JsonObject | undefined
  input: Observation.Json | undefined
  output: Observation.Json | undefined
  metrics: Observation.SpanMetrics | undefined
  modelCall: Observation.ModelCall | undefined
  /** Whether a span below it holds tokens. */
  tokensBelow = false
  /** Whether a span below it holds a cost. */
  costBelow = false
  size = baseSize
  private parent: OpenSpan | undefined
  private status: Observation.Status = "in_progress"
  private error: Observation.ErrorDetails | undefined
  private durationMicros: number | undefined
  private revision = 0

  constructor(
    resource: Observation.Resource,
    context: TraceContext,
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
    this.context = context
    this.parent = parent
    this.parentIsRemote = parentIsRemote
    this.name = name
    this.type = type
    this.timeline = timeline
    this.startUnixMicros = startUnixMicros
    this.trace = trace
    this.ownsTrace = ownsTrace
  }

  get traceId() {
    return this.context.traceId
  }

  get spanId() {
    return this.context.spanId
  }

  get isOpen(): boolean {
    return this.status === "in_progress"
  }

  /** The nearest span above it that has not ended. Those that have are let go: a chain of daemons may have no end. */
  get openParent(): OpenSpan | undefined {
    while (this.parent !== undefined && !this.parent.isOpen) this.parent = this.parent.parent
    return this.parent
  }

  addAttributes(attributes: Observation.JsonObject | undefined): void {
    if (attributes !== undefined) this.attributes = { ...this.attributes, ...attributes }
  }

  /** Events and links beyond the limit are only counted, as OpenTelemetry's limits have it. */
  addEvent(event: Observation.SpanEvent): void {
    if ((this.events?.length ?? 0) < maxListed) this.events = [...this.events ?? [], event]
    else this.dropped("events")
  }

  addLink(link: Observation.SpanLink): void {
    if ((this.links?.length ?? 0) < maxListed) this.links = [...this.links ?? [], link]
    else this.dropped("links")
  }

  private dropped(what: "events" | "links"): void {
    const key = `observability.dropped_${what}`
    const before = this.attributes?.[key]
    this.addAttributes({ [key]: typeof before === "number" ? before + 1 : 1 })
  }

  close(outcome: Outcome, durationMicros: number | undefined): void {
    this.status = outcome.status
    this.error = outcome.error
    this.durationMicros = durationMicros
    this.parent = this.openParent
    // the first closed one is for what nobody has heard of yet: a store need not look for an earlier snapshot of it
    this.revision = this.revision === 0 ? closedRevision - 1 : closedRevision
  }

  snapshot(): Observation.Span {
    this.revision++
    const { context } = this
    return {
      _tag: "Span",
      resource: this.resource,
      traceId: context.traceId,
      spanId: context.spanId,
      parentSpanId: context.parentSpanId,
      parentIsRemote: this.parentIsRemote,
      userId: context.userId,
      sessionId: context.sessionId,
      kbId: context.kbId,
      revision: this.revision,
      size: this.size,
      name: this.name,
      type: this.type,
      kind: this.kind,
      status: this.status,
      error: this.error,
      startTimeUnixMicros: this.startUnixMicros,
      durationMicros: this.durationMicros,
      metrics: this.metrics,
      modelCall: this.modelCall,
      links: this.links,
      events: this.events,
      attributes: this.attributes,
      input: this.input,
      output: this.output
    }
  }
}

/** What the fields of a span cost in memory, beside what was captured into it. */
const baseSize = 600
