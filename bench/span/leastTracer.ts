/**
 * The least that a tracer must do whose spans are to be delivered: it generates ids, and keeps seven fields of each
 * ended span until there are 4,000. They are then discarded.
 */
import type { Context, Exit, Option } from "effect"
import { Effect, Tracer } from "effect"
import { cryptographic } from "../../src/IdGenerator.ts"

export const leastTracer = (): Tracer.Tracer => {
  let kept: Array<Kept> = []
  return Tracer.make({
    context: Effect.runSync(Effect.tracer).context,
    span: (name, parent, context, links, startTime, kind) =>
      new LeastSpan(name, parent, context, links, startTime, kind, (span) => {
        kept.push(span)
        if (kept.length === 4_000) kept = []
      })
  })
}

// internal

class Kept {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly startTime: bigint
  readonly endTime: bigint
  readonly exit: Exit.Exit<unknown, unknown>

  constructor(span: LeastSpan, endTime: bigint, exit: Exit.Exit<unknown, unknown>) {
    this.traceId = span.traceId
    this.spanId = span.spanId
    this.parentSpanId = span.parent._tag === "Some" ? span.parent.value.spanId : undefined
    this.name = span.name
    this.startTime = span.status.startTime
    this.endTime = endTime
    this.exit = exit
  }
}

class LeastSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly context: Context.Context<never>
  readonly links: ReadonlyArray<Tracer.SpanLink>
  readonly kind: Tracer.SpanKind
  readonly spanId: string = cryptographic.spanId()
  readonly traceId: string
  readonly sampled = true
  readonly attributes = new Map<string, unknown>()
  status: Tracer.SpanStatus
  private readonly keep: (span: Kept) => void

  constructor(
    name: string,
    parent: Option.Option<Tracer.AnySpan>,
    context: Context.Context<never>,
    links: ReadonlyArray<Tracer.SpanLink>,
    startTime: bigint,
    kind: Tracer.SpanKind,
    keep: (span: Kept) => void
  ) {
    this.name = name
    this.parent = parent
    this.context = context
    this.links = links
    this.kind = kind
    this.traceId = parent._tag === "Some" ? parent.value.traceId : cryptographic.traceId(Date.now())
    this.status = { _tag: "Started", startTime }
    this.keep = keep
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
    this.keep(new Kept(this, endTime, exit))
  }

  attribute(): void {}

  event(): void {}

  addLinks(): void {}
}
