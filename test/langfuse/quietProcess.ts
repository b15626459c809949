/** A program of its own, that records into Langfuse and ends. Run by `process.test.ts`. */
import { Effect, Layer, Redacted } from "effect"
import { logLlmCall, ObservabilityService, withSpan, withTrace } from "../../src/index.ts"
import * as LangfuseProvider from "../../src/LangfuseProvider.ts"

process.on("unhandledRejection", (reason) => {
  process.stdout.write(`unhandled: ${String(reason)}\n`)
})

const listeners = () => process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`).join()
const before = listeners()

const Observability = Layer.unwrapEffect(
  Effect.map(
    LangfuseProvider.make({
      publicKey: Redacted.make("pk-lf-test"),
      secretKey: Redacted.make("sk-lf-test"),
      host: process.argv[2]!,
      requestTimeout: "200 millis"
    }),
    (langfuse) =>
      ObservabilityService.layer({
        providers: [langfuse],
        closeDeadline: "500 millis",
        delivery: { retryDelay: "5 millis", warningInterval: "1 hour" }
      })
  )
)

const program = logLlmCall({ model: "parrot", output: "data: hi" }).pipe(
  withSpan("generate"),
  withTrace("chat"),
  Effect.repeatN(20)
)

await Effect.runPromise(Effect.provide(program, Observability))
if (listeners() !== before) process.stdout.write(`listeners: ${listeners()} instead of ${before}\n`)
