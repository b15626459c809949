/** What is recorded of the calls that a program makes with `@effect/ai`, against servers that answer as the vendors do. */
import * as LanguageModel from "@effect/ai/LanguageModel"
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Effect, Layer, Stream } from "effect"
import * as AiTelemetry from "../src/AiTelemetry.ts"
import type { Span } from "../src/Observation.ts"
import { withTrace } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import type { Reply } from "./ai/vendorServer.ts"
import { anthropic, json, openAi, stream, vendorServer } from "./ai/vendorServer.ts"

/** Runs a program with an observed model, against a server with these answers. */
const recordedWith = <A, E>(
  model: (url: string) => Layer.Layer<LanguageModel.LanguageModel>,
  replies: ReadonlyArray<Reply>,
  program: Effect.Effect<A, E, LanguageModel.LanguageModel>,
  options?: AiTelemetry.Options
) =>
  Effect.gen(function*() {
    const url = yield* vendorServer(replies)
    return yield* Effect.gen(function*() {
      const exit = yield* program.pipe(withTrace("trace"), Effect.provide(AiTelemetry.observe(model(url), options)), Effect.exit)
      const recorded = yield* Testing.Recorded
      return { exit, spans: yield* recorded.of("Span"), tree: yield* recorded.tree }
    }).pipe(Effect.provide(Testing.layer()))
  })

/** The fields of a call that are not times or ids. */
const fieldsOf = (span: Span | undefined) =>
  span === undefined ? undefined : {
    name: span.name,
    type: span.type,
    kind: span.kind,
    status: span.status,
    attributes: span.attributes,
    input: span.input,
    output: span.output,
    modelCall: span.modelCall === undefined ? undefined : {
      ...span.modelCall,
      timeToFirstTokenMicros: undefined,
      costUsd: span.modelCall.costUsd === undefined ? undefined : BigDecimal.format(span.modelCall.costUsd)
    }
  }

const generate = LanguageModel.generateText({ prompt: "Tell me a story." })

describe("AiTelemetry", () => {
  it.scopedLive("dump", () =>
    Effect.gen(function*() {
      for (const [model, reply] of [[openAi, "openai-text.json"], [openAi, "openai-cached-reasoning.json"], [anthropic, "anthropic-cached.json"]] as const) {
        const { exit, spans, tree } = yield* recordedWith(model, [json(reply)], generate)
        console.log(tree, exit._tag === "Failure" ? exit : "", spans.map(fieldsOf))
      }
      for (const [model, reply] of [[openAi, "openai-stream.sse"], [anthropic, "anthropic-stream.sse"], [anthropic, "anthropic-overloaded.sse"]] as const) {
        const { exit, spans, tree } = yield* recordedWith(model, [stream(reply)], Stream.runCollect(LanguageModel.streamText({ prompt: "hi" })), { captureContent: true })
        console.log(tree, exit, JSON.stringify(spans.map(fieldsOf), (_, v) => typeof v === "bigint" ? String(v) : v, 1))
      }
      assert.ok(true)
    }))
})
