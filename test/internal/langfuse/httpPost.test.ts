import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Scope } from "effect"
import type { IncomingMessage, RequestListener, Server } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { gzipSync } from "node:zlib"
import { httpPost } from "../../../src/internal/langfuse/httpPost.ts"

const serve = (listener: RequestListener): Effect.Effect<{ server: Server; url: string }, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.async<Server>((resume) => {
      const server = createServer(listener).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.async<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => ({ server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/path` })))

describe("a POST request", () => {
  it.scopedLive("arrives whole, with its length, and gives what is answered", () =>
    Effect.gen(function*() {
      const body = "0123456789é".repeat(200_000)
      const received: Array<unknown> = []
      const { url } = yield* serve(async (request, response) => {
        const { "content-length": length, "x-own": own } = request.headers
        received.push(request.method, request.url, length, own, await text(request) === body)
        response.writeHead(207, { "retry-after": "7" }).end("{\"täken\":1}")
      })
      const { headers, status, text: answer } = yield* httpPost(url, { "x-own": "yes" }, Buffer.from(body))
      expect(received).toEqual(["POST", "/path", "2400000", "yes", true])
      expect({ status, answer, retryAfter: headers["retry-after"] }).toEqual({
        status: 207,
        answer: "{\"täken\":1}",
        retryAfter: "7"
      })
    }))

  it.scopedLive("goes by TLS wherever the address says so, in letters of any case", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((_, response) => response.end("{}"))
      expect((yield* httpPost(url.replace("http:", "HTTP:"), {}, Buffer.from("{}"))).status).toBe(200)
      // a server that does not know TLS
      const error = yield* Effect.flip(httpPost(url.replace("http:", "HTTPS:"), {}, Buffer.from("{}")))
      expect(error.code).not.toBe("ERR_INVALID_PROTOCOL")
    }))

  it.scopedLive("asks for an answer that is not compressed", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((request, response) => {
        request.resume()
        if (request.headers["accept-encoding"] === "identity") return response.end("{}")
        response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("{}"))
      })
      expect((yield* httpPost(url, {}, Buffer.from("{}"))).text).toBe("{}")
    }))

  it.scopedLive("that is refused before it has been read gives the refusal, and closes the connection", () =>
    Effect.gen(function*() {
      const closed = yield* Deferred.make<void>()
      const { url } = yield* serve((request, response) => {
        request.socket.on("close", () => Deferred.unsafeDone(closed, Effect.void))
        response.writeHead(413).end("too large")
      })
      const { status, text: answer } = yield* httpPost(url, {}, Buffer.alloc(50_000_000))
      expect({ status, answer }).toEqual({ status: 413, answer: "too large" })
      yield* Deferred.await(closed)
    }))

  it.scopedLive("goes by another connection where the one that was kept open is closed under it", () =>
    Effect.gen(function*() {
      const seen = new WeakSet<object>()
      const outcomes: Array<string> = []
      const { url } = yield* serve((request, response) => {
        if (seen.has(request.socket)) {
          outcomes.push("closed")
          request.socket.destroy()
        } else {
          seen.add(request.socket)
          outcomes.push("answered")
          request.resume().on("end", () => response.end("{}"))
        }
      })
      const body = Buffer.from("{}")
      yield* httpPost(url, {}, body)
      const { text: answer } = yield* httpPost(url, {}, body)
      expect(answer).toBe("{}")
      expect(outcomes).toEqual(["answered", "closed", "answered"])
    }))

  it.scopedLive("fails where a new connection is closed under it, and is not repeated", () =>
    Effect.gen(function*() {
      let requests = 0
      const { url } = yield* serve((request: IncomingMessage) => {
        requests++
        request.socket.resetAndDestroy()
      })
      const error = yield* Effect.flip(httpPost(url, {}, Buffer.from("{}")))
      expect(error.code).toBe("ECONNRESET")
      expect(requests).toBe(1)
    }))

  it.scopedLive("fails where the answer breaks off", () =>
    Effect.gen(function*() {
      const { url } = yield* serve((_, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("{", () => response.destroy())
      })
      const error = yield* Effect.flip(httpPost(url, {}, Buffer.from("{}")))
      expect(error.code).toBe("ECONNRESET")
    }))

  it.scopedLive("closes its connection when it is interrupted", () =>
    Effect.gen(function*() {
      const arrived = yield* Deferred.make<void>()
      const closed = yield* Deferred.make<void>()
      const { url } = yield* serve((request) => {
        request.socket.on("close", () => Deferred.unsafeDone(closed, Effect.void))
        Deferred.unsafeDone(arrived, Effect.void)
      })
      const fiber = yield* Effect.fork(httpPost(url, {}, Buffer.from("{}")))
      yield* Deferred.await(arrived)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(closed)
    }))
})
