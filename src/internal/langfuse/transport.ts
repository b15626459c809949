/**
 * Requests to a Langfuse server.
 *
 * The `langfuse` package is used only for its API, to ask for the server's version. Its queue has no bound, loses
 * records when a proxy answers instead of the server, and can end the process; its API builds the JSON of a whole body
 * in one step.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { Buffers } from "../buffers.ts"
import { errorDetails } from "../outcome.ts"
import { inTimeSlices } from "../timeSlices.ts"
import { RequestFailure } from "./failure.ts"
import type { Answer } from "./httpPost.ts"
import { httpPost } from "./httpPost.ts"
import { frameOf, writeBody } from "./requestBody.ts"
import { answerOf, describe, retryAfterOf } from "./response.ts"

export interface Server {
  readonly publicKey: Redacted.Redacted
  readonly secretKey: Redacted.Redacted
  readonly host: string
  readonly requestTimeout: Duration.Duration
}

export interface Transport {
  /** Sends JSON, and returns the JSON of the answer. */
  readonly post: (path: string, body: unknown) => Effect.Effect<unknown, RequestFailure>
  /** The version that the server reports. */
  readonly version: Effect.Effect<string, RequestFailure>
}

export const ingestionPath = "/api/public/ingestion"
export const otlpPath = "/api/public/otel/v1/traces"

/** Loads the package when the version is asked for: it costs a program nothing until there is something to send. */
export const make = (server: Server): Effect.Effect<Transport> =>
  Effect.map(Effect.cached(connect(server)), (connected) => {
    const buffers = new Buffers()
    return {
      post: (path, body) =>
        Effect.suspend(() => {
          const frame = frameOf(body)
          return buffers.use(frame.bytes, (out) =>
            Effect.zipRight(
              inTimeSlices(() => writeBody(out, frame)),
              Effect.suspend(() => post(server, path, out.slice(0, out.length)))
            ))
        }),
      version: connected.pipe(
        Effect.flatMap((client) => healthOf(server, client)),
        within(server, Duration.min(server.requestTimeout, probeTimeout)),
        Effect.map((health) =>
          typeof health === "object" && health !== null && "version" in health ? String(health.version) : ""
        )
      )
    }
  })

// internal

const addressOf = ({ host }: Server, path: string): string => `${host.replace(/\/+$/, "")}${path}`

const post = (server: Server, path: string, body: Buffer): Effect.Effect<unknown, RequestFailure> =>
  httpPost(addressOf(server, path), headersFor(server), body).pipe(
    Effect.catchAll((error) => unreachable(server, error)),
    Effect.flatMap((answer) => answer.status >= 200 && answer.status < 300 ? parsed(server, answer) : refused(answer)),
    within(server, server.requestTimeout)
  )

const headersFor = ({ publicKey, secretKey }: Server) => ({
  "authorization": `Basic ${
    Buffer.from(`${Redacted.value(publicKey)}:${Redacted.value(secretKey)}`).toString("base64")
  }`,
  "content-type": "application/json",
  // Without this header, a server of version 4 shows new records only after some minutes. Ingestion ignores it.
  "x-langfuse-ingestion-version": "4"
})

/** The part of the client that is used. */
interface Client {
  readonly api: { readonly healthHealth: (parameters: { readonly signal: AbortSignal }) => Promise<unknown> }
}

/**
 * The timeout for the version, which is asked for once, before the first batch: the batch must not wait for it as long
 * as for its own answer.
 */
const probeTimeout = Duration.seconds(5)

const connect = (server: Server): Effect.Effect<Client, RequestFailure> =>
  Effect.tryPromise({
    try: async () => {
      const { Langfuse } = await import("langfuse")
      return new Langfuse({
        publicKey: Redacted.value(server.publicKey),
        secretKey: Redacted.value(server.secretKey),
        baseUrl: server.host,
        // keeps the client's queue closed
        enabled: false,
        // options that are not given here are read from the environment, and complained about on the console
        environment: "default",
        release: "",
        sampleRate: 1
      }) as unknown as Client
    },
    catch: (cause) => new RequestFailure({ status: undefined, message: "the package langfuse cannot be loaded", cause })
  })

/** The server's answer to a health check; fails if it is an error. */
const healthOf = (server: Server, { api }: Client): Effect.Effect<unknown, RequestFailure> =>
  Effect.tryPromise({ try: (signal) => api.healthHealth({ signal }), catch: (error) => error }).pipe(
    Effect.catchAll((error) =>
      error instanceof Response
        ? Effect.flatMap(Effect.promise(() => answerOf(error)), refused)
        : unreachable(server, error)
    )
  )

const within = ({ host }: Server, timeout: Duration.Duration) =>
  Effect.timeoutFail({
    duration: timeout,
    onTimeout: () =>
      new RequestFailure({ status: undefined, message: `no answer from ${host} within ${Duration.format(timeout)}` })
  })

const parsed = ({ host }: Server, { text }: Answer): Effect.Effect<unknown, RequestFailure> =>
  Effect.suspend(() => {
    const value = valueOf(text)
    return value === null
      ? new RequestFailure({ status: undefined, message: `an answer of ${host} is not to be read` })
      : Effect.succeed(value)
  })

/** `null` also for text that is not JSON. */
const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const refused = (answer: Answer): Effect.Effect<never, RequestFailure> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) =>
      new RequestFailure({
        status: answer.status,
        message: describe(answer),
        retryAfter: retryAfterOf(answer, now)
      })
  )

const unreachable = ({ host }: Server, error: unknown): Effect.Effect<never, RequestFailure> =>
  Effect.suspend(() => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const { message } = errorDetails(cause)
    return new RequestFailure({ status: undefined, message: `no answer from ${host}: ${message}`, cause: error })
  })
