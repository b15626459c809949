/**
 * A call of a language model with 5 KB of input and 5 KB of output, as logged by this library and by others. Each logs
 * into a trace, and delivers to a sink in the same process that accepts everything, or to a server.
 */
import { LangfuseSpanProcessor } from "@langfuse/otel"
import { context, trace } from "@opentelemetry/api"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http"
import type { SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace-base"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Effect, Layer, ManagedRuntime, Redacted, Runtime } from "effect"
import { Langfuse } from "langfuse"
import * as ObservabilityLive from "../../src/ObservabilityLive.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import type { Provider } from "../../src/Provider.ts"

/** One way of logging a call. */
export interface Logger {
  readonly name: string
  /** Logs one call, synchronously. */
  readonly log: (call: number) => void
  /** Logs `count` calls synchronously, like a program that does nothing else. */
  readonly logMany: (count: number) => void
  /** Returns when everything is delivered. */
  readonly settle: () => Promise<void>
  /** How many calls were logged, and how many of them arrived at their destination. */
  readonly balance: () => Promise<{ readonly logged: number; readonly arrived: number }>
}

/** Texts of 5,000 characters; so many that no cache holds all of them. */
const texts = Array.from({ length: 512 }, (_, index) => {
  const line = `${index}: how does an effect describe a program, and who is it that runs it in the end?\n`
  return Buffer.from(line.repeat(100)).toString("latin1", 0, 5_000)
})

const input = (call: number): string => texts[call % texts.length]!

const output = (call: number): string => texts[(call * 7 + 3) % texts.length]!

const taking = (name: string): Provider => ({ name, write: () => Effect.void })

const logging = async (name: string, layer: Layer.Layer<ObservabilityService>): Promise<Logger> => {
  const runtime = ManagedRuntime.make(layer)
  const service = await runtime.runPromise(ObservabilityService)
  const runSync = Runtime.runSync(await runtime.runtime())
  const parent = runSync(service.startTrace({ name: "bench" }))
  await runtime.runPromise(service.flush())
  let logged = 0
  const logOne = (call: number): Effect.Effect<void> => {
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
      for (let call = 0; call < count; call++) yield* logOne(call)
    })
  return {
    name,
    // in a fiber of its own for each call, which no real program would do
    log: (call) => runSync(logOne(call)),
    logMany: (count) => runSync(loggingMany(count)),
    settle: async () => {
      await runtime.runPromise(service.flush())
    },
    balance: async () => {
      const receipts = Object.values(await runtime.runPromise(service.flush()))
      // minus one, because the trace is a record, too
      return { logged, arrived: Math.min(...receipts.map(({ written }) => written)) - 1 }
    }
  }
}

export const ours = (): Promise<Logger> =>
  logging("logLlmCall", ObservabilityService.layer({ providers: [taking("first"), taking("second")] }))

export const oursStored = (url: string): Promise<Logger> =>
  logging(
    "logLlmCall",
    ObservabilityLive.layer({
      postgres: { url: Redacted.make(url) },
      // as large as the queues of the others: the default would drop records, which costs little
      delivery: { queueBytes: 2 ** 30 }
    }).pipe(Layer.orDie)
  )

const many = (log: (call: number) => void) => (count: number): void => {
  for (let call = 0; call < count; call++) log(call)
}

/** Spans with the same texts and all other facts as attributes, under the names of the GenAI conventions. */
const spans = (name: string, processor: SpanProcessor, arrived: () => number | Promise<number>): Logger => {
  let logged = 0
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
    balance: async () => ({ logged, arrived: await arrived() })
  }
}

const inProcess = (name: string, make: (exporter: SpanExporter) => SpanProcessor): Logger => {
  let exported = 0
  const exporter: SpanExporter = {
    export: (batch, done) => {
      exported += batch.length
      done({ code: 0 })
    },
    shutdown: () => Promise.resolve()
  }
  return spans(name, make(exporter), () => exported)
}

/** The default queue size of 2,048 would drop spans, and dropping is cheap. */
const unlimited = { maxQueueSize: 10_000_000 }

export const otel = (): Logger =>
  inProcess("OpenTelemetry JS", (exporter) => new BatchSpanProcessor(exporter, unlimited))

export const otelSent = (collector: string): Logger =>
  spans(
    "OpenTelemetry JS over OTLP",
    // all batches of a flush are sent at once; beyond the default limit of 30 they would be refused
    new BatchSpanProcessor(new OTLPTraceExporter({ url: collector, concurrencyLimit: 1_000 }), unlimited),
    async () => Number(await (await fetch(collector)).text())
  )

export const langfuseOtel = (): Logger =>
  inProcess("@langfuse/otel", (exporter) => new LangfuseSpanProcessor({ exporter }))

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
