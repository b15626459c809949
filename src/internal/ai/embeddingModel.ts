/** An embedding model around another one: it returns the same vectors, and records each call. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as GenAi from "../../GenAi.ts"
import { Current, TraceContext } from "../../TraceContext.ts"
import { sumOfKnown } from "../../Usage.ts"
import { afterSpan } from "../acquireSpan.ts"
import { SpanClaim } from "./claimSpan.ts"
import { responseStatus } from "./failure.ts"
import type { Observer } from "./openCall.ts"
import type { AnyEffect, EmbeddingModel } from "./shapes.ts"
import { type Heard, Listener } from "./vendorClient.ts"

export const observedEmbeddings = (model: EmbeddingModel, observer: Observer): EmbeddingModel => ({
  embed: (input) =>
    embedding(observer, "EmbeddingModel.embed", [input], Effect.suspend(() => model.embed(input)), (vector) => vector),
  embedMany: (inputs, options) =>
    embedding(
      observer,
      "EmbeddingModel.embedMany",
      inputs,
      Effect.suspend(() => model.embedMany(inputs, options)),
      (vectors) => Array.isArray(vectors) ? vectors[0] : undefined
    )
})

// internal

const embedding = (
  observer: Observer,
  nativeName: string,
  inputs: ReadonlyArray<string>,
  effect: AnyEffect,
  vectorOf: (result: unknown) => unknown
): AnyEffect =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime<unknown, unknown, unknown>((fiber) => {
      const { service, service: { unsafe } } = observer
      const handle = unsafe.startSpan(fiber, TraceContext.unsafeCurrent(fiber), "embeddings", {
        type: "embedding",
        kind: "client",
        attributes: {
          [GenAi.versionAttribute]: GenAi.version,
          [GenAi.names.operation[0]]: "embeddings",
          "ai.embedding.inputs": inputs.length
        },
        ...(observer.keepsInput ? { input: inputs } : {})
      })
      if (handle === undefined) return restore(effect)
      const requests = new Requests()
      const run = new SpanClaim(fiber, nativeName).within(effect).pipe(
        Effect.provideService(Current, handle.context),
        Effect.provideService(Listener, (heard) => requests.add(heard))
      )
      return Effect.onExit(restore(run), (exit) =>
        Effect.withFiberRuntime((fiber) => {
          const vector = Exit.isSuccess(exit) ? vectorOf(exit.value) : undefined
          const status = Exit.isFailure(exit) ? responseStatus(exit.cause) : undefined
          unsafe.updateSpan(handle, {
            provider: observer.provider,
            ...(requests.model === undefined ? {} : { name: `embeddings ${requests.model}`, model: requests.model }),
            ...(requests.inputTokens === undefined ? {} : { usage: { uncachedInputTokens: requests.inputTokens } }),
            attributes: {
              ...(Array.isArray(vector) ? { "gen_ai.embeddings.dimension.count": vector.length } : {}),
              ...(status === undefined ? {} : { "http.response.status_code": status })
            }
          })
          unsafe.endSpan(fiber, handle, exit)
          return afterSpan(service, handle) ?? Effect.void
        }))
    })
  )

/** Sums up the requests of one call: many texts take several requests, and texts that a cache knows take none. */
class Requests {
  model: string | undefined
  inputTokens: number | undefined

  add({ model, usage }: Heard): void {
    this.model = model ?? this.model
    this.inputTokens = sumOfKnown(
      this.inputTokens,
      usage === undefined ? undefined : Either.getOrUndefined(usage)?.uncachedInputTokens
    )
  }
}
