/**
 * Requests to a Langfuse server, by the client of the `langfuse` package: its address, its `fetch` and its API.
 *
 * Its queue is not used: it has no bound, loses what a proxy answers instead of the server, and can end the process. Nor
 * does its API send the batches, as it makes JSON of all of a body at once.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { inTimeSlices } from "../timeSlices.ts"
import { RequestFailure } from "./failure.ts"
import { requestBody } from "./requestBody.ts"
import { describe, retryAfterOf } from "./response.ts"

export interface Server {
  readonly publicKey: Redacted.Redacted
  readonly secretKey: Redacted.Redacted
  readonly host: string
  readonly requestTimeout: Duration.Duration
}

export interface Transport {
  /** Sends JSON, and gives the JSON that is answered. */
  readonly post: (path: string, body: unknown) => Effect.Effect<unknown, RequestFailure>
  /** The version that the server says it has. */
  readonly version: Effect.Effect<string, RequestFailure>
}

export const ingestionPath = "/api/public/ingestion"
export const otlpPath = "/api/public/otel/v1/traces"

/** Loads the package with the first request: it costs an application nothing until there is something to send. */
export const make = (server: Server): Effect.Effect<Transport> =>
  Effect.map(Effect.cached(connect(server)), (connected) => {
    const request = (
      timeout: Duration.Duration,
      send: (client: Client, signal: AbortSignal) => Promise<unknown>
    ): Effect.Effect<unknown, RequestFailure> =>
      Effect.flatMap(connected, (client) => attempt(server, timeout, (signal) => send(client, signal)))
    return {
      post: (path, body) =>
        Effect.flatMap(
          inTimeSlices(() => requestBody(body)),
          (encoded) =>
            request(
              server.requestTimeout,
              (client, signal) => post(server, client, { path, body: encoded, signal })
            )
        ),
      version: request(
        Duration.min(server.requestTimeout, probeTimeout),
        ({ api }, signal) => api.healthHealth({ signal })
      ).pipe(
        Effect.map((health) =>
          typeof health === "object" && health !== null && "version" in health ? String(health.version) : ""
        )
      )
    }
  })

// internal

/** What is used of the client, with the types that it has when it runs: its own allow no body but a text. */
interface Client {
  readonly baseUrl: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  readonly api: { readonly healthHealth: (parameters: { readonly signal: AbortSignal }) => Promise<unknown> }
}

const post = async (
  { publicKey, secretKey }: Server,
  client: Client,
  { body, path, signal }: { readonly path: string; readonly body: Buffer; readonly signal: AbortSignal }
): Promise<unknown> => {
  const credentials = Buffer.from(`${Redacted.value(publicKey)}:${Redacted.value(secretKey)}`).toString("base64")
  const response = await client.fetch(`${client.baseUrl}${path}`, {
    method: "POST",
    headers: { ...headers, authorization: `Basic ${credentials}`, "content-type": "application/json" },
    body,
    signal
  })
  if (!response.ok) throw response
  return response.json().catch(() => null)
}

/** Without it, a server of version 4 shows what it got only after some minutes. The ingestion protocol ignores it. */
const headers = { "x-langfuse-ingestion-version": "4" }

/** Asked once, before the first batch, which must not wait for it as long as for an answer to itself. */
const probeTimeout = Duration.seconds(5)

const connect = (server: Server): Effect.Effect<Client, RequestFailure> =>
  Effect.tryPromise({
    try: async () => {
      const { Langfuse } = await import("langfuse")
      return new Langfuse({
        publicKey: Redacted.value(server.publicKey),
        secretKey: Redacted.value(server.secretKey),
        baseUrl: server.host,
        // its queue stays shut
        enabled: false,
        // what is not given here is read from the environment, and complained about on the console
        environment: "default",
        release: "",
        sampleRate: 1
      }) as unknown as Client
    },
    catch: (cause) => new RequestFailure({ status: undefined, message: "the package langfuse cannot be loaded", cause })
  })

/** One request, in the time it has. Interrupted, or out of time, it is aborted. */
const attempt = (
  { host }: Server,
  timeout: Duration.Duration,
  send: (signal: AbortSignal) => Promise<unknown>
): Effect.Effect<unknown, RequestFailure> =>
  Effect.tryPromise({ try: send, catch: (error) => error }).pipe(
    Effect.catchAll((error) =>
      Effect.flatMap(
        error instanceof Response ? answered(error) : unreachable(host, error),
        (failure) => Effect.fail(failure)
      )
    ),
    Effect.timeoutFail({
      duration: timeout,
      onTimeout: () =>
        new RequestFailure({ status: undefined, message: `no answer from ${host} within ${Duration.format(timeout)}` })
    }),
    // an answer that is no JSON
    Effect.filterOrFail(
      (reply) => reply !== null && reply !== undefined,
      () => new RequestFailure({ status: undefined, message: `an answer of ${host} is not to be read` })
    )
  )

const answered = (response: Response): Effect.Effect<RequestFailure> =>
  Effect.map(
    Effect.all([Effect.promise((): Promise<string> => describe(response)), Clock.currentTimeMillis]),
    ([message, now]) =>
      new RequestFailure({ status: response.status, message, retryAfter: retryAfterOf(response, now) })
  )

const unreachable = (host: string, error: unknown): Effect.Effect<RequestFailure> =>
  Effect.sync(() => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const message = cause instanceof Error ? cause.message || cause.name : String(cause)
    return new RequestFailure({ status: undefined, message: `no answer from ${host}: ${message}`, cause: error })
  })
