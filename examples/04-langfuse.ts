// Langfuse next to PostgreSQL: the same program, seen in both. Run it with `npx tsx examples/04-langfuse.ts`.
//
// With LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY (and LANGFUSE_BASE_URL, for a server of your own) it records into
// your project. Without them, it starts a small stand-in for a Langfuse server, and prints what would have arrived
// there.
import { Console, Effect, Layer, Option, Redacted } from "effect"
import { flush, logChatMessage, logLlmCall, ObservabilityService, withSpan, withTrace } from "effect-observability"
import * as LangfuseProvider from "effect-observability/LangfuseProvider"
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"

// The observed program, which knows nothing of Langfuse.

const answer = Effect.gen(function*() {
  yield* logChatMessage({ role: "user", content: "What is a layer?" })
  yield* Effect.succeed(["A Layer describes how services are built."]).pipe(
    withSpan("retrieve", { type: "retrieval", attributes: { topK: 1 } })
  )
  yield* logLlmCall({
    model: "parrot",
    provider: "local",
    input: [{ role: "user", content: "What is a layer?" }],
    output: { role: "assistant", content: "A Layer describes how services are built." },
    promptTokens: 13,
    completionTokens: 8,
    costUsd: "0.00021",
    latency: "40 millis"
  })
}).pipe(withTrace("chat", { userId: "ada", sessionId: randomUUID(), tags: ["example"], input: "What is a layer?" }))

const program = Effect.gen(function*() {
  yield* answer
  yield* Console.log(yield* flush())
})

// `ObservabilityLive` does this by itself if the keys are in the environment. Here Langfuse is the only provider, so
// that the example needs no database.

const observability = (options: LangfuseProvider.Options) =>
  Layer.unwrapEffect(
    Effect.map(LangfuseProvider.make(options), (langfuse) => ObservabilityService.layer({ providers: [langfuse] }))
  )

/** A server that claims to be Langfuse version 4, and prints the spans that it receives. */
const standIn = Effect.acquireRelease(
  Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer(async (request, response) => {
      const chunks: Array<Buffer> = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      response.setHeader("content-type", "application/json")
      if (request.method === "GET") return response.end(JSON.stringify({ status: "OK", version: "4.16.0" }))
      printSpans(JSON.parse(Buffer.concat(chunks).toString()) as OtlpRequest)
      response.end("{}")
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close: () => void server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

interface OtlpRequest {
  readonly resourceSpans: ReadonlyArray<{
    readonly scopeSpans: ReadonlyArray<{
      readonly spans: ReadonlyArray<{
        readonly name: string
        readonly spanId: string
        readonly parentSpanId?: string
        readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue?: string } }>
      }>
    }>
  }>
}

const printSpans = ({ resourceSpans }: OtlpRequest) => {
  const spans = resourceSpans.flatMap((group) => group.scopeSpans.flatMap((scope) => scope.spans))
  console.table(spans.map(({ attributes, name, parentSpanId, spanId }) => {
    const valueOf = (key: string) =>
      attributes.find((attribute) => attribute.key === `langfuse.observation.${key}`)?.value.stringValue
    return {
      type: valueOf("type"),
      name,
      spanId,
      parentSpanId,
      tokens: valueOf("usage_details"),
      cost: valueOf("cost_details")
    }
  }))
}

const main = Effect.gen(function*() {
  const configured = yield* LangfuseProvider.config
  if (Option.isSome(configured)) {
    yield* Console.log(`Recording into the project at ${configured.value.host}`)
    return yield* Effect.provide(program, observability(configured.value))
  }
  yield* Console.log("LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are not set: recording into a stand-in.")
  const { url } = yield* standIn
  yield* Effect.provide(
    program,
    observability({ publicKey: Redacted.make("pk-lf-example"), secretKey: Redacted.make("sk-lf-example"), host: url })
  )
})

Effect.runPromise(Effect.scoped(main))
