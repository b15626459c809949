/** A layer around another one that observes its models, and the vendors' clients that it requires or provides. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { ObservabilityService } from "../../ObservabilityService.ts"
import { observedEmbeddings } from "./embeddingModel.ts"
import { observedModel } from "./languageModel.ts"
import type { Observer } from "./openCall.ts"
import { CurrentSpanTransformer, EmbeddingModel, LanguageModel, ProviderName } from "./shapes.ts"
import { conventionalName } from "./vendor.ts"
import { AnthropicClient, heardAnthropic, heardOpenAi, OpenAiClient } from "./vendorClient.ts"

type Choices = Pick<Observer, "keepsInput" | "keepsOutput" | "logsMessages">

export const observedLayer = <A, E, R>(
  layer: Layer.Layer<A, E, R>,
  choices: Choices
): Layer.Layer<A, E, R | ObservabilityService> => {
  const taken = Layer.effectContext(Effect.map(Effect.context<R>(), withClients))
  return Layer.flatMap(Layer.provide(layer, taken), (given) =>
    Layer.effectContext(
      Effect.map(
        Effect.all([ObservabilityService, Effect.serviceOption(CurrentSpanTransformer)]),
        ([service, transformer]) => {
          if (!service.enabled) return given
          const provider = conventionalName(Option.getOrUndefined(Context.getOption(given, ProviderName)))
          const observer: Observer = { ...choices, service, provider }
          return withService(
            withService(withClients(given), LanguageModel, (model) =>
              observedModel(model, observer, Option.getOrUndefined(transformer))),
            EmbeddingModel,
            (model) =>
              observedEmbeddings(model, observer)
          )
        }
      )
    ))
}

// internal

const withClients = <A>(context: Context.Context<A>): Context.Context<A> =>
  withService(withService(context, OpenAiClient, heardOpenAi), AnthropicClient, heardAnthropic)

/** The services that are observed already: if one were observed twice, a call would have two records. */
const observed = new WeakSet<object>()

/** The context with some methods of a service replaced, if it holds that service. The other fields are kept. */
const withService = <A, Service extends object>(
  context: Context.Context<A>,
  tag: Context.Tag<Service, Service>,
  methodsOf: (service: Service) => Service
): Context.Context<A> => {
  const service = Option.getOrUndefined(Context.getOption(context, tag))
  if (service === undefined || observed.has(service)) return context
  const outer: Service = Object.assign(Object.create(Object.getPrototypeOf(service)), service, methodsOf(service))
  observed.add(outer)
  // the type stays the same, because the replaced service was in the context
  return Context.add(context, tag, outer) as Context.Context<A>
}
