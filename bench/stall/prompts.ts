/**
 * A program that logs a prompt of 1 MB every 50 ms, and measures how long its event loop is blocked at a time.
 * Arguments: what it does with the prompts, the duration in seconds, and the address of PostgreSQL or Langfuse.
 */
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base"
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import type { Scope } from "effect"
import { Effect, Layer, ManagedRuntime, Redacted, Runtime } from "effect"
import * as LangfuseProvider from "../../src/LangfuseProvider.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import type { Provider } from "../../src/Provider.ts"
import { say } from "../child.ts"
import { EventLoopWatch, type Gap } from "../eventLoop.ts"

/** What this program does with a prompt. */
export type Way = "nothing" | "taken" | "postgres" | "ingestion" | "otlp" | "otel"

/** How long the event loop was blocked at a time, in milliseconds, and what became of the prompts. */
export interface Found {
  /** Excludes the time to make a prompt, which is the program's own. */
  readonly p999: number
  readonly max: number
  /** How long the thread ran during the longest gap, and how long garbage was collected during it. */
  readonly maxRan: number
  readonly maxCollected: number
  /** The longest gap, including the time to make a prompt and the time in which the thread waited for a processor. */
  readonly elapsed: number
  readonly made: number
  /** Prompts that the store did not get. */
  readonly missing: number
}

interface Logger {
  readonly log: (prompt: string) => void
  /** Delivers all waiting prompts, and returns how many have been delivered since the start. */
  readonly delivered: () => Promise<number>
}

const ours = async (provider: Effect.Effect<Provider, unknown, Scope.Scope>): Promise<Logger> => {
  const runtime = ManagedRuntime.make(
    Layer.scoped(
      ObservabilityService,
      Effect.flatMap(provider, (each) => ObservabilityService.make({ providers: [each] }))
    )
  )
  const service = await runtime.runPromise(ObservabilityService)
  const runSync = Runtime.runSync(await runtime.runtime())
  const parent = runSync(service.startTrace({ name: "bench" }))
  // delivers the trace itself, so that only prompts are counted afterwards
  await runtime.runPromise(service.flush())
  let logged = 0
  return {
    log: (input) => {
      logged++
      runSync(service.logLlmCall(parent, { model: "gpt-4o", provider: "openai", input }))
    },
    delivered: async () => {
      const [receipt] = Object.values(await runtime.runPromise(service.flush({ timeout: "1 minute" })))
      return logged - (receipt!.accepted - receipt!.written)
    }
  }
}

const langfuse = (protocol: "ingestion" | "otlp") =>
  LangfuseProvider.make({ publicKey: Redacted.make("pk"), secretKey: Redacted.make("sk"), host: url, protocol })

const taking: Provider = { name: "taking", write: () => Effect.void }

/** Exports as often as this library; a short run would see nothing of the default interval of 5 seconds. */
const otel = (): Logger => {
  let exported = 0
  const plain = ({ attributes, name, startTime }: ReadableSpan) => ({ attributes, name, startTime })
  const processor = new BatchSpanProcessor({
    export: (batch, done) => {
      if (JSON.stringify(batch.map(plain)).length > 0) exported += batch.length
      done({ code: 0 })
    },
    shutdown: () => Promise.resolve()
  }, { scheduledDelayMillis: 200 })
  const tracer = new BasicTracerProvider({ spanProcessors: [processor] }).getTracer("bench")
  return {
    log: (prompt) => {
      const attributes = { "gen_ai.request.model": "gpt-4o", "gen_ai.input.messages": prompt }
      tracer.startSpan("chat gpt-4o", { attributes }).end()
    },
    delivered: async () => {
      await processor.forceFlush()
      return exported
    }
  }
}

const [, , way, seconds, url] = process.argv

const loggers: Record<Way, () => Logger | Promise<Logger>> = {
  nothing: () => {
    let made = 0
    return { log: () => made++, delivered: async () => made }
  },
  taken: () => ours(Effect.succeed(taking)),
  postgres: () => ours(PgProvider.make({ url: Redacted.make(url!) })),
  ingestion: () => ours(langfuse("ingestion")),
  otlp: () => ours(langfuse("otlp")),
  otel
}

const prompt = (() => {
  const words = "effect;describes;a \"program\";who;runs;it,;in the end?\n;fiber;scope;café".split(";")
  let state = 1
  let text = ""
  while (text.length < 1_100_000) {
    state = state * 48_271 % 2_147_483_647
    text += `${words[state % words.length]} `
  }
  const source = Buffer.from(text, "latin1")
  // copied each time, like data from a socket: a slice of a text would share its memory
  return (number: number): string => {
    const from = number * 997 % 100_000
    return source.toString("latin1", from, from + 1_000_000)
  }
})()

const logger = await loggers[way as Way]()
let made = 0

/** In milliseconds. A server on two processors cannot store more than these 20 MB a second. */
const interval = 50

const logFor = (millis: number, watch?: EventLoopWatch): Promise<void> =>
  new Promise((resolve) => {
    const next = () => prompt(made++)
    const timer = setInterval(() => logger.log(watch === undefined ? next() : watch.aside(next)), interval)
    setTimeout(() => {
      clearInterval(timer)
      resolve()
    }, millis)
  })

// warms up the compiler, and lets PostgreSQL be prepared
await logFor(500)
await logger.delivered()

const watch = new EventLoopWatch()
await logFor(Number(seconds) * 1_000, watch)
// the remaining deliveries are watched, too
const delivered = await logger.delivered()
watch.stop()
// waits until the engine has reported the last collections
await new Promise((resolve) => setTimeout(resolve, 50))
const gaps = watch.take()

const held = (gap: Gap): number => gap.held - gap.aside
const sorted = [...gaps].sort((left, right) => held(left) - held(right))
const longest = sorted.at(-1)!
say(
  {
    p999: held(sorted[Math.floor((sorted.length - 1) * 0.999)]!),
    max: held(longest),
    maxRan: longest.ran,
    maxCollected: longest.collected,
    elapsed: Math.max(...gaps.map((gap) => gap.elapsed)),
    made,
    missing: made - delivered
  } satisfies Found
)
