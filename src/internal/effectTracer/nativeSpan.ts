/**
 * A span of Effect's tracer that this library records. It takes the place of Effect's own span, with the same fields,
 * so that loggers, `Effect.currentSpan` and other readers of spans find the fields they know.
 */
import type * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"
import type { Service } from "../../ObservabilityService.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import { placeOfSpan, type SpanPlace } from "../../TraceContext.ts"
import { record } from "./record.ts"

export class NativeSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly name: string
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly context: Context.Context<never>
  readonly kind: Tracer.SpanKind
  readonly spanId: string
  readonly traceId: string
  status: Tracer.SpanStatus
  readonly [placeOfSpan]: SpanPlace
  links: ReadonlyArray<Tracer.SpanLink>
  /** Made on demand: most spans have no attributes. */
  private map: Map<string, unknown> | undefined
  private readonly service: Service
  private readonly fiber: Fiber.RuntimeFiber<unknown, unknown>
  private readonly handle: SpanHandle

  constructor(
    service: Service,
    fiber: Fiber.RuntimeFiber<unknown, unknown>,
    handle: SpanHandle,
    place: SpanPlace,
    name: string,
    parent: Option.Option<Tracer.AnySpan>,
    context: Context.Context<never>,
    links: ReadonlyArray<Tracer.SpanLink>,
    startTime: bigint,
    kind: Tracer.SpanKind
  ) {
    this.service = service
    this.fiber = fiber
    this.handle = handle
    this[placeOfSpan] = place
    this.name = name
    this.parent = parent
    this.context = context
    this.links = links
    this.kind = kind
    this.spanId = handle.spanId
    this.traceId = handle.traceId
    this.status = { _tag: "Started", startTime }
  }

  /** Read by code that passes the span on, which needs the span's context, too. */
  get sampled(): boolean {
    return this[placeOfSpan].context.sampled
  }

  get attributes(): Map<string, unknown> {
    return this.map ??= new Map()
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    this.status = { _tag: "Ended", startTime: this.status.startTime, endTime, exit }
    record.end(this.service, this.fiber, this.handle, endTime, exit)
  }

  attribute(key: string, value: unknown): void {
    this.attributes.set(key, value)
    record.attribute(this.service, this.handle, key, value)
  }

  event(name: string, startTime: bigint, attributes?: Record<string, unknown>): void {
    record.event(this.service, this.fiber, this.handle, name, startTime, attributes)
  }

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    this.links = [...this.links, ...links]
    record.links(this.service, this.handle, links)
  }
}
