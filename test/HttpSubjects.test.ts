/** Who a request is for, as only its authentication learns: the request's own record has begun by then. */
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSecurity,
  HttpClient,
  HttpClientResponse,
  HttpMiddleware,
  HttpRouter,
  HttpServer,
  HttpServerRequest,
  HttpServerResponse
} from "@effect/platform"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, Redacted, Schema, Stream } from "effect"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as EffectTracer from "../src/EffectTracer.ts"
import * as HttpPropagation from "../src/HttpPropagation.ts"
import { logLlmCall } from "../src/Log.ts"
import { ObservabilityService } from "../src/ObservabilityService.ts"
import { annotateTrace, withSpan, withSpanStream } from "../src/Span.ts"
import * as Testing from "../src/Testing.ts"
import { exchange } from "./httpExchange.ts"

/** Around the router: the user is who the token names. */
const authenticated = HttpMiddleware.make((app) =>
  Effect.gen(function*() {
    const { headers } = yield* HttpServerRequest.HttpServerRequest
    const userId = headers["authorization"]?.replace("Bearer ", "")
    yield* annotateTrace({ userId, sessionId: userId && `session of ${userId}` }).pipe(withSpan("authenticate"))
    return yield* app
  })
)

const whom = Effect.gen(function*() {
  const { of } = yield* Testing.Recorded
  const records = [...yield* of("Trace"), ...yield* of("Span")]
  return records.map(({ _tag, name, userId }) => `${_tag} ${name}: ${userId}`)
})

const get = (user: string, headers?: Readonly<Record<string, string>>) => ({
  headers: { ...headers, authorization: `Bearer ${user}` }
})

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03"

const answer = logLlmCall({ model: "parrot" }).pipe(
  Effect.withSpan("native"),
  withSpan("answer"),
  Effect.as(HttpServerResponse.text("hello"))
)

const app = authenticated(HttpRouter.empty.pipe(HttpRouter.get("/", answer)))

const inRequest = [
  "Span authenticate: ada",
  "Span answer: ada"
]

describe("a user whom the authentication of a request finds", () => {
  it.effect("is that of the trace, of the request's own span, and of what comes after", () =>
    Effect.gen(function*() {
      const { send } = yield* exchange(app, HttpPropagation.layerServer())
      yield* send("http://localhost/", get("ada"))
      assert.deepStrictEqual(yield* whom, [
        "Trace GET /: ada",
        "Span GET /: ada",
        ...inRequest,
        "Span chat parrot: ada"
      ])
      const [trace] = yield* (yield* Testing.Recorded).of("Trace")
      assert.strictEqual(trace!.sessionId, "session of ada")
    }).pipe(Effect.provide(Testing.layer())))

  it.effect.each<
    readonly [string, Layer.Layer<never, never, ObservabilityService>]
  >([
    ["around", HttpPropagation.layerServer().pipe(Layer.provideMerge(EffectTracer.layer()))],
    ["within", EffectTracer.layer().pipe(Layer.provideMerge(HttpPropagation.layerServer()))]
  ])(
    "is that of native spans, too, where EffectTracer records the request (%s)",
    ([, layer]) =>
      Effect.gen(function*() {
        const { send } = yield* exchange(app, layer)
        yield* send("http://localhost/", get("ada"))
        assert.deepStrictEqual(yield* whom, [
          "Trace GET /: ada",
          "Span GET /: ada",
          ...inRequest,
          "Span native: ada",
          "Span chat parrot: ada"
        ])
      }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("is that of the request's part of a trace that it continues, and not of another request's", () =>
    Effect.gen(function*() {
      const bobIsIn = yield* Deferred.make<void>()
      const adaIsIn = yield* Deferred.make<void>()
      const meeting = authenticated(
        Effect.gen(function*() {
          const { headers } = yield* HttpServerRequest.HttpServerRequest
          const isAda = headers["authorization"] === "Bearer ada"
          yield* Deferred.succeed(isAda ? adaIsIn : bobIsIn, undefined)
          yield* Deferred.await(isAda ? bobIsIn : adaIsIn)
          return yield* answer
        })
      )
      const { send } = yield* exchange(meeting, HttpPropagation.layerServer())
      yield* Effect.all([
        send("http://localhost/", get("ada", { traceparent })),
        send("http://localhost/", get("bob", { traceparent }))
      ], { concurrency: "unbounded" })
      assert.sameMembers(
        yield* whom,
        ["ada", "bob"].flatMap((user) =>
          ["GET", "authenticate", "answer", "chat parrot"].map((name) => `Span ${name}: ${user}`)
        )
      )
      const requests = (yield* (yield* Testing.Recorded).of("Span")).filter(({ name }) => name === "GET")
      assert.deepStrictEqual(requests.map(({ parentIsRemote }) => parentIsRemote), [true, true])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("takes the place of one that came with the request", () =>
    Effect.gen(function*() {
      const { send } = yield* exchange(app, HttpPropagation.layerServer({ subjects: true }))
      yield* send("http://localhost/", get("ada", { traceparent, baggage: "user.id=guest" }))
      assert.isTrue((yield* whom).every((line) => line.endsWith(": ada")))
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is told to the services that the request calls, where subjects are", () =>
    Effect.gen(function*() {
      const sent: Array<string | undefined> = []
      const network = HttpClient.make((request) => {
        sent.push(request.headers["baggage"])
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
      })
      const calling = Effect.gen(function*() {
        const client = yield* HttpClient.HttpClient
        yield* client.get("http://localhost/search")
        return HttpServerResponse.text("ok")
      })
      for (const subjects of [false, true]) {
        const layer = Layer.merge(
          HttpPropagation.layerServer(),
          HttpPropagation.layerClient({ subjects }).pipe(Layer.provide(Layer.succeed(HttpClient.HttpClient, network)))
        )
        const { send } = yield* exchange(authenticated(calling), layer)
        yield* send("http://localhost/", get("ada"))
      }
      assert.deepStrictEqual(sent, [undefined, "user.id=ada,session.id=session%20of%20ada"])
    }).pipe(Effect.provide(Testing.layer())))

  it.scopedLive("is that of a body that is streamed when the handler has returned", () =>
    Effect.gen(function*() {
      const service = yield* ObservabilityService
      const body = Stream.make("he", "llo").pipe(
        Stream.encodeText,
        withSpanStream("stream", { type: "llm" }),
        Stream.provideService(ObservabilityService, service)
      )
      const server = createServer()
      yield* Layer.build(
        HttpServer.serve(authenticated(Effect.sync(() => HttpServerResponse.stream(body)))).pipe(
          Layer.provide(NodeHttpServer.layer(() => server, { port: 0 })),
          Layer.provide(HttpPropagation.layerServer())
        )
      )
      const { port } = server.address() as AddressInfo
      const text = yield* Effect.promise(() =>
        fetch(`http://127.0.0.1:${port}/`, get("ada")).then((response) => response.text())
      )
      assert.strictEqual(text, "hello")
      assert.deepStrictEqual(yield* whom, [
        "Trace GET: ada",
        "Span GET: ada",
        "Span authenticate: ada",
        "Span stream: ada"
      ])
    }).pipe(Effect.provide(Testing.layer())))

  it.effect("is said by the security of an HttpApi, around which nothing can be put", () =>
    Effect.gen(function*() {
      class User extends Context.Tag("User")<User, { readonly id: string }>() {}
      class Authentication extends HttpApiMiddleware.Tag<Authentication>()("Authentication", {
        provides: User,
        security: { bearer: HttpApiSecurity.bearer }
      }) {}
      const api = HttpApi.make("api").add(
        HttpApiGroup.make("users")
          .add(HttpApiEndpoint.get("me", "/me").addSuccess(Schema.String))
          .middleware(Authentication)
      )
      const service = yield* ObservabilityService
      const authentication = Layer.succeed(Authentication, {
        bearer: (token) =>
          Effect.succeed({ id: Redacted.value(token) }).pipe(
            Effect.tap(({ id }) => annotateTrace({ userId: id })),
            Effect.provideService(ObservabilityService, service)
          )
      })
      const users = HttpApiBuilder.group(
        api,
        "users",
        (handlers) => handlers.handle("me", () => Effect.map(User, ({ id }) => id).pipe(withSpan("find")))
      )
      const { dispose, handler } = HttpApiBuilder.toWebHandler(
        Layer.mergeAll(HttpApiBuilder.api(api), HttpServer.layerContext).pipe(
          Layer.provide(users),
          Layer.provide(authentication),
          Layer.provideMerge(HttpPropagation.layerServer()),
          Layer.provideMerge(Layer.succeed(ObservabilityService, service))
        )
      )
      const response = yield* Effect.promise(() => handler(new Request("http://localhost/me", get("ada"))))
      assert.strictEqual(yield* Effect.promise(() => response.text()), "\"ada\"")
      yield* Effect.promise(dispose)
      assert.deepStrictEqual(yield* whom, ["Trace GET /me: ada", "Span GET /me: ada", "Span find: ada"])
    }).pipe(Effect.provide(Testing.layer())))
})
