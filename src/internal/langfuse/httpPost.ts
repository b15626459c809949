/**
 * A POST request by Node's own HTTP, its body in pieces, with a turn of the event loop after each.
 *
 * `fetch` copies a body twice, each time as a whole and into memory that is new, which held the event loop for 7 ms for a
 * body of 1 MB, and writes it to the socket in one step. This takes less than half of its processor time.
 */
import * as Effect from "effect/Effect"
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http"

/** What a server answers, read to its end. A redirection is an answer like others. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Interrupted, it closes the connection. */
export const httpPost = (
  url: string,
  headers: OutgoingHttpHeaders,
  body: Buffer
): Effect.Effect<Answer, NodeJS.ErrnoException> =>
  Effect.flatMap(protocolOf(url), (protocol) =>
    Effect.async((resume) => {
      const request = protocol.request(url, {
        method: "POST",
        // without a word on it, a proxy may compress its answers, which are some bytes
        headers: { ...headers, "accept-encoding": "identity", "content-length": body.length }
      })
      const fail = (error: NodeJS.ErrnoException) => resume(Effect.fail(error))
      request.on("error", (error) =>
        // The server may have closed a connection that was kept open just when it was used again.
        request.reusedSocket && isBrokenOff(error) ? resume(httpPost(url, headers, body)) : fail(error))
      request.on("response", (response) => {
        read(response, (answer) => {
          // An answer before all is sent is a refusal, and the rest is not wanted.
          if (!request.writableFinished) request.destroy()
          resume(Effect.succeed(answer))
        }, fail)
      })
      write(request, body)
      return Effect.sync(() => request.destroy())
    }))

/** Whether the other side has closed the connection. */
export const isBrokenOff = ({ code }: NodeJS.ErrnoException): boolean => code === "ECONNRESET" || code === "EPIPE"

// internal

/** Loaded when there is something to send: TLS takes a program 5 ms to load. */
const protocolOf = (url: string) =>
  Effect.promise(() => new URL(url).protocol === "https:" ? import("node:https") : import("node:http"))

/** In bytes: some 0.1 ms to copy into the socket. */
const pieceLength = 65_536

const write = (request: ClientRequest, body: Buffer): void => {
  let from = 0
  const next = (): void => {
    if (request.destroyed) return
    if (body.length - from <= pieceLength) {
      request.end(body.subarray(from))
    } else if (request.write(body.subarray(from, from += pieceLength))) {
      setImmediate(next)
    } else {
      // It may have drained within this turn: sockets take some megabytes at once.
      request.once("drain", () => setImmediate(next))
    }
  }
  next()
}

const read = (
  response: IncomingMessage,
  onEnd: (answer: Answer) => void,
  onError: (error: NodeJS.ErrnoException) => void
): void => {
  const { headers, statusCode: status = 0 } = response
  let text = ""
  response.setEncoding("utf8")
  response.on("data", (piece: string) => text += piece)
  response.on("end", () => onEnd({ status, headers, text }))
  response.on("error", onError)
}
