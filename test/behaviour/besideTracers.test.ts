/** Other tracers in the same program: each keeps its own span of a request and of a call, and both tell one story. */
import * as OtelTracer from "@effect/opentelemetry/Tracer"
import { HttpClient, HttpClientResponse, HttpServerResponse } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { InMemorySpanExporter, SimpleSpanProcessor, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace-base"
import type { Sampler } from "@opentelemetry/sdk-trace-base"
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node"
import { Effect, Layer } from "effect"
import * as EffectTracer from "../../src/EffectTracer.ts"
import * as HttpPropagation from "../../src/HttpPropagation.ts"
import type { SpanId, TraceId } from "../../src/Identifier.ts"
import * as MessagePropagation from "../../src/MessagePropagation.ts"
import type { ObservabilityService } from "../../src/ObservabilityService.ts"
import { withSpan } from "../../src/Span.ts"
import * as Testing from "../../src/Testing.ts"
import { TraceContext } from "../../src/TraceContext.ts"
import { exchange } from "../httpExchange.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c" as TraceId
const callerId = "b7ad6b7169203331" as SpanId
const headers = { traceparent: `00-${traceId}-${callerId}-01` }

/** What the client of the service under test sends. */
const network = () => {
  const sent: Array<string | undefined> = []
  const client = HttpClient.make((request) => {
    sent.push(request.headers["traceparent"])
    return Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
  })
  return { sent, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const otel = (sampler?: Sampler) => {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler })
  })
  const tracer = Layer.unwrapEffect(
    Effect.map(OtelTracer.make, Layer.setTracer).pipe(
      Effect.provideService(OtelTracer.OtelTracer, provider.getTracer("test"))
    )
  )
  return { exporter, tracer }
}

/** Answers, after a call of another service, and a span of its own. */
const app = Effect.as(
  HttpClient.get("http://localhost/next").pipe(Effect.withSpan("native"), withSpan("answer")),
  HttpServerResponse.text("ok")
)

const serverOver = (
  tracer: Layer.Layer<never, never, ObservabilityService>,
  client: Layer.Layer<HttpClient.HttpClient>
) =>
  Layer.mergeAll(HttpPropagation.layerServer(), Layer.provide(HttpPropagation.layerClient(), client)).pipe(
    Layer.provideMerge(tracer)
  )

const recorded = Effect.flatMap(Testing.Recorded, ({ of }) => of("Span"))

describe("OpenTelemetry beside this library", () => {
  it.effect("gets one span a request and one a call, below the caller's, with the ids that are stored here", () =>
    Effect.gen(function*() {
      const { exporter, tracer } = otel()
      const { layer, sent } = network()
      const { send } = yield* exchange(app, serverOver(tracer, layer))
      yield* send("http://localhost/", { headers })

      const spans = exporter.getFinishedSpans()
      const idOf = (name: string) => spans.find((span) => span.name === name)?.spanContext().spanId
      const parentOf = (name: string) => spans.find((span) => span.name === name)?.parentSpanContext?.spanId
      const [request, answer, call] = yield* recorded
      assert.deepStrictEqual(spans.map(({ name }) => name).sort(), ["GET", "http.server GET", "native"])
      assert.isTrue(spans.every((span) => span.spanContext().traceId === traceId))
      assert.deepStrictEqual(
        [parentOf("http.server GET"), idOf("http.server GET"), idOf("GET")],
        [callerId, request!.spanId, call!.spanId]
      )
      assert.strictEqual(parentOf("GET"), idOf("native"))
      assert.strictEqual(call!.parentSpanId, answer!.spanId)
      assert.deepStrictEqual(sent, [`00-${traceId}-${call!.spanId}-01`])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is not given a parent that is refused here", () =>
    Effect.gen(function*() {
      const { exporter, tracer } = otel()
      const { send } = yield* exchange(app, serverOver(tracer, network().layer))
      yield* send("http://localhost/", { headers: { b3: `${traceId}-${callerId}-1` } })
      const request = exporter.getFinishedSpans().find(({ name }) => name === "http.server GET")
      assert.isDefined(request)
      assert.strictEqual(request!.parentSpanContext, undefined)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is told when the caller's trace is not sampled", () =>
    Effect.gen(function*() {
      const { exporter, tracer } = otel()
      const { layer, sent } = network()
      const { send } = yield* exchange(app, serverOver(tracer, layer))
      yield* send("http://localhost/", { headers: { traceparent: headers.traceparent.replace(/01$/, "00") } })
      assert.deepStrictEqual(exporter.getFinishedSpans(), [])
      assert.strictEqual(sent[0], `00-${traceId}-${(yield* recorded).at(-1)!.spanId}-00`)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("decides about traces that begin here, which are the same in both", () =>
    Effect.gen(function*() {
      for (const ratio of [1, 0]) {
        const { exporter, tracer } = otel(new TraceIdRatioBasedSampler(ratio))
        const { layer, sent } = network()
        const { send } = yield* exchange(app, serverOver(tracer, layer))
        yield* send("http://localhost/")
        const call = (yield* recorded).at(-1)!
        const told = TraceContext.fromHeaders({ traceparent: sent[0] }).context!
        assert.deepStrictEqual([told.traceId, told.spanId, told.sampled], [call.traceId, call.spanId, ratio === 1])
        const root = exporter.getFinishedSpans().find(({ name }) => name === "http.server GET")
        assert.strictEqual(root?.spanContext().traceId, ratio === 1 ? call.traceId : undefined)
        assert.strictEqual(root?.parentSpanContext, undefined)
      }
    }).pipe(Effect.provide(Testing.layer())))
})

describe("EffectTracer, which records every native span,", () => {
  const orders = {
    "around this layer": (client: Layer.Layer<HttpClient.HttpClient>) => serverOver(EffectTracer.layer(), client),
    "within this layer": (client: Layer.Layer<HttpClient.HttpClient>) =>
      Layer.provide(HttpPropagation.layerClient(), client).pipe(
        Layer.provideMerge(EffectTracer.layer()),
        Layer.provideMerge(HttpPropagation.layerServer())
      )
  }

  it.effect("leaves out what it is told to: what is in a request then stands below the caller", () =>
    Effect.gen(function*() {
      const leavingOut = EffectTracer.layer({ shouldRecord: ({ kind }) => kind === "client" })
      const { send } = yield* exchange(app, serverOver(leavingOut, network().layer))
      // a caller in the same process, which keeps its name
      yield* Effect.flatMap(MessagePropagation.inject(), (headers) => send("http://localhost/", { headers })).pipe(
        withSpan("caller")
      )
      const spans = yield* recorded
      const [caller, answer] = spans.map(({ spanId }) => spanId)
      assert.deepStrictEqual(spans.slice(1).map(({ name, parentSpanId }) => [name, parentSpanId]), [
        ["answer", caller],
        ["GET", answer]
      ])
      assert.strictEqual(spans[0]!.name, "caller")
    }).pipe(Effect.provide(Testing.layer())))

  const health = HttpPropagation.layerServer({ shouldRecord: ({ url }) => !url.startsWith("/health") })
  const leavingOut = {
    "around this layer": Layer.provideMerge(health, EffectTracer.layer()),
    "within this layer": Layer.provideMerge(EffectTracer.layer(), health)
  }
  for (const [order, layer] of Object.entries(leavingOut)) {
    it.effect(`records no request that is not to be recorded, ${order}`, () =>
      Effect.gen(function*() {
        const answer = Effect.as(Effect.withSpan(Effect.void, "native"), HttpServerResponse.text("ok"))
        const { send } = yield* exchange(answer, layer)
        yield* send("http://localhost/health", { headers })
        yield* send("http://localhost/health")
        yield* send("http://localhost/chat", { headers })
        const spans = yield* recorded
        assert.deepStrictEqual(spans.map(({ name, parentSpanId }) => [name, parentSpanId]), [
          ["native", callerId],
          ["native", spans[1]!.parentSpanId],
          ["GET", callerId],
          ["native", spans[2]!.spanId]
        ])
        assert.notStrictEqual(spans[1]!.traceId, traceId)
      }).pipe(Effect.provide(Testing.layer())))
  }

  for (const [order, layerOver] of Object.entries(orders)) {
    it.effect(`tells the same once, ${order}`, () =>
      Effect.gen(function*() {
        const failing = Effect.as(app, HttpServerResponse.text("no", { status: 503 }))
        const { send } = yield* exchange(failing, layerOver(network().layer))
        yield* send("http://localhost/path?key=secret", { headers: { ...headers, authorization: "secret" } })
        const spans = yield* recorded
        const [request, answer, native, call] = spans
        assert.deepStrictEqual(
          spans.map(({ error, name, parentSpanId, status, traceId }) => ({
            traceId,
            name,
            parentSpanId,
            status,
            error: error?.type
          })),
          [
            { traceId, name: "GET", parentSpanId: callerId, status: "error", error: "503" },
            { traceId, name: "answer", parentSpanId: request!.spanId, status: "success", error: undefined },
            { traceId, name: "native", parentSpanId: answer!.spanId, status: "success", error: undefined },
            { traceId, name: "GET", parentSpanId: native!.spanId, status: "success", error: undefined }
          ]
        )
        assert.strictEqual(call!.attributes?.["http.response.status_code"], 200)
        assert.deepStrictEqual(request!.attributes, {
          "http.request.method": "GET",
          "http.response.status_code": 503,
          "url.path": "/path",
          "url.scheme": "http",
          "server.address": "localhost"
        })
      }).pipe(Effect.provide(Testing.layer())))
  }
})
