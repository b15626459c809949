/**
 * Requests to a Langfuse server, by the API client of the `langfuse` package.
 *
 * Of that package nothing else is used: its queue has no bound, loses what a proxy answers instead of the server, and
 * can end the process. The client sends one request per call, and has neither timers nor output of its own.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ownTurn } from "../timeSlices.ts"
import { RequestFailure } from "./failure.ts"
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
      send: (api: Api, signal: AbortSignal) => Promise<unknown>
    ): Effect.Effect<unknown, RequestFailure> =>
      Effect.flatMap(connected, (api) => attempt(server, timeout, (signal) => send(api, signal)))
    return {
      post: (path, body) =>
        // the client makes JSON of all of it at once, 4 ms for 1 MB
        Effect.zipRight(
          ownTurn,
          request(server.requestTimeout, (api, signal) => api.ingestionBatch(body, { path, signal, headers }))
        ),
      version: request(
        Duration.min(server.requestTimeout, probeTimeout),
        (api, signal) => api.healthHealth({ signal })
      ).pipe(
        Effect.map((health) =>
          typeof health === "object" && health !== null && "version" in health ? String(health.version) : ""
        )
      )
    }
  })

// internal

/** The client, with the types that it has when it runs: its own leave out the path, and most kinds of event. */
interface Api {
  readonly ingestionBatch: (body: unknown, parameters: Parameters) => Promise<unknown>
  readonly healthHealth: (parameters: Pick<Parameters, "signal">) => Promise<unknown>
}

interface Parameters {
  readonly path: string
  readonly signal: AbortSignal
  readonly headers: Readonly<Record<string, string>>
}

/** Without it, a server of version 4 shows what it got only after some minutes. The ingestion protocol ignores it. */
const headers = { "x-langfuse-ingestion-version": "4" }

/** Asked once, before the first batch, which must not wait for it as long as for an answer to itself. */
const probeTimeout = Duration.seconds(5)

const connect = (server: Server): Effect.Effect<Api, RequestFailure> =>
  Effect.tryPromise({
    try: async () => {
      const { Langfuse } = await import("langfuse")
      const client = new Langfuse({
        publicKey: Redacted.value(server.publicKey),
        secretKey: Redacted.value(server.secretKey),
        baseUrl: server.host,
        // its queue stays shut
        enabled: false,
        // what is not given here is read from the environment, and complained about on the console
        environment: "default",
        release: "",
        sampleRate: 1
      })
      return client.api as unknown as Api
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
    // what the client gives for an answer that is no JSON
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
