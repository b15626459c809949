/** A span as a scoped resource: started when it is acquired, ended with the scope's `Exit` when it is released. */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { cryptographic, IdGenerator } from "../IdGenerator.ts"
import type * as Input from "../Input.ts"
import type { Service } from "../ObservabilityService.ts"
import type { SpanHandle } from "../SpanHandle.ts"
import { TraceContext } from "../TraceContext.ts"
import { OpenSpan } from "./recording/openSpan.ts"

export const acquireSpan = (
  service: Service,
  parentOf: (fiber: Fiber.RuntimeFiber<unknown, unknown>) => TraceContext | undefined,
  name: string,
  options: Input.SpanOptions | undefined
): Effect.Effect<SpanHandle, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.withFiberRuntime<SpanHandle>((fiber) => {
      const parent = parentOf(fiber)
      const span = service.unsafe.startSpan(fiber, parent, name, options)
      return span === undefined
        // a generator that fails may be why there is none
        ? Effect.provideService(unrecordedSpan(parent, name, options), IdGenerator, cryptographic)
        : Effect.succeed(span)
    }),
    (span, exit) =>
      Effect.withFiberRuntime<void>((fiber) => {
        service.unsafe.endSpan(fiber, span, exit)
        return afterSpan(service, span) ?? Effect.void
      })
  )

/** What is to be done when a span has ended: where its trace was begun for it alone, that has ended with it. */
export const afterSpan = (service: Service, span: SpanHandle): Effect.Effect<void> | undefined =>
  span instanceof OpenSpan && span.ownsTrace ? service.afterTrace : undefined

/** A handle for a span that nobody records: the ids are real, so what is made from it is well-formed. */
export const unrecordedSpan = (
  parent: TraceContext | undefined,
  name: string,
  options: Input.SpanOptions | undefined
): Effect.Effect<SpanHandle> =>
  Effect.gen(function*() {
    const generator = yield* IdGenerator
    const context = TraceContext.unsafeChild(parent ?? (yield* TraceContext.root()), generator)
    return { context, traceId: context.traceId, spanId: context.spanId, name, type: options?.type ?? "span" }
  })
