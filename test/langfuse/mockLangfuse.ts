/**
 * A Langfuse server for tests: it answers as version 4.16.0 was recorded to, or as version 3 does by its source, and
 * fails in all the ways that servers and the proxies before them fail.
 */
import { Effect } from "effect"
import type { Scope } from "effect"
import type { IncomingMessage, ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { isObject, issuesOf } from "./eventSchema.ts"
import type { StoredEvent } from "./ingestionRows.ts"
import { IngestionRows } from "./ingestionRows.ts"
import { OtlpRows } from "./otlpRows.ts"

/**
 * - `4`: version 4 as it is delivered, OTLP only
 * - `4-dual`: version 4 that still takes ingestion
 * - `3`: version 3
 * - `3.21`: before there was OTLP, and before observations had types
 */
export type Mode = "4" | "4-dual" | "3" | "3.21"

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

/** Answers in the server's place; `false` leaves the answer to the server. */
export type Fault = (response: ServerResponse, request: Received) => boolean

export const publicKey = "pk-lf-test"
export const secretKey = "sk-lf-test"

export class MockLangfuse {
  ingestion = new IngestionRows()
  otlp = new OtlpRows()
  readonly received: Array<Received> = []
  url = ""
  mode: Mode
  fault: Fault = () => false
  /** The most connections that were open at a time. */
  maxSockets = 0
  readonly server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("error", () => {})
    request.on("end", () => this.onRequest(request, response, Buffer.concat(chunks)))
  })
  private sockets = 0

  constructor(mode: Mode) {
    this.mode = mode
    this.server.on("connection", (socket) => {
      this.maxSockets = Math.max(this.maxSockets, ++this.sockets)
      socket.on("close", () => this.sockets--)
    })
  }

  /** Lets go of what is stored. */
  forget(): void {
    this.ingestion = new IngestionRows()
    this.otlp = new OtlpRows()
  }

  /** Requests that carried records. */
  get batches(): ReadonlyArray<Received> {
    return this.received.filter((request) => request.method === "POST")
  }

  private onRequest(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const received = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: body.toString()
    }
    this.received.push(received)
    if (this.fault(response, received)) return
    if (received.path === "/api/public/health") {
      return json(response, 200, { status: "OK", version: versions[this.mode] })
    }
    const [status, answer] = this.answer(received)
    if (typeof answer === "string") text(response, status, answer)
    else json(response, status, answer)
  }

  private answer({ body, headers, method, path }: Received): readonly [status: number, answer: unknown] {
    // where a proxy sends whoever it does not know
    if (path === "/login") return [200, html]
    const isIngestion = path === "/api/public/ingestion"
    if (!isIngestion && (path !== "/api/public/otel/v1/traces" || this.mode === "3.21")) return [404, "Not Found"]
    if (method !== "POST") return [405, { message: "Method not allowed" }]
    const key = this.keyOf(headers)
    if (typeof key !== "boolean") return [401, { error: "UnauthorizedError", message: key.error }]
    if (isIngestion && Buffer.byteLength(body) > 4.5 * 1024 * 1024) return [413, "Body exceeded 4.5mb limit"]
    const parsed = parse(body, headers)
    if (parsed === undefined) return [400, isIngestion ? "Invalid JSON" : { error: "Failed to parse OTel JSON Trace" }]
    return isIngestion ? this.ingest(parsed.value, key) : this.trace(parsed.value)
  }

  /** Whether the request may do more than to score. */
  private keyOf({ authorization }: IncomingMessage["headers"]): boolean | { readonly error: string } {
    if (authorization === undefined) return { error: "No authorization header" }
    if (authorization === `Bearer ${publicKey}`) return false
    return authorization === `Basic ${btoa(`${publicKey}:${secretKey}`)}`
      ? true
      : { error: "Invalid credentials. Confirm that you've configured the correct host." }
  }

  private ingest(request: unknown, isWhole: boolean): readonly [number, unknown] {
    if (!isObject(request)) return invalid(`expected object, received ${request === null ? "null" : typeof request}`)
    const { batch } = request
    if (!Array.isArray(batch)) return invalid(`expected array, received ${typeof batch}`)
    const successes: Array<unknown> = []
    const errors: Array<unknown> = []
    const accepted: Array<StoredEvent> = []
    for (const event of batch as ReadonlyArray<unknown>) {
      const id = isObject(event) && typeof event["id"] === "string" ? event["id"] : "unknown"
      const issues = issuesOf(event, this.mode !== "3.21")
      if (issues.length > 0) {
        errors.push({ id, status: 400, message: "Invalid request data", error: JSON.stringify(issues, null, 2) })
        continue
      }
      const { body, type } = event as StoredEvent
      if (this.mode === "4" && type !== "score-create" && type !== "sdk-log") {
        errors.push({ id, status: 400, message: "Event type not accepted" })
      } else if (!isWhole && type !== "score-create") {
        errors.push({ id, status: 401, message: "Authentication error", error: "Access Scope Denied" })
      } else if (type !== "sdk-log") {
        // the recorded server kept its objects in files, whose names have a limit
        if (String(body["id"]).length === 800) return [500, "<!DOCTYPE html><html></html>"]
        successes.push({ id, status: 201 })
        accepted.push(event as StoredEvent)
      }
    }
    this.ingestion.add(accepted)
    return [207, { successes, errors }]
  }

  private trace(request: unknown): readonly [number, unknown] {
    const refusal = this.otlp.add(request)
    return refusal === undefined ? [200, { id: "job", name: "otel-ingestion-job" }] : [400, { error: refusal }]
  }
}

/** A running server, which ends with its scope. */
export const mockLangfuse = (mode: Mode): Effect.Effect<MockLangfuse, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => listen(new MockLangfuse(mode), 0)),
    (mock) =>
      Effect.async<void>((resume) => {
        mock.server.close(() => resume(Effect.void))
        mock.server.closeAllConnections()
      })
  )

export const listen = (mock: MockLangfuse, port: number): Effect.Effect<MockLangfuse> =>
  Effect.async((resume) => {
    mock.server.listen(port, "127.0.0.1", () => {
      mock.url = `http://127.0.0.1:${(mock.server.address() as AddressInfo).port}`
      resume(Effect.succeed(mock))
    })
  })

/** Fails the next `times` requests that carry records, and lets all others through. */
export const failing = (times: number, fault: Fault): Fault => {
  let left = times
  return (response, request) => request.method === "POST" && left-- > 0 && fault(response, request)
}

export const answering =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Fault => (response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (typeof body === "string") text(response, status, body)
    else json(response, status, body)
    return true
  }

export const html = "<html><body><h1>502 Bad Gateway</h1></body></html>"

export const resetting: Fault = (response) => {
  response.socket?.resetAndDestroy()
  return true
}

export const hanging: Fault = () => true

export const hangingAfterHeaders: Fault = (response) => {
  response.writeHead(207, { "content-type": "application/json" })
  response.write("{\"successes\":[")
  return true
}

const versions: Readonly<Record<Mode, string>> = { "4": "4.16.0", "4-dual": "4.16.0", "3": "3.225.4", "3.21": "3.21.0" }

const invalid = (error: string): readonly [number, unknown] => [400, {
  message: "Invalid request data",
  errors: [`Invalid input: ${error}`]
}]

const parse = (body: string, headers: IncomingMessage["headers"]): { readonly value: unknown } | undefined => {
  if (headers["content-type"]?.startsWith("text/")) return { value: body }
  try {
    return { value: JSON.parse(body) as unknown }
  } catch {
    return undefined
  }
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" })
  response.end(JSON.stringify(body))
}

/** As Next.js answers what its handlers did not: without a type, or as a page. */
const text = (response: ServerResponse, status: number, body: string): void => {
  if (body.startsWith("<")) response.setHeader("content-type", "text/html; charset=utf-8")
  response.writeHead(status)
  response.end(body)
}
