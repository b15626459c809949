/**
 * The service under test of the W3C suite (https://github.com/w3c/trace-context/tree/main/test): it is POSTed a list of
 * `{ url, arguments }`, and POSTs each `arguments` to its `url`, one after the other, within the trace that it was given.
 */
import {
  HttpClient,
  HttpClientRequest,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { Effect, Layer, Schema } from "effect"
import { createServer } from "node:http"
import * as HttpPropagation from "../src/HttpPropagation.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"

const Calls = Schema.Array(Schema.Struct({ url: Schema.String, arguments: Schema.Unknown }))

const call = (url: string, body: unknown) =>
  HttpClientRequest.post(url).pipe(
    HttpClientRequest.bodyJson(body),
    Effect.flatMap(HttpClient.execute),
    Effect.flatMap((response) => response.text)
  )

const router = HttpRouter.empty.pipe(
  HttpRouter.post(
    "*",
    Effect.gen(function*() {
      const calls = yield* HttpServerRequest.schemaBodyJson(Calls)
      for (const { arguments: body, url } of calls) yield* call(url, body)
      return yield* HttpServerResponse.json({ called: calls.length })
    })
  )
)

/** @param port `0` for any free one */
export const layer = (port: number) =>
  HttpServer.serve(router).pipe(
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port, host: "127.0.0.1" })),
    Layer.provide(HttpPropagation.layerServer()),
    // the harness is whatever host it says it is
    Layer.provide(HttpPropagation.layerClient({ propagateTo: () => true })),
    Layer.provide(NodeHttpClient.layerWithoutAgent.pipe(Layer.provide(NodeHttpClient.makeAgentLayer()))),
    Layer.provide(ObservabilityService.layer({ providers: [] }))
  )
