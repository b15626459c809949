/**
 * The structural types of `@effect/ai` that this library uses. Nothing here imports the package, so it need not be
 * installed, and another version of it may be.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"

export type AnyEffect = Effect.Effect<unknown, unknown, unknown>
export type AnyStream = Stream.Stream<unknown, unknown, unknown>

/** `LanguageModel.Service` */
export interface LanguageModel {
  readonly generateText: (options: CallOptions) => AnyEffect
  readonly generateObject: (options: CallOptions) => AnyEffect
  readonly streamText: (options: CallOptions) => AnyStream
}

/** The options of a language model's methods. */
export interface CallOptions {
  readonly prompt?: unknown
  readonly toolkit?: Toolkit | Effect.Effect<Toolkit, unknown, unknown> | undefined
  readonly toolChoice?: unknown
  readonly objectName?: unknown
}

/** `Toolkit.WithHandler` */
export interface Toolkit {
  readonly tools: Readonly<Record<string, unknown>>
  readonly handle: (name: string, parameters: unknown) => AnyEffect
}

/** `EmbeddingModel.Service` */
export interface EmbeddingModel {
  readonly embed: (input: string) => AnyEffect
  readonly embedMany: (inputs: ReadonlyArray<string>, options?: unknown) => AnyEffect
}

/** A part of an answer or of a message; only its `type` is relied on. */
export interface Part {
  readonly type: string
  readonly [field: string]: unknown
}

/** `Telemetry.SpanTransformer` */
export type SpanTransformer = (options: { readonly response: ReadonlyArray<unknown> }) => void

// A tag is identified by its key alone.

export const LanguageModel = Context.GenericTag<LanguageModel>("@effect/ai/LanguageModel")
export const EmbeddingModel = Context.GenericTag<EmbeddingModel>("@effect/ai/EmbeddingModel")
export const ProviderName = Context.GenericTag<"@effect/ai/Model/ProviderName", string>("@effect/ai/Model/ProviderName")
export const CurrentSpanTransformer = Context.GenericTag<"CurrentSpanTransformer", SpanTransformer>(
  "@effect/ai/Telemetry/CurrentSpanTransformer"
)

export const isPart = (value: unknown): value is Part => typeof fieldOf(value, "type") === "string"

/** A field of a foreign value; `undefined` if reading it throws, because that may run the application's code. */
export const fieldOf = (value: unknown, name: string): unknown => {
  try {
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined
  } catch {
    return undefined
  }
}

export const textOf = (value: unknown, name: string): string | undefined => {
  const field = fieldOf(value, name)
  return typeof field === "string" && field !== "" ? field : undefined
}
