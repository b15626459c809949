/**
 * Propagates traces through anything that carries names and texts beside its content: the headers of a message, the
 * fields of a job, the data of a worker. The sender gets the headers from `inject` and attaches them; the receiver runs
 * its work with them, in `withMessage`.
 *
 * **Loss policy.** Nothing here fails. If its headers are refused, a message begins a trace of its own, and the span of
 * the work says why (`observability.refused`).
 *
 * @example
 * ```ts
 * import { ObservabilityService, Provider, withSpan, withTrace } from "effect-observability"
 * import * as MessagePropagation from "effect-observability/MessagePropagation"
 * import { Effect, Queue } from "effect"
 *
 * interface Job {
 *   readonly document: string
 *   readonly headers: Readonly<Record<string, string>>
 * }
 *
 * const memory = Provider.memory()
 *
 * const program = Effect.gen(function*() {
 *   // a queue of any kind, between two processes as a rule
 *   const jobs = yield* Queue.unbounded<Job>()
 *
 *   yield* MessagePropagation.inject().pipe(
 *     Effect.flatMap((headers) => Queue.offer(jobs, { document: "manual.pdf", headers })),
 *     withTrace("upload", { userId: "ada" })
 *   )
 *
 *   const { document, headers } = yield* Queue.take(jobs)
 *   yield* Effect.log(`parsing ${document}`).pipe(
 *     withSpan("parse", { type: "parse" }),
 *     MessagePropagation.withMessage("process document", headers)
 *   )
 * })
 *
 * Effect.runPromise(program.pipe(Effect.provide(ObservabilityService.layerMemory(memory)))).then(() => {
 *   // one trace
 *   console.log(new Set(memory.records.map((record) => record.traceId)).size)
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Tracer from "effect/Tracer"
import * as Baggage from "./Baggage.ts"
import type * as Input from "./Input.ts"
import type * as Carrier from "./internal/propagation/carrier.ts"
import { read, write } from "./internal/propagation/carrier.ts"
import type { ObservabilityService } from "./ObservabilityService.ts"
import { withSpan } from "./Span.ts"
import type { Headers } from "./TraceContext.ts"
import { Current, TraceContext } from "./TraceContext.ts"

/**
 * Limits for the trace state and baggage that a message carries.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends Carrier.CarrierOptions {}

/**
 * The contents of a message's headers: the sender's trace context and baggage.
 *
 * @since 0.1.0
 * @category models
 */
export interface Received extends Carrier.Received {}

/**
 * The headers that carry the current trace and its baggage. Outside of any trace, there are no headers.
 *
 * @since 0.1.0
 * @category conversions
 */
export const inject = (options?: Options): Effect.Effect<Readonly<Record<string, string>>> =>
  Effect.withFiberRuntime((fiber) => {
    const context = TraceContext.unsafeCurrent(fiber)
    return Effect.succeed(context === undefined ? {} : write(context, Baggage.unsafeCurrent(fiber), options))
  })

/**
 * Reads the headers of a message. `withMessage` reads them and also runs an effect in a span.
 *
 * @since 0.1.0
 * @category conversions
 */
export const extract = (headers: Headers, options?: Options): Received => read(headers, options)

/**
 * Runs an effect that processes a message with the message's baggage, in a span of kind `consumer` that continues the
 * message's trace. A message without a trace begins one.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withMessage: {
  (
    name: string,
    headers: Headers,
    options?: Options & Input.SpanOptions
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | ObservabilityService>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    name: string,
    headers: Headers,
    options?: Options & Input.SpanOptions
  ): Effect.Effect<A, E, R | ObservabilityService>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    name: string,
    headers: Headers,
    options?: Options & Input.SpanOptions
  ): Effect.Effect<A, E, R | ObservabilityService> =>
    Effect.suspend(() => {
      const { baggage, context, refused } = extract(headers, options)
      const refusals = refused.map(({ message }) => message)
      return self.pipe(
        withSpan(name, {
          ...options,
          kind: options?.kind ?? "consumer",
          attributes: refusals.length === 0
            ? options?.attributes
            : { ...options?.attributes, "observability.refused": refusals }
        }),
        context === undefined ? outsideOfSpans : Effect.provideService(Current, context),
        Baggage.withBaggage(baggage)
      )
    })
)

// internal

/** Runs outside of any trace and any native span: without an ambient context, the native span would be the parent. */
const outsideOfSpans = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  self.pipe(
    Effect.provideService(Current, undefined),
    Effect.mapInputContext((around: Context.Context<R>) =>
      Context.omit(Tracer.ParentSpan)(around) as Context.Context<R>
    )
  )
