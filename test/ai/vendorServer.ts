/** A vendor's server on this machine: it answers with responses in the vendors' own form, one after the other. */
import * as AnthropicClient from "@effect/ai-anthropic/AnthropicClient"
import * as AnthropicLanguageModel from "@effect/ai-anthropic/AnthropicLanguageModel"
import * as OpenAiClient from "@effect/ai-openai/OpenAiClient"
import * as OpenAiEmbeddingModel from "@effect/ai-openai/OpenAiEmbeddingModel"
import * as OpenAiLanguageModel from "@effect/ai-openai/OpenAiLanguageModel"
import type * as EmbeddingModel from "@effect/ai/EmbeddingModel"
import type * as LanguageModel from "@effect/ai/LanguageModel"
import { FetchHttpClient } from "@effect/platform"
import { Effect, Layer, Redacted } from "effect"
import { readFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** One answer of the server. */
export type Reply = (response: ServerResponse) => void

const fixture = (name: string): string => readFileSync(new URL(`./fixtures/${name}`, import.meta.url), "utf8")

export const json = (name: string, status = 200): Reply => (response) => {
  response.writeHead(status, { "content-type": "application/json" }).end(fixture(name))
}

const streamHead = { "content-type": "text/event-stream" }

/** A whole stream. */
export const stream = (name: string): Reply => (response) => {
  response.writeHead(200, streamHead).end(fixture(name))
}

/** A whole answer or stream, with other words in some places: each must be there. */
export const changed = (name: string, changes: ReadonlyArray<readonly [before: string, after: string]>): Reply => {
  const text = changes.reduce((text, [before, after]) => {
    if (!text.includes(before)) throw new Error(`${name} has no ${before}`)
    return text.replaceAll(before, after)
  }, fixture(name))
  return (response) => {
    response.writeHead(200, name.endsWith(".sse") ? streamHead : { "content-type": "application/json" }).end(text)
  }
}

/** A stream up to the event that contains the text, and then whatever becomes of the connection. */
export const streamUpTo = (name: string, text: string, then: "end" | "destroy" | "hang"): Reply => (response) => {
  const events = fixture(name).split("\n\n")
  const last = events.findIndex((event) => event.includes(text))
  response.writeHead(200, streamHead).write(`${events.slice(0, last + 1).join("\n\n")}\n\n`, () => {
    if (then === "end") response.end()
    // what was sent is on its way: cut at once, it might be lost with the connection
    if (then === "destroy") setImmediate(() => response.destroy())
  })
}

/** The address of a server that gives these answers, in this order. */
export const vendorServer = (replies: ReadonlyArray<Reply>) =>
  Effect.acquireRelease(
    Effect.async<{ readonly url: string; readonly close: () => void }>((resume) => {
      const remaining = [...replies]
      const server = createServer((request, response) => {
        request.resume().on("end", () => {
          const reply = remaining.shift()
          if (reply === undefined) response.writeHead(404).end()
          else reply(response)
        })
      }).listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed({
          url: `http://127.0.0.1:${port}`,
          close: () => {
            server.closeAllConnections()
            server.close()
          }
        }))
      })
    }),
    (server) => Effect.sync(server.close)
  ).pipe(Effect.map(({ url }) => url))

/** What goes around the layer of a model: what is tested, or nothing. */
export interface Around<R> {
  <A, E, R1>(layer: Layer.Layer<A, E, R1>): Layer.Layer<A, E, R1 | R>
}

/** A model of a vendor's package, as a program has it, with the server at the address in the vendor's place. */
export interface Vendor<Model> {
  <R>(url: string, around: Around<R>): Layer.Layer<Model, never, R>
}

const openAiClient = (url: string) =>
  OpenAiClient.layer({ apiKey: Redacted.make("sk-secret"), apiUrl: url }).pipe(Layer.provide(FetchHttpClient.layer))

export const openAiModel = (model: string): Vendor<LanguageModel.LanguageModel> => (url, around) =>
  around(OpenAiLanguageModel.model(model, { temperature: 0.5, top_p: 0.9, max_output_tokens: 512 })).pipe(
    Layer.provide(openAiClient(url))
  )

export const openAi = openAiModel("gpt-4.1")

export const openAiEmbeddings: Vendor<EmbeddingModel.EmbeddingModel> = (url, around) =>
  around(OpenAiEmbeddingModel.model("text-embedding-3-small", { mode: "batched", maxBatchSize: 2 })).pipe(
    Layer.provide(openAiClient(url))
  )

export const anthropic: Vendor<LanguageModel.LanguageModel> = (url, around) =>
  around(AnthropicLanguageModel.model("claude-sonnet-4-5", { max_tokens: 1024 })).pipe(
    Layer.provide(
      AnthropicClient.layer({ apiKey: Redacted.make("sk-secret"), apiUrl: url }).pipe(
        Layer.provide(FetchHttpClient.layer)
      )
    )
  )
