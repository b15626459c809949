/**
 * Keeps what is open, and turns what happens into records. Synchronous: it runs on the application's fiber, and does
 * nothing there but build data and push it.
 */
import type * as Clock from "effect/Clock"
import type * as Exit from "effect/Exit"
import { type SpanId, type TraceId, unixMillisOf } from "../../Identifier.ts"
import type { Generator } from "../../IdGenerator.ts"
import type * as Input from "../../Input.ts"
import type * as Observation from "../../Observation.ts"
import { closedRevision } from "../../Observation.ts"
import { TraceContext } from "../../TraceContext.ts"
import type { CaptureLimits } from "../capture.ts"
import { capture, captureObject, cutString, sizeOfString } from "../capture.ts"
import type { Outcome } from "../outcome.ts"
import * as Outcomes from "../outcome.ts"
import type { Priced } from "../pricing/priceOf.ts"
import type { Intake } from "./intake.ts"
import { OpenSpan } from "./openSpan.ts"
import { OpenTrace } from "./openTrace.ts"
import { Plausible } from "./plausible.ts"
import { Timeline, Timelines } from "./timeline.ts"

export interface RecorderOptions {
  readonly resource: Observation.Resource
  readonly limits: CaptureLimits
  /** How many open spans, and traces, are remembered so that closing the layer can end them. */
  readonly maxOpen: number
  readonly intake: Intake
  /** What a call that began then cost; `undefined` when it is not known. */
  readonly price?: ((call: Observation.ModelCall, startTimeUnixMicros: number) => Priced | undefined) | undefined
}

/** The clock and the ids of the fiber on which something happens. */
export interface Ambient {
  readonly clock: Clock.Clock
  readonly generator: Generator
}

/** What is known of a span that somebody else has made already. */
export interface Origin {
  /** For a span without a parent: the trace that it begins. */
  readonly traceId?: TraceId | undefined
  readonly spanId?: SpanId | undefined
  readonly sampled?: boolean | undefined
  /** Nanoseconds of the fiber's clock. */
  readonly startTimeNanos?: bigint | undefined
}

export class Recorder {
  private readonly resource: Observation.Resource
  private readonly limits: CaptureLimits
  private readonly maxOpen: number
  private readonly intake: Intake
  private readonly price: RecorderOptions["price"]
  private readonly traces = new Map<string, OpenTrace>()
  /** Those for which there was no room, for as long as the program that is to end them holds their context. */
  private readonly forgotten = new WeakMap<TraceContext, OpenTrace>()
  private readonly spans = new Map<string, OpenSpan>()
  private readonly timelines = new Timelines()
  private sequence = 0

  constructor(options: RecorderOptions) {
    this.resource = options.resource
    this.limits = options.limits
    this.maxOpen = options.maxOpen
    this.intake = options.intake
    this.price = options.price
  }

  get openSpans(): number {
    return this.spans.size
  }

  get openTraces(): number {
    return this.traces.size
  }

  startTrace(ambient: Ambient, input: Input.Trace): TraceContext {
    return this.beginTrace(ambient, input).context
  }

  endTrace(ambient: Ambient, context: TraceContext, end: Input.TraceEnd, outcome = outcomeOf(end)): void {
    const known = this.openTrace(context)
    const trace = known ?? this.foreignTrace(ambient, context)
    this.traces.delete(context.traceId)
    this.forgotten.delete(context)
    const plausible = new Plausible()
    const stated = {
      inputTokens: plausible.count("inputTokens", end.inputTokens),
      outputTokens: plausible.count("outputTokens", end.outputTokens),
      costUsd: plausible.cost(end.costUsd)
    }
    const isStated = (stated.inputTokens ?? stated.outputTokens ?? stated.costUsd) !== undefined
    const duration = plausible.micros("duration", end.duration) ?? elapsedMicros(trace, known === undefined, ambient)
    if (end.metadata !== undefined) trace.metadata = this.merged(trace, trace.metadata, end.metadata)
    if (end.output !== undefined) trace.output = this.taken(trace, trace.output, end.output)
    trace.addMetadata(plausible.report(trace.metadata))
    trace.close(outcome, duration, isStated ? stated : undefined)
    trace.size += sizeOfError(outcome.error)
    this.intake.pushOpen(trace, trace.size)
  }

  /** Ends a trace that a region of the program began, unless the program has ended it itself. */
  endTraceOfRegion(ambient: Ambient, context: TraceContext, exit: Exit.Exit<unknown, unknown>): void {
    if (this.openTrace(context) !== undefined) this.endTrace(ambient, context, {}, Outcomes.fromExit(exit))
  }

  /** Starts a span below `parent`, or, without one, in a trace of its own that ends with it. */
  startSpan(
    ambient: Ambient,
    parent: TraceContext | undefined,
    name: string,
    options: Input.SpanOptions | undefined,
    origin?: Origin | undefined
  ): OpenSpan {
    const span = this.beginSpan(ambient, parent, name, options?.type ?? "span", undefined, origin)
    if (options !== undefined) {
      span.kind = options.kind
      if (options.links !== undefined) { for (const link of options.links) this.addLink(span, link) }
      if (options.attributes !== undefined) span.addAttributes(this.takeObject(span, options.attributes))
      if (options.input !== undefined) span.input = this.take(span, options.input)
    }
    this.spans.set(span.spanId, span)
    if (this.spans.size > this.maxOpen) forgetOldest(this.spans)
    this.intake.pushOpen(span, span.size)
    return span
  }

  /** @param endTimeNanos of the fiber's clock; now if absent */
  endSpan(ambient: Ambient, span: OpenSpan, exit: Exit.Exit<unknown, unknown>, endTimeNanos?: bigint): void {
    const end = endTimeNanos === undefined ? span.timeline.now(ambient.clock) : span.timeline.at(endTimeNanos)
    this.finishSpan(ambient, span, Outcomes.fromExit(exit), end - span.startUnixMicros)
  }

  addEvent(ambient: Ambient, span: OpenSpan, event: Input.SpanEvent): void {
    const { timeline } = span
    span.addEvent({
      name: cutString(event.name, maxNameLength),
      timeUnixMicros: event.timeNanos === undefined ? timeline.now(ambient.clock) : timeline.at(event.timeNanos),
      attributes: event.attributes === undefined ? {} : this.takeObject(span, event.attributes)
    })
    span.size += listedSize
    this.intake.pushOpen(span, span.size)
  }

  addLink(span: OpenSpan, { attributes, context }: Input.SpanLink): void {
    span.addLink({
      traceId: context.traceId,
      spanId: context.spanId,
      attributes: attributes === undefined ? {} : this.takeObject(span, attributes)
    })
    span.size += listedSize
    if (span.isOpen) return
    this.intake.pushOpen(span, span.size)
  }

  /** Adds to a span, also to one that is over: the record is then written once more. */
  updateSpan(span: OpenSpan, update: Input.SpanUpdate): void {
    const plausible = new Plausible()
    const before = span.modelCall
    this.applyUpdate(span, update, plausible)
    span.addAttributes(plausible.report(span.attributes))
    if (!span.isOpen && span.modelCall !== undefined) {
      if (isOtherCall(span.modelCall, before)) this.setPrice(span, span.modelCall)
      this.countLate(span, span.modelCall, before)
    }
    this.intake.pushOpen(span, span.size)
  }

  /** Adds to the span or the trace that a context stands in. */
  annotate(context: TraceContext, update: Input.SpanUpdate): void {
    const span = this.spans.get(context.spanId)
    if (span !== undefined) return this.updateSpan(span, update)
    const trace = this.traces.get(context.traceId)
    if (trace === undefined || trace.context.spanId !== context.spanId) return
    if (update.attributes !== undefined) trace.metadata = this.merged(trace, trace.metadata, update.attributes)
    if (update.input !== undefined) trace.input = this.taken(trace, trace.input, update.input)
    if (update.output !== undefined) trace.output = this.taken(trace, trace.output, update.output)
    this.intake.pushOpen(trace, trace.size)
  }

  logLlmCall(ambient: Ambient, parent: TraceContext | undefined, call: Input.LlmCall): void {
    const plausible = new Plausible()
    const latency = plausible.micros("latency", call.latency)
    const span = this.beginSpan(ambient, parent, call.name ?? `chat ${call.model}`, "llm", latency)
    this.applyUpdate(span, call, plausible)
    span.addAttributes(plausible.report())
    const outcome: Outcome = call.error === undefined
      ? Outcomes.success
      : { status: "error", error: Outcomes.errorDetails(call.error) }
    this.finishSpan(ambient, span, outcome, latency)
  }

  logChatMessage(ambient: Ambient, parent: TraceContext | undefined, message: Input.ChatMessage): void {
    this.within(ambient, parent, `chat message ${message.role}`, (context, timeUnixMicros) => {
      const plausible = new Plausible()
      const sizes = { size: baseSize }
      const record: Observation.ChatMessage = {
        _tag: "ChatMessage",
        ...this.common(context),
        messageId: ambient.generator.spanId(),
        timeUnixMicros,
        sequence: this.sequence++,
        role: message.role,
        content: this.take(sizes, message.content),
        turnNumber: plausible.count("turnNumber", message.turnNumber),
        sources: message.sources === undefined ? undefined : this.take(sizes, message.sources),
        citations: message.citations === undefined ? undefined : this.take(sizes, message.citations),
        tokens: plausible.count("tokens", message.tokens),
        model: message.model,
        responseTimeMicros: plausible.micros("responseTime", message.responseTime),
        metadata: merge(
          message.metadata === undefined ? undefined : this.takeObject(sizes, message.metadata),
          plausible.report()
        ),
        size: sizes.size
      }
      this.intake.push(record, record.size)
    })
  }

  logDocumentEvent(ambient: Ambient, parent: TraceContext | undefined, event: Input.DocumentEvent): void {
    this.within(ambient, parent, `document ${event.eventType}`, (context, timeUnixMicros) => {
      const plausible = new Plausible()
      const sizes = { size: baseSize }
      const retryCount = plausible.count("retryCount", event.retryCount)
      const details = event.error === undefined ? undefined : Outcomes.errorDetails(event.error)
      sizes.size += sizeOfError(details)
      const record: Observation.DocumentEvent = {
        _tag: "DocumentEvent",
        ...this.common(context),
        eventId: ambient.generator.spanId(),
        timeUnixMicros,
        sequence: this.sequence++,
        documentId: event.documentId,
        documentName: event.documentName,
        eventType: event.eventType,
        status: event.status,
        durationMicros: plausible.micros("duration", event.duration),
        metrics: event.metrics === undefined ? undefined : this.takeObject(sizes, event.metrics),
        error: details === undefined ? undefined : { ...details, retryable: event.retryable, retryCount },
        metadata: merge(
          event.metadata === undefined ? undefined : this.takeObject(sizes, event.metadata),
          plausible.report()
        ),
        size: sizes.size
      }
      this.intake.push(record, record.size)
    })
  }

  /** Ends everything that is still open, children before their parents, as interrupted. */
  endAll(ambient: Ambient): void {
    for (const span of Array.from(this.spans.values()).reverse()) {
      this.finishSpan(ambient, span, Outcomes.interrupted, span.timeline.now(ambient.clock) - span.startUnixMicros)
    }
    for (const trace of Array.from(this.traces.values()).reverse()) {
      this.endTrace(ambient, trace.context, {}, Outcomes.interrupted)
    }
  }

  private openTrace(context: TraceContext): OpenTrace | undefined {
    return this.traces.get(context.traceId) ?? this.forgotten.get(context)
  }

  /** A trace that another process began: what this one does not know stays as the other has it. */
  private foreignTrace(ambient: Ambient, context: TraceContext): OpenTrace {
    const startMillis = unixMillisOf(context.traceId)
    const timeline = startMillis === undefined
      ? this.timelines.start(ambient.clock)
      : new Timeline(startMillis * 1_000, ambient.clock.unsafeCurrentTimeNanos())
    return new OpenTrace(this.resource, context, timeline, undefined, undefined, undefined)
  }

  /** @param elapsedMicros how long ago the trace started */
  private beginTrace(ambient: Ambient, input: Input.Trace, elapsedMicros = 0, origin?: Origin): OpenTrace {
    const timeline = this.timelines.start(ambient.clock).from(elapsedMicros)
    const traceId = origin?.traceId
    const { generator } = ambient
    const trace = new OpenTrace(
      this.resource,
      // the id carries the start, to the millisecond: another process finds the trace by it
      TraceContext.unsafeRoot(
        traceId === undefined ? generator : { ...generator, traceId: () => traceId },
        timeline.startUnixMicros / 1_000,
        origin?.sampled === undefined ? input : { ...input, sampled: origin.sampled }
      ),
      timeline,
      cutString(input.name, maxNameLength),
      input.operationType,
      input.tags === undefined ? undefined : Array.from(input.tags, String)
    )
    if (input.metadata !== undefined) trace.metadata = this.takeObject(trace, input.metadata)
    if (input.input !== undefined) trace.input = this.take(trace, input.input)
    this.traces.set(trace.context.traceId, trace)
    if (this.traces.size > this.maxOpen) {
      const oldest = forgetOldest(this.traces)
      if (oldest !== undefined) this.forgotten.set(oldest.context, oldest)
    }
    this.intake.pushOpen(trace, trace.size)
    return trace
  }

  /** @param elapsedMicros how long ago the span started; `undefined` for one that starts now */
  private beginSpan(
    ambient: Ambient,
    parent: TraceContext | undefined,
    name: string,
    type: Observation.SpanType,
    elapsedMicros: number | undefined,
    origin?: Origin | undefined
  ): OpenSpan {
    const start = origin?.startTimeNanos
    const trace = parent === undefined
      ? this.beginTrace(ambient, { name }, elapsedMicros ?? elapsedSince(start, ambient), origin)
      : this.traces.get(parent.traceId)
    const timeline = trace?.timeline ?? this.timelines.start(ambient.clock)
    const spanId = origin?.spanId
    const context = TraceContext.unsafeChild(
      parent ?? trace!.context,
      spanId === undefined ? ambient.generator : { ...ambient.generator, spanId: () => spanId }
    )
    return new OpenSpan(
      this.resource,
      context,
      parent?.isRemote === true,
      cutString(name, maxNameLength),
      type,
      timeline,
      (start === undefined ? timeline.now(ambient.clock) : timeline.at(start)) - (elapsedMicros ?? 0),
      trace,
      parent === undefined
    )
  }

  private finishSpan(ambient: Ambient, span: OpenSpan, outcome: Outcome, durationMicros: number | undefined): void {
    if (!span.isOpen) return
    span.close(outcome, durationMicros)
    span.size += sizeOfError(outcome.error)
    this.spans.delete(span.spanId)
    if (span.modelCall !== undefined) this.countUsage(span, this.setPrice(span, span.modelCall))
    this.intake.pushOpen(span, span.size)
    if (span.ownsTrace && span.trace !== undefined && this.openTrace(span.trace.context) !== undefined) {
      this.endTrace(ambient, span.trace.context, {}, outcome)
    }
  }

  /** The cost is computed unless the program stated it. Figures that repeat those of a span below are no call's. */
  private setPrice(span: OpenSpan, call: Observation.ModelCall): Observation.ModelCall {
    if (call.isSubtotal || call.costUsd !== undefined && call.priceId === undefined) return call
    const priced = this.price?.(call, span.startUnixMicros)
    if (priced === undefined && call.costUsd === undefined) return call
    span.modelCall = { ...call, costUsd: priced?.costUsd, priceId: priced?.price.id }
    return span.modelCall
  }

  /** Figures count once: where a span below holds them too, those above are only repeated. */
  private countUsage(span: OpenSpan, call: Observation.ModelCall): void {
    if (call.usage === undefined && call.costUsd === undefined) return
    if (!call.isSubtotal) span.trace?.add(call.usage, call.costUsd)
    let above = span.context.parentSpanId
    while (above !== undefined) {
      const ancestor = this.spans.get(above)
      if (ancestor === undefined || ancestor.usageBelow) return
      ancestor.usageBelow = true
      above = ancestor.context.parentSpanId
    }
  }

  /** What is found out about a call that is over counts, too: once, and not what was counted when it ended. */
  private countLate(span: OpenSpan, call: Observation.ModelCall, before: Observation.ModelCall | undefined): void {
    this.countUsage(span, {
      ...call,
      usage: before?.usage === undefined ? call.usage : undefined,
      costUsd: before?.costUsd === undefined ? call.costUsd : undefined
    })
  }

  private applyUpdate(span: OpenSpan, update: Input.SpanUpdate, plausible: Plausible): void {
    if (update.name !== undefined) span.name = cutString(update.name, maxNameLength)
    if (update.attributes !== undefined) span.attributes = this.merged(span, span.attributes, update.attributes)
    if (update.input !== undefined) span.input = this.taken(span, span.input, update.input)
    if (update.output !== undefined) span.output = this.taken(span, span.output, update.output)
    span.metrics = metricsOf(span.metrics, update, plausible)
    const call = modelCallOf(span.modelCall, update, plausible)
    // one that is over has been told already whether it repeats what is below it
    span.modelCall = call !== undefined && !span.isOpen && span.usageBelow ? { ...call, isSubtotal: true } : call
  }

  /** Runs with the given context, or in a trace of its own where there is none. */
  private within(
    ambient: Ambient,
    parent: TraceContext | undefined,
    name: string,
    record: (context: TraceContext, timeUnixMicros: number) => void
  ): void {
    if (parent !== undefined) {
      const timeline = this.traces.get(parent.traceId)?.timeline ?? this.timelines.start(ambient.clock)
      return record(parent, timeline.now(ambient.clock))
    }
    const trace = this.beginTrace(ambient, { name })
    record(trace.context, trace.timeline.now(ambient.clock))
    this.endTrace(ambient, trace.context, {})
  }

  private common(context: TraceContext) {
    return {
      resource: this.resource,
      traceId: context.traceId,
      spanId: context.spanId,
      userId: context.userId,
      sessionId: context.sessionId,
      kbId: context.kbId,
      // messages and events are over when they happen
      revision: closedRevision
    }
  }

  /** Takes a value in the place of another, which costs nothing any more. */
  private taken(sized: { size: number }, known: Observation.Json | undefined, value: unknown): Observation.Json {
    if (known !== undefined) sized.size -= sizeOf(known)
    return this.take(sized, value)
  }

  /** Takes entries beside those that are there, and in the place of those of the same name. */
  private merged(
    sized: { size: number },
    known: Observation.JsonObject | undefined,
    value: Input.Attributes
  ): Observation.JsonObject {
    const added = this.takeObject(sized, value)
    if (known === undefined) return added
    // the object that the entries came in goes, too
    const replaced = Object.keys(added).filter((key) => Object.hasOwn(known, key)).map((key) => [key, known[key]!])
    sized.size -= sizeOf(Object.fromEntries(replaced))
    return { ...known, ...added }
  }

  private take(sized: { size: number }, value: unknown): Observation.Json {
    if (
      typeof value === "string" && value.length <= this.limits.maxStringLength &&
      2 * value.length <= this.limits.maxBytes
    ) {
      sized.size += sizeOfString(value)
      return value
    }
    const captured = capture(value, this.limits)
    sized.size += captured.size
    return captured.value
  }

  private takeObject(sized: { size: number }, value: Input.Attributes): Observation.JsonObject {
    const captured = captureObject(value, this.limits)
    sized.size += captured.size
    return captured.value
  }
}

const maxNameLength = 1_000

/** What an event or a link costs in memory, beside its attributes. */
const listedSize = 100

/** What was captured costs as much when it is captured again. */
const sizeOf = (captured: Observation.Json): number =>
  typeof captured === "string" ? sizeOfString(captured) : capture(captured, unlimited).size

const unlimited: CaptureLimits = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxEntries: Number.POSITIVE_INFINITY,
  maxStringLength: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY
}

const sizeOfError = (error: Observation.ErrorDetails | undefined): number =>
  error === undefined
    ? 0
    : sizeOfString(error.type) + sizeOfString(error.message) + sizeOfString(error.cause ?? "")

const elapsedSince = (startNanos: bigint | undefined, { clock }: Ambient): number | undefined =>
  startNanos === undefined
    ? undefined
    : Math.max(Math.floor(Number(clock.unsafeCurrentTimeNanos() - startNanos) / 1_000), 0)

/** A trace of another process has a start to count from only when its id carries one. */
const elapsedMicros = (trace: OpenTrace, isForeign: boolean, { clock }: Ambient): number | undefined => {
  if (!isForeign) return trace.timeline.now(clock) - trace.timeline.startUnixMicros
  const startMillis = unixMillisOf(trace.context.traceId)
  if (startMillis === undefined) return undefined
  const elapsedMillis = clock.unsafeCurrentTimeMillis() - startMillis
  return elapsedMillis >= 0 ? elapsedMillis * 1_000 : undefined
}

/** What the fields of a message or an event cost in memory, beside what was captured into it. */
const baseSize = 500

const forgetOldest = <A>(records: Map<string, A>): A | undefined => {
  for (const [key, record] of records) {
    records.delete(key)
    return record
  }
  return undefined
}

const merge = (
  left: Observation.JsonObject | undefined,
  right: Observation.JsonObject | undefined
): Observation.JsonObject | undefined => left === undefined ? right : right === undefined ? left : { ...left, ...right }

const outcomeOf = (end: Input.TraceEnd): Outcome => {
  const details = end.error === undefined ? undefined : Outcomes.errorDetails(end.error)
  const isError = details !== undefined || end.errorType !== undefined || end.errorMessage !== undefined
  const status = end.status ?? (isError ? "error" : "success")
  return {
    status,
    error: status === "error"
      ? {
        type: end.errorType ?? details?.type ?? "unknown",
        message: end.errorMessage ?? details?.message ?? "",
        cause: details?.cause
      }
      : undefined
  }
}

const metricsOf = (
  known: Observation.SpanMetrics | undefined,
  update: Input.SpanUpdate,
  plausible: Plausible
): Observation.SpanMetrics | undefined => {
  const { chunkCount, pageCount, resultCount, topScore } = update
  if ((resultCount ?? topScore ?? pageCount ?? chunkCount) === undefined) return known
  return {
    resultCount: plausible.count("resultCount", resultCount) ?? known?.resultCount,
    topScore: plausible.finite("topScore", topScore) ?? known?.topScore,
    pageCount: plausible.count("pageCount", pageCount) ?? known?.pageCount,
    chunkCount: plausible.count("chunkCount", chunkCount) ?? known?.chunkCount
  }
}

/** Whether what the price depends on has changed. */
const isOtherCall = (call: Observation.ModelCall, before: Observation.ModelCall | undefined): boolean =>
  call.usage !== before?.usage || call.model !== before?.model || call.provider !== before?.provider

const modelCallOf = (
  known: Observation.ModelCall | undefined,
  update: Input.SpanUpdate,
  plausible: Plausible
): Observation.ModelCall | undefined => {
  const {
    completionTokens,
    costUsd,
    finishReason,
    model,
    promptTokens,
    provider,
    temperature,
    timeToFirstToken,
    usage
  } = update
  if (
    (model ?? provider ?? temperature ?? finishReason ?? timeToFirstToken ?? usage ?? promptTokens ??
      completionTokens ?? costUsd) === undefined
  ) {
    return known
  }
  const statedUsd = plausible.cost(costUsd)
  return {
    provider: provider ?? known?.provider,
    model: model ?? known?.model,
    temperature: plausible.finite("temperature", temperature) ?? known?.temperature,
    finishReason: finishReason ?? known?.finishReason,
    timeToFirstTokenMicros: plausible.micros("timeToFirstToken", timeToFirstToken) ?? known?.timeToFirstTokenMicros,
    usage: plausible.usage(update, known?.usage),
    costUsd: statedUsd ?? known?.costUsd,
    priceId: statedUsd === undefined ? known?.priceId : undefined,
    isSubtotal: false
  }
}
