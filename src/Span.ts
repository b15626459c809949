/**
 * Traces and spans around programs. The combinators read and set the ambient `TraceContext`, so nesting needs no
 * parameter. They do not change a program's result, error, defect or interruption, add nothing to its errors, and add
 * only `ObservabilityService` to its requirements.
 *
 * @example
 * ```ts
 * import { ObservabilityService, Provider, withSpan, withTrace } from "effect-observability"
 * import { Effect } from "effect"
 *
 * const memory = Provider.memory()
 *
 * const retrieve = Effect.succeed(["a passage"]).pipe(withSpan("retrieve", { type: "retrieval" }))
 *
 * const answer = retrieve.pipe(withTrace("chat", { userId: "ada" }))
 *
 * Effect.runPromise(answer.pipe(Effect.provide(ObservabilityService.layerMemory(memory)))).then(() => {
 *   for (const record of memory.records) if (record._tag === "Span") console.log(record.name, record.status)
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Input from "./Input.ts"
import { acquireSpan, afterSpan, unrecordedSpan } from "./internal/acquireSpan.ts"
import { runIn } from "./internal/region.ts"
import { observeStream } from "./internal/streamRegion.ts"
import { runWithSubjects } from "./internal/withSubjects.ts"
import { ObservabilityService } from "./ObservabilityService.ts"
import type { SpanHandle } from "./SpanHandle.ts"
import type { Subjects } from "./TraceContext.ts"
import { Current, TraceContext } from "./TraceContext.ts"

/**
 * Starts a span below the ambient context. It ends with the scope, with the status of the scope's `Exit`.
 *
 * The span does not become the ambient context by itself: run effects that are to be nested below it in
 * `withTraceContext(handle.context)`. If the span covers one effect, `withSpan` is shorter and faster.
 *
 * @since 0.1.0
 * @category constructors
 */
export const span = (
  name: string,
  options?: Input.SpanOptions
): Effect.Effect<SpanHandle, never, ObservabilityService | Scope.Scope> =>
  Effect.flatMap(ObservabilityService, (service) =>
    service.enabled
      ? acquireSpan(service, TraceContext.unsafeCurrent, name, options)
      : Effect.withFiberRuntime((fiber) => unrecordedSpan(TraceContext.unsafeCurrent(fiber), name, options)))

/**
 * Runs an effect in a span below the ambient context; without one, in a trace of its own with the same name.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withSpan: {
  (
    name: string,
    options?: Input.SpanOptions
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | ObservabilityService>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    name: string,
    options?: Input.SpanOptions
  ): Effect.Effect<A, E, R | ObservabilityService>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    name: string,
    options?: Input.SpanOptions
  ): Effect.Effect<A, E, R | ObservabilityService> =>
    runIn({
      begin: (service, fiber, parent) => service.unsafe.startSpan(fiber, parent, name, options),
      contextOf: (handle) => handle.context,
      end: (service, fiber, handle, exit) => {
        service.unsafe.endSpan(fiber, handle, exit)
        return afterSpan(service, handle)
      }
    }, self)
)

/**
 * Runs an effect in a new trace, which ends with it. The new trace is independent of a trace around it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withTrace: {
  (
    name: string,
    options?: Input.TraceOptions
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | ObservabilityService>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    name: string,
    options?: Input.TraceOptions
  ): Effect.Effect<A, E, R | ObservabilityService>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    name: string,
    options?: Input.TraceOptions
  ): Effect.Effect<A, E, R | ObservabilityService> =>
    runIn({
      begin: (service, fiber) => service.unsafe.startTrace(fiber, { ...options, name }),
      contextOf: (context) => context,
      end: (service, fiber, context, exit) => {
        service.unsafe.endTrace(fiber, context, exit)
        return service.afterTrace
      }
    }, self)
)

/**
 * Runs an effect with the given ambient context: that of a span handle, or of a trace that came from elsewhere.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withTraceContext: {
  (context: TraceContext): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, context: TraceContext): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, context: TraceContext): Effect.Effect<A, E, R> =>
    Effect.provideService(self, Current, context)
)

/**
 * Runs a stream in a span that starts when the stream is first pulled, and ends when the stream really ends: exhausted,
 * failed, interrupted, or abandoned by its consumer. The span's attributes are the number of elements
 * (`stream.elements`), the time in milliseconds after which the first element came (`stream.time_to_first_element_ms`),
 * and whether the consumer left early (`stream.abandoned`).
 *
 * @since 0.1.0
 * @category combinators
 */
export const withSpanStream: {
  (
    name: string,
    options?: Input.SpanOptions
  ): <A, E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A, E, R | ObservabilityService>
  <A, E, R>(
    self: Stream.Stream<A, E, R>,
    name: string,
    options?: Input.SpanOptions
  ): Stream.Stream<A, E, R | ObservabilityService>
} = dual(
  (args) => Predicate.hasProperty(args[0], Stream.StreamTypeId),
  <A, E, R>(
    self: Stream.Stream<A, E, R>,
    name: string,
    options?: Input.SpanOptions
  ): Stream.Stream<A, E, R | ObservabilityService> =>
    Stream.unwrapScoped(
      Effect.flatMap(ObservabilityService, (service) =>
        service.enabled
          ? Effect.map(
            acquireSpan(service, TraceContext.unsafeCurrent, name, options),
            (handle) => observeStream(self, service, handle)
          )
          : Effect.succeed(self))
    )
)

/**
 * Updates the span or the trace in which the program runs. Outside of both it does nothing.
 * `Effect.annotateCurrentSpan` and `Effect.log` do not reach the spans of this module.
 *
 * With `error`, the span has failed, even if its effect succeeds: an agent that answers with an error, a tool that says
 * `isError`, a request that is answered with a failure. Spans around it, and the trace, have not failed, unless the
 * trace was begun for that span alone.
 *
 * A trace has no columns for a model call: its tokens and cost become the totals that the program states, and other
 * fields that only spans have go into the metadata.
 *
 * @since 0.1.0
 * @category combinators
 */
export const annotate = (update: Input.SpanUpdate): Effect.Effect<void, never, ObservabilityService> =>
  Effect.flatMap(
    ObservabilityService,
    (service) =>
      Effect.withFiberRuntime((fiber) => {
        const context = TraceContext.unsafeCurrent(fiber)
        return context === undefined ? Effect.void : service.updateSpan(context, update)
      })
  )

/**
 * Sets the user, session and knowledge base of the trace in which the program runs, for a program that learns them
 * inside of the trace. They apply to the trace, to all of its running spans, and to everything that begins in it from
 * then on. Omitted fields stay as they were; of two statements the later one stands. Outside of any trace it does
 * nothing.
 *
 * Use it for the trace as a whole, such as that of a request; for one of several users of a trace, use `withSubjects`.
 * Inside of `withSubjects`, this applies to that section alone. If another process began the trace, the trace stays as
 * that process has it, and the spans of this process get the subjects stated here.
 *
 * @example
 * ```ts
 * import { annotateTrace, ObservabilityService, Provider, withSpan } from "effect-observability"
 * import { Effect } from "effect"
 *
 * const memory = Provider.memory()
 *
 * const authenticate = Effect.succeed({ id: "ada" }).pipe(
 *   Effect.tap(({ id }) => annotateTrace({ userId: id })),
 *   withSpan("authenticate")
 * )
 *
 * const request = authenticate.pipe(Effect.zipRight(Effect.void.pipe(withSpan("answer"))), withSpan("GET /"))
 *
 * Effect.runPromise(request.pipe(Effect.provide(ObservabilityService.layerMemory(memory)))).then(() => {
 *   for (const record of memory.records) console.log(record._tag, record.userId) // all of them: ada
 * })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const annotateTrace = (subjects: Subjects): Effect.Effect<void, never, ObservabilityService> =>
  Effect.flatMap(
    ObservabilityService,
    (service) =>
      Effect.withFiberRuntime((fiber) => {
        const context = TraceContext.unsafeCurrent(fiber)
        return context === undefined ? Effect.void : service.updateTrace(context, subjects)
      })
  )

/**
 * Runs an effect for a user, a session or a knowledge base of its own: spans and other records that begin inside have
 * it, also a trace that states none, and nothing else does. For a program that serves several users in one trace.
 * Omitted fields are as around it.
 *
 * To state the subjects of a trace as a whole, use `withTrace`, or `annotateTrace` if they are learned later.
 *
 * @example
 * ```ts
 * import { ObservabilityService, Provider, withSpan, withSubjects, withTrace } from "effect-observability"
 * import { Effect } from "effect"
 *
 * const memory = Provider.memory()
 *
 * const digest = (userId: string) => Effect.void.pipe(withSpan("digest"), withSubjects({ userId }))
 *
 * const nightly = Effect.forEach(["ada", "bob"], digest, { concurrency: 2 }).pipe(withTrace("nightly"))
 *
 * Effect.runPromise(nightly.pipe(Effect.provide(ObservabilityService.layerMemory(memory)))).then(() => {
 *   for (const record of memory.records) console.log(record._tag, record.userId) // ada, bob, and a trace for nobody
 * })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withSubjects: {
  (subjects: Subjects): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R | ObservabilityService>
  <A, E, R>(self: Effect.Effect<A, E, R>, subjects: Subjects): Effect.Effect<A, E, R | ObservabilityService>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, subjects: Subjects): Effect.Effect<A, E, R | ObservabilityService> =>
    Effect.flatMap(ObservabilityService, (service) => service.enabled ? runWithSubjects(subjects, self) : self)
)
