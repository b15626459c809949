/**
 * A call of a language model with 5 KB of input and 5 KB of output, as it is logged by this library and by others. Each
 * stands in a trace, and delivers to what takes everything.
 */
import { LangfuseSpanProcessor } from "@langfuse/otel"
import { context, trace } from "@opentelemetry/api"
import type { SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace-base"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Effect, ManagedRuntime, Runtime } from "effect"
import { Langfuse } from "langfuse"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Provider } from "../../src/Provider.ts"

/** One way of logging a call. */
export interface Logger {
  readonly name: string
  /** Logs one call, synchronously. */
  readonly log: (call: number) => void
  /** Logs so many calls, synchronously, in the way of a program that does nothing else. */
  readonly logMany: (count: number) => void
  /** Returns when everything is delivered. */
  readonly settle: () => Promise<void>
  /** How many calls were logged, and how many of them arrived where they were to go. */
  readonly balance: () => Promise<{ readonly logged: number; readonly arrived: number }>
}

/** Texts of 5,000 characters; there are so many of them that no cache holds all. */
const texts = Array.from({ length: 512 }, (_, index) => {
  const line = `${index}: how does an effect describe a program, and who is it that runs it in the end?\n`
  return Buffer.from(line.repeat(100)).toString("latin1", 0, 5_000)
})

const input = (call: number): string => texts[call % texts.length]!

const output = (call: number): string => texts[(call * 7 + 3) % texts.length]!

const taking = (name: string): Provider => ({ name, write: () => Effect.void })

export const ours = async (): Promise<Logger> => {
  const runtime = ManagedRuntime.make(ObservabilityService.layer({ providers: [taking("first"), taking("second")] }))
  const service = await runtime.runPromise(ObservabilityService)
  const runSync = Runtime.runSync(await runtime.runtime())
  const parent = runSync(service.startTrace({ name: "bench" }))
  await runtime.runPromise(service.flush())
  let logged = 0
  const logging = (call: number): Effect.Effect<void> => {
    logged++
    return service.logLlmCall(parent, {
      model: "gpt-4o",
      provider: "openai",
      promptTokens: 1_250,
      completionTokens: 1_250,
      latency: 800,
      input: input(call),
      output: output(call)
    })
  }
  const loggingMany = (count: number): Effect.Effect<void> =>
    Effect.gen(function*() {
      for (let call = 0; call < count; call++) yield* logging(call)
    })
  return {
    name: "logLlmCall",
    // in a fiber that is made for it, which no program would do
    log: (call) => runSync(logging(call)),
    logMany: (count) => runSync(loggingMany(count)),
    settle: async () => {
      await runtime.runPromise(service.flush())
    },
    balance: async () => {
      const receipts = Object.values(await runtime.runPromise(service.flush()))
      // the trace is a record, too
      return { logged, arrived: Math.min(...receipts.map(({ written }) => written)) - 1 }
    }
  }
}

const many = (log: (call: number) => void) => (count: number): void => {
  for (let call = 0; call < count; call++) log(call)
}

/** Spans with the same texts as attributes, and all that is known besides, under the names of the GenAI conventions. */
const spans = (name: string, make: (exporter: SpanExporter) => SpanProcessor): Logger => {
  let logged = 0
  let exported = 0
  const processor = make({
    export: (batch, done) => {
      exported += batch.length
      done({ code: 0 })
    },
    shutdown: () => Promise.resolve()
  })
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer("bench")
  const parent = trace.setSpan(context.active(), tracer.startSpan("bench"))
  const log = (call: number): void => {
    logged++
    const attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o",
      "gen_ai.usage.input_tokens": 1_250,
      "gen_ai.usage.output_tokens": 1_250,
      "gen_ai.input.messages": input(call),
      "gen_ai.output.messages": output(call)
    }
    tracer.startSpan("chat gpt-4o", { attributes }, parent).end()
  }
  return {
    name,
    log,
    logMany: many(log),
    settle: () => processor.forceFlush(),
    balance: async () => ({ logged, arrived: exported })
  }
}

export const otel = (): Logger =>
  spans(
    "OpenTelemetry JS",
    // the default of 2,048 drops spans, and dropping is cheap
    (exporter) => new BatchSpanProcessor(exporter, { maxQueueSize: 10_000_000 })
  )

export const langfuseOtel = (): Logger => spans("@langfuse/otel", (exporter) => new LangfuseSpanProcessor({ exporter }))

export const langfuse = (baseUrl: string): Logger => {
  const client = new Langfuse({ publicKey: "pk", secretKey: "sk", baseUrl })
  let logged = 0
  const parent = client.trace({ name: "bench" })
  const log = (call: number): void => {
    logged++
    parent.generation({
      name: "chat gpt-4o",
      model: "gpt-4o",
      usage: { input: 1_250, output: 1_250 },
      input: input(call)
    }).end({ output: output(call) })
  }
  return {
    name: "langfuse",
    log,
    logMany: many(log),
    settle: () => client.flushAsync(),
    balance: async () => ({ logged, arrived: Number(await (await fetch(baseUrl)).text()) })
  }
}
