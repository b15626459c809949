/**
 * Propagates traces over HTTP, for `@effect/platform`: a server continues the trace that a request came with, a client
 * passes on its current trace. Both follow W3C Trace Context Level 2 and W3C Baggage, and record requests as spans.
 *
 * Each is one layer. Code that runs within a request needs no change: `withSpan`, `logLlmCall` and all others record
 * below the span of the request, and calls of the traced client pass the trace on.
 *
 * **Loss policy.** Nothing here fails a request. If its headers are refused, a request begins a trace of its own, and
 * its span says why (`observability.refused`). With a service that records nothing, traces are still passed on.
 *
 * @example
 * ```ts check
 * import { HttpClient, HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
 * import { NodeHttpClient, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
 * import { ObservabilityLive, withSpan } from "effect-observability"
 * import * as HttpPropagation from "effect-observability/HttpPropagation"
 * import { Effect, Layer } from "effect"
 * import { createServer } from "node:http"
 *
 * const ask = HttpClient.get("http://answers.internal/ask").pipe(
 *   Effect.flatMap((response) => response.text),
 *   Effect.scoped,
 *   withSpan("ask")
 * )
 *
 * const router = HttpRouter.empty.pipe(HttpRouter.get("/chat", Effect.map(ask, HttpServerResponse.text)))
 *
 * const Server = HttpServer.serve(router).pipe(
 *   Layer.provide(NodeHttpServer.layer(createServer, { port: 3000 })),
 *   Layer.provide(HttpPropagation.layerServer()),
 *   Layer.provide(HttpPropagation.layerClient({ propagateTo: ["*.internal"] })),
 *   Layer.provide(NodeHttpClient.layer),
 *   Layer.provide(ObservabilityLive)
 * )
 *
 * NodeRuntime.runMain(Layer.launch(Server))
 * ```
 *
 * @see https://www.w3.org/TR/trace-context-2/
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Server from "./internal/propagation/serverTracer.ts"
import * as Client from "./internal/propagation/tracedClient.ts"
import { ObservabilityService } from "./ObservabilityService.ts"

/**
 * Options of a server: which requests and headers it records, and which baggage it takes over.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerOptions extends Server.ServerOptions {}

/**
 * Options of a client: what it passes on, to which hosts, and what it records.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientOptions extends Client.ClientOptions {}

/**
 * Runs every request of an `HttpRouter`, `HttpApp`, `HttpApi` or web handler in a span of kind `server`, which
 * continues the trace that the request came with, or begins one. The span is named by method and route. A response of
 * 500 or more is an error; a lower one is no error unless it breaks off. A client that has gone interrupts.
 *
 * This layer wraps the current tracer, such as OpenTelemetry's, which keeps its own span of the request, with the right
 * parent. So provide that tracer to this layer, not beside it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerServer = (options: ServerOptions = {}): Layer.Layer<never, never, ObservabilityService> =>
  Layer.unwrapEffect(
    Effect.map(
      Effect.all([Effect.tracer, ObservabilityService]),
      ([tracer, service]) => Layer.setTracer(Server.serverTracer(tracer, service, options))
    )
  )

/**
 * Runs every call of the `HttpClient` in a span of kind `client`, whose id the called service gets as the parent of its
 * own span. Each retry of a call has a span of its own. A response of 400 or more is an error of the call.
 *
 * The trace is passed on only to the hosts in `propagateTo`. The spans and headers of this layer replace those of
 * @effect/platform, `b3` included; a tracer such as OpenTelemetry's still gets one span for each call.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerClient = (
  options: ClientOptions = {}
): Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient | ObservabilityService> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      Effect.all([HttpClient.HttpClient, ObservabilityService]),
      ([client, service]) => Client.tracedClient(client, service, options)
    )
  )
