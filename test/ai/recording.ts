/** What is recorded of a program that uses a model. */
import type { Layer } from "effect"
import { BigDecimal, Effect, Exit } from "effect"
import * as AiTelemetry from "../../src/AiTelemetry.ts"
import type { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Span } from "../../src/Observation.ts"
import { withTrace } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"
import type { Reply, Vendor } from "./vendorServer.ts"
import { vendorServer } from "./vendorServer.ts"

/** Runs a program in a trace, with an observed model whose vendor gives these answers. */
export const recording = <Model, A, E>(
  vendor: Vendor<Model>,
  replies: ReadonlyArray<Reply>,
  program: Effect.Effect<A, E, Model>,
  options?: AiTelemetry.Options
) =>
  Effect.gen(function*() {
    const url = yield* vendorServer(replies)
    return yield* observing(
      vendor<ObservabilityService>(url, AiTelemetry.observe(options)),
      program.pipe(withTrace("trace"))
    )
  })

export const observing = <Model, A, E, R>(
  model: Layer.Layer<Model, never, R>,
  program: Effect.Effect<A, E, Model | R>
) =>
  Effect.gen(function*() {
    const exit = yield* program.pipe(Effect.provide(model), Effect.exit)
    const recorded = yield* Testing.Recorded
    const spans = yield* recorded.of("Span")
    return {
      exit,
      spans,
      messages: yield* recorded.of("ChatMessage"),
      traces: yield* recorded.of("Trace"),
      shape: shapeOf(yield* recorded.tree),
      calls: spans.filter(({ type }) => type === "llm")
    }
  })

/** A tree without its times, which differ from run to run, and with the first line of what went wrong. */
const shapeOf = (tree: string): ReadonlyArray<string> =>
  tree.split("\n").filter((line) => /\[\w+ [\d.]+ms\]/.test(line)).map((line) => line.replaceAll(/ [\d.]+ms\]/g, "]"))

/** What of a call is the same each time. */
export const fieldsOf = ({ attributes, input, kind, modelCall, name, output, status, type }: Span) => ({
  name,
  type,
  kind,
  status,
  attributes,
  input,
  output,
  provider: modelCall?.provider,
  model: modelCall?.model,
  temperature: modelCall?.temperature,
  finishReason: modelCall?.finishReason,
  usage: modelCall?.usage === undefined ? undefined : known(modelCall.usage),
  costUsd: modelCall?.costUsd === undefined ? undefined : BigDecimal.format(modelCall.costUsd)
})

const known = (figures: object): object =>
  Object.fromEntries(Object.entries(figures).filter(([, figure]) => figure !== undefined))

/** How a program ended, to be compared. */
export const endOf = <A, E>(exit: Exit.Exit<A, E>): unknown =>
  Exit.match(exit, { onSuccess: (value) => value, onFailure: (cause) => cause.toString() })
