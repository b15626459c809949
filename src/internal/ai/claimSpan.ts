/**
 * Finds the native span that `@effect/ai` makes for a call, on which the vendor's package writes request and response
 * attributes. The current tracer still makes this span, and keeps it.
 */
import * as Context from "effect/Context"
import * as DefaultServices from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import { recordedElsewhere } from "../recordedElsewhere.ts"

export class SpanClaim {
  /** The attributes that the vendor's package has written so far; empty if the program has switched its tracer off. */
  get attributes(): ReadonlyMap<string, unknown> {
    return this.span?.attributes ?? empty
  }

  private readonly tracer: Tracer.Tracer
  private span: Tracer.Span | undefined

  /** @param prefix claims the first span whose name starts with this prefix */
  constructor(fiber: Fiber.RuntimeFiber<unknown, unknown>, prefix: string) {
    const delegate = Context.get(fiber.getFiberRef(DefaultServices.currentServices), Tracer.Tracer)
    this.tracer = Tracer.make({
      context: (execute, fiber) => delegate.context(execute, fiber),
      span: (name, parent, context, links, startTime, kind, options) => {
        const isWanted = this.span === undefined && name.startsWith(prefix)
        const stated = isWanted ? { ...options, attributes: recordedElsewhere(options?.attributes) } : options
        const span = delegate.span(name, parent, context, links, startTime, kind, stated)
        if (isWanted) this.span = span
        return span
      }
    })
  }

  within<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.withTracer(effect, this.tracer)
  }
}

// internal

const empty: ReadonlyMap<string, unknown> = new Map()
