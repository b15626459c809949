import { FetchHttpClient, HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "@effect/platform"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Schedule, Scope } from "effect"
import * as Baggage from "../src/Baggage.ts"
import * as EffectTracer from "../src/EffectTracer.ts"
import * as HttpPropagation from "../src/HttpPropagation.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { withTrace, withTraceContext } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { TraceContext } from "../src/TraceContext.ts"

/** A network that keeps what is sent, and answers with the given codes one after the other, the last one for ever. */
const network = (...codes: ReadonlyArray<number>) => {
  const sent: Array<HttpClientRequest.HttpClientRequest> = []
  const signals: Array<AbortSignal> = []
  const client = HttpClient.make((request, _url, signal) => {
    const status = codes[Math.min(sent.length, codes.length - 1)] ?? 200
    sent.push(request)
    signals.push(signal)
    return Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status })))
  })
  return { client, sent, signals }
}

const over = (client: HttpClient.HttpClient, options?: HttpPropagation.ClientOptions) =>
  Effect.provide(
    HttpClient.HttpClient,
    Layer.provide(HttpPropagation.layerClient(options), Layer.succeed(HttpClient.HttpClient, client))
  )

const recorded = Effect.flatMap(Testing.Recorded, ({ of }) => of("Span"))

const parentOf = (request: HttpClientRequest.HttpClientRequest | undefined) =>
  TraceContext.fromHeaders(request?.headers ?? {}).context

const traceId = "0af7651916cd43dd8448eb211c80319c"

const received = TraceContext.fromHeaders({
  traceparent: `00-${traceId}-b7ad6b7169203331-02`,
  tracestate: "congo=t61"
}).context!

describe("a call", () => {
  it.effect("is a span of its own, whose id, state, flags and baggage are what the called service gets", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const traced = yield* over(client)
      const baggage = yield* Baggage.set(Baggage.empty, "tenant", "acme")
      yield* traced.get("http://user:secret@localhost:8080/ask?key=secret#part").pipe(
        Baggage.withBaggage(baggage),
        withTraceContext(received)
      )
      const [span] = yield* recorded
      assert.deepStrictEqual([span!.kind, span!.name, span!.parentSpanId], ["client", "GET", received.spanId])
      const { b3, baggage: carried, traceparent, tracestate } = sent[0]!.headers
      assert.strictEqual(traceparent, `00-${traceId}-${span!.spanId}-02`)
      assert.deepStrictEqual([tracestate, carried, b3], ["congo=t61", "tenant=acme", undefined])
      assert.deepStrictEqual(span!.attributes, {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "localhost",
        "server.port": 8080,
        "url.full": "http://localhost:8080/ask?REDACTED"
      })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("outside of any trace is one, and is recorded below the trace that the program runs in", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const traced = yield* over(client)
      yield* traced.get("https://localhost/")
      yield* traced.get("https://localhost/").pipe(withTrace("job"))
      assert.strictEqual(
        yield* (yield* Testing.Recorded).tree,
        "trace GET [success 0ms]\n└─ span GET [success 0ms]\ntrace job [success 0ms]\n└─ span GET [success 0ms]"
      )
      const spans = yield* recorded
      assert.deepStrictEqual(sent.map((request) => parentOf(request)?.spanId), spans.map(({ spanId }) => spanId))
      assert.strictEqual(spans[0]!.attributes?.["server.port"], 443)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("that is tried again has an id for each attempt", () =>
    Effect.gen(function*() {
      const { client, sent } = network(503, 503, 200)
      const traced = (yield* over(client)).pipe(
        HttpClient.filterStatusOk,
        HttpClient.retry(Schedule.recurs(5))
      )
      yield* traced.get("http://localhost/").pipe(withTrace("job"))
      const spans = yield* recorded
      assert.deepStrictEqual(spans.map(({ error, status }) => [status, error?.type]), [
        ["error", "503"],
        ["error", "503"],
        ["success", undefined]
      ])
      assert.deepStrictEqual(sent.map((request) => parentOf(request)?.spanId), spans.map(({ spanId }) => spanId))
      assert.strictEqual(new Set(sent.map((request) => parentOf(request)?.traceId)).size, 1)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("that is answered with 400 or more, fails, or is interrupted, is recorded as that", () =>
    Effect.gen(function*() {
      const refusing = HttpClient.make((request) =>
        Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", cause: new Error("refused") }))
      )
      const started = yield* Deferred.make<void>()
      const hanging = HttpClient.make(() => Effect.zipRight(Deferred.succeed(started, undefined), Effect.never))
      yield* (yield* over(network(404).client)).get("http://localhost/")
      assert.isTrue(Exit.isFailure(yield* Effect.exit((yield* over(refusing)).get("http://localhost/"))))
      const fiber = yield* Effect.fork((yield* over(hanging)).get("http://localhost/"))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(
        (yield* recorded).map(({ error, status }) => [status, error?.type]),
        [["error", "404"], ["error", "RequestError"], ["interrupted", undefined]]
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive.each(
    [["fetch", FetchHttpClient.layer], ["node:http", NodeHttpClient.layer], [
      "undici",
      NodeHttpClient.layerUndici
    ]] as const
  )("that fails tells neither credentials nor what was asked, by %s", ([, layer]) =>
    Effect.gen(function*() {
      const traced = yield* over(yield* HttpClient.HttpClient)
      const call = traced.get("http://ada:hunter2@127.0.0.1:1/ask?key=secret#part", { urlParams: { token: "secret" } })
      yield* Effect.exit(call)
      const [span] = yield* recorded
      assert.strictEqual(span!.error?.type, "RequestError")
      assert.strictEqual(span!.error?.message, "Transport error (GET http://127.0.0.1:1/ask?REDACTED)")
      assert.include(span!.error?.cause, "[cause]: ")
      assert.notMatch(JSON.stringify([span, yield* (yield* Testing.Recorded).of("Trace")]), /secret|hunter2/)
    }).pipe(Effect.provide(layer), Effect.provide(Testing.layer())))

  it.effect("that fails tells what was asked only where that is wanted", () =>
    Effect.gen(function*() {
      const messageOf = (url: string, options?: HttpPropagation.ClientOptions) =>
        Effect.gen(function*() {
          const refusing = HttpClient.make((request) =>
            Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport", description: `no ${url}` }))
          )
          yield* Effect.exit((yield* over(refusing, options)).get(url))
          return (yield* recorded).at(-1)!.error?.message
        })
      assert.strictEqual(
        yield* messageOf("http://ada:hunter2@localhost/?page=2", { recordQuery: true }),
        "Transport: no http://localhost/?page=2 (GET http://localhost/?page=2)"
      )
      assert.strictEqual(
        yield* messageOf("http://localhost/"),
        "Transport: no http://localhost/ (GET http://localhost/)"
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("that another tracer of the library records fails there in the same words", () =>
    Effect.gen(function*() {
      const refusing = HttpClient.make((request) =>
        Effect.fail(new HttpClientError.RequestError({ request, reason: "Transport" }))
      )
      yield* Effect.exit((yield* over(refusing)).get("http://ada:hunter2@localhost/?key=secret"))
      assert.deepStrictEqual(
        (yield* recorded).map(({ error }) => error?.message),
        ["Transport error (GET http://localhost/?REDACTED)"]
      )
      assert.notMatch(JSON.stringify(yield* recorded), /secret|hunter2/)
    }).pipe(Effect.provide(EffectTracer.layer()), Effect.provide(Testing.layer())))

  it.effect("of a client that adds its own base address is recorded without an address, and tells nobody", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const based = HttpClient.mapRequest(client, HttpClientRequest.prependUrl("https://third.party"))
      const traced = yield* over(based, { propagateTo: () => true })
      yield* traced.get("/ask?key=secret").pipe(withTrace("job"))
      assert.strictEqual(sent[0]!.url, "https://third.party/ask?key=secret")
      for (const name of ["traceparent", "tracestate", "b3", "baggage"]) assert.notProperty(sent[0]!.headers, name)
      const [span] = yield* recorded
      assert.deepStrictEqual([span!.kind, span!.name, span!.status], ["client", "GET", "success"])
      assert.deepStrictEqual(span!.attributes, { "http.request.method": "GET", "http.response.status_code": 200 })
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("of what is no address at all is one that fails, and quotes nothing of it", () =>
    Effect.gen(function*() {
      yield* Effect.exit((yield* over(network().client)).get("/ask?key=secret"))
      const [span] = yield* recorded
      assert.deepStrictEqual([span!.status, span!.error?.message], ["error", "InvalidUrl error (GET REDACTED)"])
      assert.notInclude(JSON.stringify(span), "secret")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("keeps the scope that the program gave it", () =>
    Effect.gen(function*() {
      const { client, signals } = network()
      const scope = yield* Scope.make()
      const traced = (yield* over(client)).pipe(HttpClient.withScope)
      yield* Scope.extend(traced.get("http://localhost/"), scope)
      assert.isFalse(signals[0]!.aborted)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(signals[0]!.aborted)
    }).pipe(Effect.provide(Testing.layer())))
})

describe("who is told", () => {
  const told = (options: HttpPropagation.ClientOptions | undefined, ...urls: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const traced = yield* over(client, options)
      for (const url of urls) yield* traced.get(url)
      return sent.map((request) => "traceparent" in request.headers)
    })

  it.effect("nobody but the machine itself, unless hosts are named", () =>
    Effect.gen(function*() {
      const own = ["http://localhost/", "http://127.0.0.1:80/", "http://[::1]:1/", "http://app.localhost/"]
      const others = [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://localhost.example/",
        "http://127.0.0.1.example/"
      ]
      assert.deepStrictEqual(yield* told(undefined, ...own), [true, true, true, true])
      assert.deepStrictEqual(yield* told(undefined, ...others), [false, false, false, false])
      // calls of others are recorded all the same
      assert.strictEqual((yield* recorded).length, 8)
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the hosts that are named, and only those", () =>
    Effect.gen(function*() {
      const options = { propagateTo: ["API.internal", "*.example.com", "db:5432"] }
      assert.deepStrictEqual(
        yield* told(options, "http://api.internal:9000/", "http://a.b.example.com/", "http://db:5432/"),
        [true, true, true]
      )
      assert.deepStrictEqual(
        yield* told(options, "http://localhost/", "http://example.com/", "http://evilexample.com/", "http://db:80/"),
        [false, false, false, false]
      )
      assert.deepStrictEqual(yield* told({ propagateTo: ({ port }) => port === "1" }, "http://a:1/", "http://a:2/"), [
        true,
        false
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("a host that is named with a port, also where that is the one of the scheme and the address leaves it out", () =>
    Effect.gen(function*() {
      const options = { propagateTo: ["api.internal:443", "search.internal:80", "[::1]:80", "*.example.com:443"] }
      assert.deepStrictEqual(
        yield* told(
          options,
          "https://api.internal/",
          "https://api.internal:443/",
          "http://search.internal/",
          "http://[::1]/",
          "https://a.example.com/"
        ),
        [true, true, true, true, true]
      )
      assert.deepStrictEqual(
        yield* told(options, "http://api.internal/", "https://search.internal/", "https://api.internal:8443/"),
        [false, false, false]
      )
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("nobody, when a function that is to know throws", () =>
    Effect.gen(function*() {
      const propagateTo = () => {
        throw new Error("no")
      }
      assert.deepStrictEqual(yield* told({ propagateTo }, "http://localhost/"), [false])
    }).pipe(Effect.provide(Testing.layer())))
})

describe("what is told", () => {
  it.effect("b3 and the user, only where that is asked for", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const call = (options?: HttpPropagation.ClientOptions) =>
        Effect.flatMap(over(client, options), (traced) => traced.get("http://localhost/")).pipe(
          withTrace("job", { userId: "ada", sessionId: "s 1" })
        )
      yield* call()
      yield* call({ b3: true, subjects: true })
      const [, span] = yield* recorded
      assert.notProperty(sent[0]!.headers, "baggage")
      assert.strictEqual(sent[1]!.headers["b3"], `${span!.traceId}-${span!.spanId}-1`)
      assert.strictEqual(sent[1]!.headers["baggage"], "user.id=ada,session.id=s%201")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the trace of this call, in the place of one that the program set", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const traced = yield* over(client)
      yield* traced.execute(
        HttpClientRequest.get("http://localhost/").pipe(
          HttpClientRequest.setHeaders({ traceparent: "stale", tracestate: "stale=1" })
        )
      )
      assert.strictEqual(parentOf(sent[0])?.spanId, (yield* recorded)[0]!.spanId)
      assert.notProperty(sent[0]!.headers, "tracestate")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("nothing, where the program wants no propagation, or no span at all", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const traced = yield* over(client)
      yield* HttpClient.withTracerPropagation(traced, false).get("http://localhost/")
      assert.strictEqual((yield* recorded).length, 1)
      yield* traced.get("http://localhost/").pipe(Effect.withTracerEnabled(false))
      yield* HttpClient.withTracerDisabledWhen(traced, () => true).get("http://localhost/")
      assert.strictEqual((yield* recorded).length, 1)
      for (const { headers } of sent) assert.notProperty(headers, "traceparent")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("the trace that goes on, by a service that records nothing; its own have no id of this library's form", () =>
    Effect.gen(function*() {
      const { client, sent } = network()
      const traced = yield* over(client)
      yield* traced.get("http://localhost/").pipe(withTraceContext(received))
      yield* traced.get("http://localhost/")
      const [continued, begun] = sent.map((request) => parentOf(request)!)
      assert.strictEqual(continued!.traceId, traceId)
      assert.notStrictEqual(continued!.spanId, received.spanId)
      assert.strictEqual(continued!.traceState?.text, "congo=t61")
      assert.isDefined(begun)
      assert.isTrue(begun!.random)
    }).pipe(Effect.provide(ObservabilityService.layerNoop)))
})
