import type { HttpApp } from "@effect/platform"
import {
  HttpClientError,
  HttpClientRequest,
  HttpRouter,
  HttpServerError,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpServer } from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import * as Headers from "@effect/platform/Headers"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer, Option, Schema, Stream } from "effect"
import { type ClientRequest, createServer, get } from "node:http"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"
import * as Baggage from "../src/Baggage.ts"
import * as HttpPropagation from "../src/HttpPropagation.ts"
import { logLlmCall } from "../src/Log.ts"
import * as MessagePropagation from "../src/MessagePropagation.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { annotate, withSpan } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"
import type { Exchange } from "./httpExchange.ts"
import { exchange } from "./httpExchange.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const callerId = "b7ad6b7169203331"
const traceparent = `00-${traceId}-${callerId}-03`

/** A server in this process, and what it recorded. */
const serving = <E>(
  app: HttpApp.Default<E, ObservabilityService>,
  options?: HttpPropagation.ServerOptions
): Effect.Effect<Exchange, never, Testing.Recorded | ObservabilityService> =>
  exchange(app, HttpPropagation.layerServer(options))

const recorded = Effect.gen(function*() {
  const { of } = yield* Testing.Recorded
  return { spans: yield* of("Span"), traces: yield* of("Trace") }
})

const ok = HttpServerResponse.text("ok")

describe("a request", () => {
  it.effect("is a span below the caller's, called by method and route, and all in it is below that", () =>
    Effect.gen(function*() {
      const answer = logLlmCall({ model: "parrot" }).pipe(
        withSpan("answer"),
        // a span that only Effect's own tracer knows
        Effect.withSpan("native"),
        Effect.as(HttpServerResponse.text("hello", { status: 201 }))
      )
      const { send } = yield* serving(HttpRouter.empty.pipe(HttpRouter.get("/users/:id", answer)))
      yield* send("http://api.example:8080/users/7?token=secret", { headers: { traceparent } })

      const { spans, traces } = yield* recorded
      const [request, inner, call] = spans
      assert.deepStrictEqual(traces, [])
      assert.deepStrictEqual(spans.map(({ traceId }) => traceId), [traceId, traceId, traceId])
      assert.deepStrictEqual(
        spans.map(({ name, parentSpanId }) => [name, parentSpanId]),
        [
          ["GET /users/:id", callerId],
          ["answer", request!.spanId],
          ["chat parrot", inner!.spanId]
        ]
      )
      assert.strictEqual(request!.kind, "server")
      assert.deepStrictEqual(spans.map(({ parentIsRemote }) => parentIsRemote), [true, false, false])
      assert.strictEqual(call!.status, "success")
      assert.deepStrictEqual(request!.attributes, {
        "http.request.method": "GET",
        "http.route": "/users/:id",
        "http.response.status_code": 201,
        "url.path": "/users/7",
        "url.scheme": "http",
        "server.address": "api.example",
        "server.port": 8080
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("without a trace begins one, which ends with it", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(HttpRouter.empty.pipe(HttpRouter.get("/", ok)))
      yield* send("http://localhost/")
      assert.match(
        yield* (yield* Testing.Recorded).tree,
        /^trace GET \/ \[success 0ms\]\n└─ span GET \/ \[success 0ms\]$/
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("with headers that are refused begins a trace, and says why", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(HttpRouter.empty.pipe(HttpRouter.get("/", ok)))
      yield* send("http://localhost/", { headers: { traceparent: traceparent.toUpperCase(), tracestate: "a=1" } })
      // what @effect/platform would continue
      yield* send("http://localhost/", { headers: { b3: `${traceId}-${callerId}-1` } })
      const { spans, traces } = yield* recorded
      assert.strictEqual(traces.length, 2)
      assert.isFalse(traces.some((trace) => trace.traceId === traceId))
      assert.match(String(spans[0]!.attributes?.["observability.refused"]), /^traceparent refused: /)
      assert.notProperty(spans[1]!.attributes, "observability.refused")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is one span, whatever spans of kind server the program makes of its own", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(Effect.withSpan(ok, "mine", { kind: "server" }))
      yield* send("http://localhost/", { headers: { traceparent } })
      assert.deepStrictEqual((yield* recorded).spans.map(({ name }) => name), ["GET"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is found in HttpApi, too", () =>
    Effect.gen(function*() {
      const api = HttpApi.make("api").add(
        HttpApiGroup.make("users").add(
          HttpApiEndpoint.get("get", "/users/:id").setPath(Schema.Struct({ id: Schema.String })).addSuccess(
            Schema.String
          )
        )
      )
      const users = HttpApiBuilder.group(
        api,
        "users",
        (handlers) => handlers.handle("get", ({ path }) => withSpan(Effect.succeed(path.id), "find"))
      )
      const service = yield* ObservabilityService
      const { dispose, handler } = HttpApiBuilder.toWebHandler(
        Layer.mergeAll(HttpApiBuilder.api(api), HttpServer.layerContext).pipe(
          Layer.provide(users),
          Layer.provideMerge(HttpPropagation.layerServer()),
          Layer.provideMerge(Layer.succeed(ObservabilityService, service))
        )
      )
      yield* Effect.promise(() => handler(new Request("http://localhost/users/7", { headers: { traceparent } })))
      yield* Effect.promise(dispose)
      const { spans } = yield* recorded
      assert.deepStrictEqual(spans.map(({ name, traceId }) => [name, traceId]), [["GET /users/:id", traceId], [
        "find",
        traceId
      ]])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("how a request ends", () => {
  const cases: ReadonlyArray<readonly [string, HttpApp.Default<unknown>, string, string | undefined, number]> = [
    ["below 500", HttpServerResponse.text("no", { status: 404 }), "success", undefined, 404],
    ["with 500 or more", HttpServerResponse.text("no", { status: 503 }), "error", "503", 503],
    ["by failing", Effect.fail({ _tag: "Broken" }), "error", "Broken", 500],
    ["by a defect", Effect.die(new TypeError("broken")), "error", "TypeError", 500],
    ["by failing with a redirection", Effect.fail(HttpServerResponse.redirect("/")), "success", undefined, 302],
    ["by failing with a response", Effect.fail(HttpServerResponse.empty({ status: 403 })), "success", undefined, 403],
    ["at a route that is not there", HttpRouter.empty, "success", undefined, 404]
  ]
  for (const [how, app, status, errorType, code] of cases) {
    it.effect(`${how} is ${status}`, () =>
      Effect.gen(function*() {
        const { send } = yield* serving(app)
        const response = yield* send("http://localhost/")
        assert.strictEqual(response.status, code)
        const { spans: [request], traces: [trace] } = yield* recorded
        assert.deepStrictEqual([request!.status, request!.error?.type], [status, errorType])
        assert.strictEqual(request!.attributes?.["http.response.status_code"], code)
        assert.strictEqual(trace!.status, status)
      }).pipe(Effect.provide(Testing.layer())))
  }

  it.effect("by an error that the program states, before the code of the answer and in spite of it", () =>
    Effect.gen(function*() {
      const answering = (status: number) =>
        Effect.as(
          annotate({ error: new TypeError("no model is left") }),
          HttpServerResponse.text("sorry", { status })
        )
      for (const status of [200, 500]) {
        const { send } = yield* serving(answering(status))
        yield* send("http://localhost/")
        const { spans: [request], traces: [trace] } = yield* recorded
        for (const record of [request!, trace!]) {
          assert.strictEqual(record.status, "error")
          assert.deepInclude(record.error, { type: "TypeError", message: "no model is left" })
        }
        assert.notProperty(request!.attributes, "observability.stated_error")
        assert.strictEqual(request!.attributes?.["http.response.status_code"], status)
        yield* Effect.flatMap(Testing.Recorded, (all) => all.clear)
      }
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a client that goes interrupts", () =>
    Effect.gen(function*() {
      const { abort, send, started } = yield* serving(HttpRouter.empty.pipe(HttpRouter.get("/", Effect.never)))
      const response = yield* Effect.fork(send("http://localhost/"))
      yield* started
      abort()
      assert.strictEqual((yield* response).status, 499)
      const { spans: [request] } = yield* recorded
      assert.strictEqual(request!.status, "interrupted")
      assert.strictEqual(request!.error, undefined)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("a request over a socket", () => {
  /** The record of a request over a socket, and what the client does when the first piece has come. */
  const recordOf = (
    answer: HttpServerResponse.HttpServerResponse,
    onPiece: (request: ClientRequest) => void = () => {},
    server = createServer()
  ) =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const ended = yield* Deferred.make<void>()
      const listening: typeof service = {
        ...service,
        unsafe: {
          ...service.unsafe,
          endSpan: (...all) => {
            service.unsafe.endSpan(...all)
            Deferred.unsafeDone(ended, Effect.void)
          }
        }
      }
      yield* Layer.build(
        HttpServer.serve(HttpRouter.empty.pipe(HttpRouter.get("/", Effect.succeed(answer)))).pipe(
          Layer.provide(NodeHttpServer.layer(() => server, { port: 0 })),
          Layer.provide(HttpPropagation.layerServer()),
          Layer.provide(Layer.succeed(ObservabilityService, listening))
        )
      )
      const { port } = server.address() as AddressInfo
      const request = get({ port, agent: false }, (response) => {
        response.on("data", () => onPiece(request)).on("error", () => {})
      }).on("error", () => {})
      yield* Deferred.await(ended)
      return (yield* recorded).spans[0]!
    })

  const pieces = Stream.succeed(new TextEncoder().encode("piece"))

  it.scopedLive("whose answer breaks off is an error", () =>
    Effect.gen(function*() {
      const body = Stream.concat(pieces, Stream.fail({ _tag: "Broken", message: "the model is gone" }))
      const { error, status } = yield* recordOf(HttpServerResponse.stream(body))
      assert.deepStrictEqual([status, error?.type, error?.message], ["error", "Broken", "the model is gone"])
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("whose answer breaks off is an error, too, where the body is a stream of Node", () =>
    Effect.gen(function*() {
      const body = Readable.from((function*() {
        yield "piece"
        throw new Error("the model is gone")
      })())
      const { error, status } = yield* recordOf(HttpServerResponse.raw(body))
      assert.deepStrictEqual([status, error?.type], ["error", "ResponseError"])
      assert.include(error?.cause, "the model is gone")
    }).pipe(Effect.provide(Testing.layer())))

  const hanging = () => {
    const body = new Readable({ read: () => {} })
    body.push("piece")
    return HttpServerResponse.raw(body)
  }

  it.scopedLive.each(
    [
      ["of Effect", () => HttpServerResponse.stream(Stream.concat(pieces, Stream.never))],
      ["of Node", hanging]
    ] as const
  )(
    "whose client goes in the middle of the answer is interrupted, where the body is a stream %s",
    ([, answer]) =>
      Effect.gen(function*() {
        const { error, status } = yield* recordOf(answer(), (request) => request.destroy())
        assert.deepStrictEqual([status, error], ["interrupted", undefined])
      }).pipe(Effect.provide(Testing.layer()))
  )

  it.scopedLive("by TLS has the scheme of it", () =>
    Effect.gen(function*() {
      // what a server of node:https does to its sockets
      const server = createServer().on("connection", (socket) => Object.assign(socket, { encrypted: true }))
      const { attributes } = yield* recordOf(HttpServerResponse.text("ok"), undefined, server)
      assert.strictEqual(attributes?.["url.scheme"], "https")
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("whose answer goes to its end is success", () =>
    Effect.gen(function*() {
      const { attributes, status } = yield* recordOf(HttpServerResponse.stream(pieces))
      assert.deepStrictEqual([status, attributes?.["http.response.status_code"]], ["success", 200])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("what is recorded of a request", () => {
  const headers = {
    authorization: "Bearer secret",
    cookie: "session=secret",
    "x-api-key": "secret",
    "x-internal": "secret",
    "x-tenant": "acme",
    "user-agent": "curl"
  }
  const app = HttpRouter.empty.pipe(
    HttpRouter.post("/", HttpServerResponse.text("ok", { headers: { "x-build": "7" } }))
  )
  const attributesOf = Effect.map(recorded, ({ spans: [request] }) => request!.attributes!)

  it.effect("nothing that may be secret: no query, no header, no body", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(app)
      yield* send("http://localhost/?key=secret", { method: "POST", headers, body: "secret" })
      const attributes = yield* attributesOf
      assert.notInclude(JSON.stringify(attributes), "secret")
      assert.deepStrictEqual(Object.keys(attributes).filter((key) => /header|user_agent|query|client/.test(key)), [])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("no query in the words of an error either, of its own request or of a call that it made", () =>
    Effect.gen(function*() {
      const call = HttpClientRequest.get("http://ada:secret@localhost/ask?key=secret")
      const failures: ReadonlyArray<HttpApp.Default<unknown>> = [
        Effect.flatMap(
          HttpServerRequest.HttpServerRequest,
          (request) => Effect.fail(new HttpServerError.ResponseError({ request, response: ok, reason: "Decode" }))
        ),
        Effect.fail(new HttpClientError.RequestError({ request: call, reason: "Transport" })),
        Effect.die(new HttpClientError.RequestError({ request: call, reason: "Transport" }))
      ]
      for (const app of failures) {
        const { send } = yield* serving(app)
        yield* send("http://localhost/upstream?token=secret")
      }
      const { spans, traces } = yield* recorded
      assert.deepStrictEqual(spans.map(({ error }) => error?.message), [
        "Decode error (200 GET /upstream)",
        "Transport error (GET http://localhost/ask?REDACTED)",
        "Transport error (GET http://localhost/ask?REDACTED)"
      ])
      assert.notInclude(JSON.stringify([spans, traces]), "secret")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("headers that are listed, but never credentials, nor what the application redacts", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(app, {
        requestHeaders: ["X-Tenant", ...Object.keys(headers)],
        responseHeaders: ["x-build", "set-cookie"],
        recordQuery: true
      }).pipe(Effect.locally(Headers.currentRedactedNames, ["x-internal"]))
      yield* send("http://localhost/?page=2", { method: "POST", headers })
      const attributes = yield* attributesOf
      assert.notInclude(JSON.stringify(attributes), "secret")
      assert.deepInclude(attributes, {
        "http.request.header.x-tenant": ["acme"],
        "http.request.header.user-agent": ["curl"],
        "http.response.header.x-build": ["7"],
        "url.query": "page=2"
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the scheme that the client spoke, also to whom stands before the server", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(Effect.succeed(ok))
      yield* send("https://localhost/")
      for (const proto of ["https", "HTTPS, http", "gopher"]) {
        yield* send("http://localhost/", { headers: { "x-forwarded-proto": proto } })
      }
      const { spans } = yield* recorded
      assert.deepStrictEqual(
        spans.map(({ attributes }) => attributes?.["url.scheme"]),
        ["https", "https", "https", "http"]
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a method that nobody knows, and a host that is none, are not made names", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(Effect.succeed(ok))
      yield* send("http://localhost/", { method: "PROPFIND", headers: { host: "a b<script>" } })
      const { spans: [request] } = yield* recorded
      assert.strictEqual(request!.name, "HTTP")
      assert.deepInclude(request!.attributes!, {
        "http.request.method": "_OTHER",
        "http.request.method_original": "PROPFIND"
      })
      assert.notProperty(request!.attributes, "server.address")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("what the program adds, by this library or by Effect", () =>
    Effect.gen(function*() {
      const app = Effect.zipRight(
        Effect.zipRight(annotate({ attributes: { tenant: "acme" } }), Effect.annotateCurrentSpan("plan", "free")),
        ok
      )
      const { send } = yield* serving(app)
      yield* send("http://localhost/")
      assert.deepInclude(yield* attributesOf, { tenant: "acme", plan: "free" })
    }).pipe(Effect.provide(Testing.layer())))
})

describe("the options of a server", () => {
  it.effect("a request that is not to be recorded still continues its trace", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(withSpan(ok, "check"), {
        shouldRecord: ({ url }) => !url.startsWith("/health")
      })
      yield* send("http://localhost/health", { headers: { traceparent } })
      yield* send("http://localhost/other", { headers: { traceparent } })
      const { spans } = yield* recorded
      assert.deepStrictEqual(spans.map(({ name, parentSpanId }) => [name, parentSpanId]), [
        ["check", callerId],
        ["GET", callerId],
        ["check", spans[1]!.spanId]
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the user of the caller is believed only where that is asked for", () =>
    Effect.gen(function*() {
      const headers = { traceparent, baggage: "user.id=ada,session.id=s%201,kb.id=k,tenant=acme" }
      const seen = Effect.zipWith(TraceContext.current, Baggage.current, (context, baggage) => [
        Option.getOrThrow(context).userId,
        Option.getOrThrow(context).sessionId,
        Option.getOrThrow(context).kbId,
        Baggage.format(baggage)
      ])
      const app = Effect.flatMap(seen, (values) => HttpServerResponse.json(values))
      const body = (options?: HttpPropagation.ServerOptions) =>
        Effect.flatMap(serving(app, options), ({ send }) => send("http://localhost/", { headers })).pipe(
          Effect.flatMap((response) => Effect.promise(() => response.json()))
        )
      assert.deepStrictEqual(yield* body(), [null, null, null, headers.baggage])
      assert.deepStrictEqual(yield* body({ subjects: true }), ["ada", "s 1", "k", "tenant=acme"])
      assert.deepStrictEqual(yield* body({ baggage: false, subjects: true }), [null, null, null, ""])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("baggage that is set inside of a request stands in front of what it came with", () =>
    Effect.gen(function*() {
      const mine = yield* Baggage.set(Baggage.empty, "mine", "1")
      const app = Baggage.current.pipe(
        Effect.map((baggage) => HttpServerResponse.text(Baggage.format(baggage))),
        Baggage.withBaggage(mine)
      )
      const { send } = yield* serving(app)
      const response = yield* send("http://localhost/", { headers: { baggage: "theirs=1" } })
      assert.strictEqual(yield* Effect.promise(() => response.text()), "mine=1")
    }).pipe(Effect.provide(Testing.layer())))
})

describe("what is put aside inside of a request", () => {
  const headersOf = (work: Effect.Effect<Readonly<Record<string, string>>, never, ObservabilityService>) =>
    Effect.gen(function*() {
      const { send } = yield* exchange(
        Effect.flatMap(work, (headers) => HttpServerResponse.json(headers)),
        HttpPropagation.layerServer()
      )
      const response = yield* send("http://localhost/", { headers: { traceparent, baggage: "theirs=1" } })
      return (yield* Effect.promise(() => response.json())) as Readonly<Record<string, string>>
    })

  it.effect("baggage that is emptied is not sent", () =>
    Effect.gen(function*() {
      const headers = yield* headersOf(Baggage.withBaggage(MessagePropagation.inject(), Baggage.empty))
      assert.deepStrictEqual(Object.keys(headers), ["traceparent"])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a message without a trace begins one, without the caller's baggage", () =>
    Effect.gen(function*() {
      const headers = yield* headersOf(MessagePropagation.withMessage(MessagePropagation.inject(), "work", {}))
      const { spans, traces } = yield* recorded
      const work = spans.find(({ name }) => name === "work")!
      assert.deepStrictEqual(Object.keys(headers), ["traceparent"])
      assert.strictEqual(TraceContext.fromHeaders(headers).context?.spanId, work.spanId)
      assert.deepStrictEqual(traces.map(({ traceId }) => traceId), [work.traceId])
      assert.notStrictEqual(work.traceId, traceId)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a message without a trace goes on without one, where nothing is recorded", () =>
    Effect.gen(function*() {
      const headers = yield* headersOf(MessagePropagation.withMessage(MessagePropagation.inject(), "work", {}))
      assert.deepStrictEqual(headers, {})
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})

describe("a request always goes on", () => {
  it.effect("when the application's filter throws", () =>
    Effect.gen(function*() {
      const { send } = yield* serving(Effect.succeed(ok), {
        shouldRecord: () => {
          throw new Error("no")
        }
      })
      assert.strictEqual((yield* send("http://localhost/")).status, 200)
      assert.strictEqual((yield* recorded).spans.length, 1)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("when a service records nothing: the trace is continued all the same", () =>
    Effect.gen(function*() {
      const app = Effect.flatMap(TraceContext.current, (context) =>
        HttpServerResponse.text(TraceContext.toTraceparent(Option.getOrThrow(context))))
      const { send } = yield* exchange(app, HttpPropagation.layerServer())
      const response = yield* send("http://localhost/", { headers: { traceparent } })
      const sent = yield* Effect.promise(() =>
        response.text()
      )
      assert.match(sent, new RegExp(`^00-${traceId}-(?!${callerId})[0-9a-f]{16}-03$`))
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})
