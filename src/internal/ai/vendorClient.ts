/**
 * Observes the clients of the vendors' packages, which see what `@effect/ai` does not pass on: the model and the tokens
 * of an embedding, the tokens of a call that did not finish, and the failure of an answer.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Stream from "effect/Stream"
import { fromAnthropic, fromOpenAiChat, fromOpenAiResponses, type Usage, type UsageError } from "../../Usage.ts"
import { type AnyEffect, type AnyStream, fieldOf, textOf } from "./shapes.ts"

/** What a vendor's client received. The figures of a stream grow, and the last ones count. */
export interface Heard {
  readonly model: string | undefined
  /** `undefined` if the end of the answer has the figures. */
  readonly usage: Either.Either<Usage, string> | undefined
  /** Why the answer is missing or incomplete. */
  readonly error?: unknown
}

/** The callback of the current call, if any, to which a client reports what it received. */
export class Listener extends Context.Reference<Listener>()("effect-observability/AiTelemetry/Listener", {
  defaultValue: (): ((heard: Heard) => void) | undefined => undefined
}) {}

/** `OpenAiClient.Service` */
export interface OpenAiClient {
  readonly createResponse: (request: unknown) => AnyEffect
  readonly createResponseStream: (request: unknown) => AnyStream
  readonly createEmbedding: (request: unknown) => AnyEffect
}

/** `AnthropicClient.Service` */
export interface AnthropicClient {
  readonly createMessage: (request: unknown) => AnyEffect
  readonly createMessageStream: (request: unknown) => AnyStream
}

export const OpenAiClient = Context.GenericTag<OpenAiClient>("@effect/ai-openai/OpenAiClient")
export const AnthropicClient = Context.GenericTag<AnthropicClient>("@effect/ai-anthropic/AnthropicClient")

export const heardOpenAi = (client: OpenAiClient): OpenAiClient => ({
  createResponse: (request) => telling(Effect.suspend(() => client.createResponse(request)), fromOpenAiResponses),
  createResponseStream: (request) =>
    tellingOf(() => client.createResponseStream(request), (listener) => (event) => {
      if (fieldOf(event, "type") !== "response.failed") return
      const response = fieldOf(event, "response")
      listener({ model: textOf(response, "model"), usage: undefined, error: errorOf(response) ?? unexplained })
    }),
  createEmbedding: (request) => telling(Effect.suspend(() => client.createEmbedding(request)), fromOpenAiChat)
})

export const heardAnthropic = (client: AnthropicClient): AnthropicClient => ({
  createMessage: (request) => telling(Effect.suspend(() => client.createMessage(request)), fromAnthropic),
  createMessageStream: (request) =>
    tellingOf(() => client.createMessageStream(request), (listener) => {
      let model: string | undefined
      let usage: Readonly<Record<string, unknown>> = {}
      return (event) => {
        const message = fieldOf(event, "message")
        const figures = fieldOf(message, "usage") ?? fieldOf(event, "usage")
        if (typeof figures !== "object" || figures === null) return
        model ??= textOf(message, "model")
        usage = { ...usage, ...stated(figures) }
        listener({ model, usage: sentence(fromAnthropic(usage)) })
      }
    })
})

// internal

type Reader = (usage: unknown) => Either.Either<Usage, UsageError>

const telling = (effect: AnyEffect, read: Reader): AnyEffect =>
  Effect.zipWith(effect, Listener, (response, listener) => {
    quietly(() =>
      listener?.({
        model: textOf(response, "model"),
        usage: sentence(read(fieldOf(response, "usage"))),
        error: errorOf(response)
      })
    )
    return response
  })

/** @param hearing makes, for one stream, the handler that reports each event to the listener */
const tellingOf = (
  events: () => AnyStream,
  hearing: (listener: (heard: Heard) => void) => (event: unknown) => void
): AnyStream =>
  Stream.unwrap(Effect.map(Listener, (listener) => {
    if (listener === undefined) return events()
    const hear = hearing(listener)
    return Stream.mapChunks(events(), (chunk) => {
      for (const event of chunk) quietly(() => hear(event))
      return chunk
    })
  }))

/** OpenAI reports `null` if there is no error. */
const errorOf = (response: unknown): unknown => fieldOf(response, "error") ?? undefined

const unexplained = { code: "response.failed" }

const sentence = (read: Either.Either<Usage, UsageError>): Either.Either<Usage, string> =>
  Either.mapLeft(read, ({ message }) => message)

/** The figures that an event states; figures that it leaves out keep their earlier values. */
const stated = (figures: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(figures).filter(([, figure]) => figure !== null && figure !== undefined))

const quietly = (act: () => void): void => {
  try {
    act()
  } catch {
    // the program still gets a response that cannot be read here
  }
}
