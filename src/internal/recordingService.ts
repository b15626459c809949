/** The service that records, and delivers to the given providers until its scope closes. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as Delivery from "../Delivery.ts"
import { cryptographic, IdGenerator } from "../IdGenerator.ts"
import type { Options, Service } from "../ObservabilityService.ts"
import type { Resource } from "../Observation.ts"
import * as Pricing from "../Pricing.ts"
import { TraceContext } from "../TraceContext.ts"
import { acquireSpan } from "./acquireSpan.ts"
import { ambientOf } from "./ambient.ts"
import { captureLimits } from "./capture.ts"
import { extentOf } from "./extent.ts"
import { Pricer } from "./pricing/pricer.ts"
import { namesProblem } from "./providerNames.ts"
import { Capturing } from "./recording/capturing.ts"
import { Intake } from "./recording/intake.ts"
import { Logbook } from "./recording/logbook.ts"
import type { Room } from "./recording/room.ts"
import { Spans } from "./recording/spans.ts"
import { Traces } from "./recording/traces.ts"
import { unsafeOf } from "./recording/unsafe.ts"
import { Redaction } from "./redaction.ts"
import { Warnings } from "./warnings.ts"

export const recordingService = (options: Options): Effect.Effect<Service, never, Scope.Scope> =>
  Effect.gen(function*() {
    const problem = namesProblem(options.providers)
    if (problem !== undefined) return yield* Effect.dieMessage(`providers: ${problem}`)
    const resource: Resource = {
      processId: options.processId ?? randomUUID(),
      serviceName: options.serviceName ?? "unknown_service",
      environment: options.environment,
      release: options.release
    }
    let failedRecordings = 0
    const failed = () => {
      failedRecordings++
    }
    const deliveries: Array<Delivery.Delivery> = []
    const runtime = yield* Effect.runtime<never>()
    const warnings = new Warnings(Duration.decode(options.delivery?.warningInterval ?? "1 minute"), {})
    const redaction = options.redact === undefined ? undefined : new Redaction(options.redact, (reason, times) => {
      const message = `redact failed, and records go on without their content: ${reason}`
      Runtime.runFork(runtime)(warnings.warn("redaction", message, times))
    })
    const intake = new Intake({
      remember: (record) => spans.remember(record),
      handOver: (observations, extent) => {
        const visible = redaction === undefined ? observations : redaction.visible(observations)
        const its = redaction === undefined ? extent : extentOf(visible)
        for (const delivery of deliveries) delivery.offerAll(visible, its)
      },
      wake: () => {
        for (const delivery of deliveries) delivery.wake()
      }
    })
    for (const provider of options.providers) {
      const ledgers = options.providers.flatMap((other) => other === provider ? [] : other.ledger ?? [])
      deliveries.push(
        yield* Delivery.make(
          provider,
          options.delivery,
          () => intake.drain(),
          ledgers.length === 0 ? undefined : (settlement) => ledgers.forEach((ledger) => ledger.note(settlement))
        )
      )
    }
    const pricer = new Pricer((options.pricing ?? Pricing.shipped).index)
    const room: Room = {
      resource,
      capturing: new Capturing(captureLimits(options.capture)),
      intake,
      maxOpen: options.maxOpenSpans ?? 100_000,
      failed
    }
    const traces = new Traces(room)
    const spans = new Spans(room, traces, pricer.price)
    const logbook = new Logbook(room, traces)
    /** A failure to record is counted, and never becomes the application's. */
    const recording = (record: (fiber: Fiber.RuntimeFiber<unknown, unknown>) => void): Effect.Effect<void> =>
      Effect.withFiberRuntime((fiber) => {
        try {
          record(fiber)
        } catch {
          failed()
        }
        return Effect.void
      })

    /** Without a parent, the logged record is a trace of its own, which has ended with it. */
    const logging = (
      parent: TraceContext | undefined,
      record: (fiber: Fiber.RuntimeFiber<unknown, unknown>) => void
    ): Effect.Effect<void> =>
      parent === undefined ? Effect.zipRight(recording(record), service.afterTrace) : recording(record)

    const unsafe = unsafeOf(traces, spans, failed)

    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        recording((fiber) => {
          const ambient = ambientOf(fiber)
          spans.endAll(ambient)
          traces.endAll(ambient)
          intake.drain()
        }),
        Effect.forEach(deliveries, (delivery) => delivery.close(options.closeDeadline ?? "5 seconds"), {
          concurrency: "unbounded",
          discard: true
        })
      )
    )

    const service: Service = {
      enabled: true,
      unsafe,
      startTrace: (trace) =>
        Effect.withFiberRuntime((fiber) => {
          const context = unsafe.startTrace(fiber, trace)
          return context === undefined
            // a failing generator may be the reason why there is no context
            ? Effect.provideService(TraceContext.root(), IdGenerator, cryptographic)
            : Effect.succeed(context)
        }),
      endTrace: (context, end = {}) =>
        Effect.zipRight(recording((fiber) => traces.end(ambientOf(fiber), context, end)), service.afterTrace),
      afterTrace: options.flushOnTraceEnd === undefined
        ? Effect.void
        : Effect.withFiberRuntime((fiber) =>
          // waiting in `Effect.runSync` is a defect, which the program's own effect does not have
          fiber.currentScheduler instanceof Scheduler.SyncScheduler
            ? Effect.void
            : Effect.asVoid(service.flush({ timeout: options.flushOnTraceEnd }))
        ),
      span: (parent, name, type, spanOptions) => acquireSpan(service, () => parent, name, { ...spanOptions, type }),
      updateSpan: (span, update) => Effect.sync(() => unsafe.updateSpan(span, update)),
      updateTrace: (context, subjects) => recording(() => spans.assign(context, subjects)),
      logLlmCall: (parent, call) => logging(parent, (fiber) => spans.logLlmCall(ambientOf(fiber), parent, call)),
      logChatMessage: (parent, message) =>
        logging(parent, (fiber) => logbook.chatMessage(ambientOf(fiber), parent, message)),
      logDocumentEvent: (parent, event) =>
        logging(parent, (fiber) => logbook.documentEvent(ambientOf(fiber), parent, event)),
      flush: (flushOptions) =>
        Effect.map(
          Effect.forEach(
            deliveries,
            (delivery) =>
              Effect.map(
                delivery.flush(flushOptions?.timeout ?? options.flushTimeout ?? "30 seconds"),
                (receipt) => [delivery.provider, receipt] as const
              ),
            { concurrency: "unbounded" }
          ),
          Object.fromEntries
        ),
      stats: Effect.sync(() => ({
        providers: Object.fromEntries(deliveries.map((delivery) => [delivery.provider, delivery.stats()])),
        openSpans: spans.count,
        openTraces: traces.count,
        failedRedactions: redaction?.failed ?? 0,
        failedRecordings,
        unpricedModels: pricer.unpricedModels()
      }))
    }
    return service
  })
