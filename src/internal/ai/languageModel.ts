/** A language model around another one: it returns the same answers, and records each call. */
import * as Cause from "effect/Cause"
import type * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Method, type Observer, OpenCall } from "./openCall.ts"
import {
  type AnyEffect,
  type AnyStream,
  type CallOptions,
  CurrentSpanTransformer,
  fieldOf,
  type LanguageModel,
  type SpanTransformer
} from "./shapes.ts"
import { observedToolkit } from "./toolkit.ts"

/** @param transformer the one in the context when the model was built; it gets the answers unless a call has its own */
export const observedModel = (
  model: LanguageModel,
  observer: Observer,
  transformer: SpanTransformer | undefined
): Pick<LanguageModel, Method> => ({
  generateText: (options) =>
    calling(
      observer,
      "generateText",
      options,
      (options, call) =>
        Effect.tap(Effect.suspend(() => model.generateText(options)), (response) => receive(call, response))
    ),

  generateObject: (options) =>
    calling(
      observer,
      "generateObject",
      options,
      // an answer that does not match the schema fails the call, and only the transformer sees it
      (options, call) =>
        Effect.tap(
          hearing(Effect.suspend(() => model.generateObject(options)), call, transformer),
          (response) => call?.answer.hasBegun === false ? receive(call, response) : Effect.void
        )
    ),

  streamText: (options) =>
    Stream.fromPull(Effect.withFiberRuntime<Pull, never, unknown>((fiber) =>
      Effect.flatMap(
        Effect.acquireRelease(
          Effect.sync(() => OpenCall.begin(observer, fiber, "streamText", options)),
          // if the call is still open, the consumer has left the stream or was interrupted
          (call, exit) => call === undefined ? Effect.void : leave(call, exit)
        ),
        (call) => {
          const pulling = Stream.toPull(Stream.suspend(() => model.streamText(withToolkit(options, call))))
          return call === undefined
            ? pulling
            : Effect.map(call.within(pulling), (pull) => Effect.onExit(call.within(pull), (exit) => heard(call, exit)))
        }
      )
    )) as AnyStream
})

// internal

type Pull = Effect.Effect<Chunk.Chunk<unknown>, Option.Option<unknown>, unknown>

const withToolkit = (options: CallOptions, call: OpenCall | undefined): CallOptions =>
  options.toolkit === undefined || call === undefined
    ? options
    : { ...options, toolkit: observedToolkit(options.toolkit, call) }

const calling = (
  observer: Observer,
  method: Method,
  options: CallOptions,
  run: (options: CallOptions, call: OpenCall | undefined) => AnyEffect
): AnyEffect =>
  Effect.uninterruptibleMask((restore) =>
    Effect.withFiberRuntime<unknown, unknown, unknown>((fiber) => {
      const call = OpenCall.begin(observer, fiber, method, options)
      return call === undefined
        ? restore(run(options, undefined))
        : Effect.onExit(
          restore(call.within(Effect.suspend(() => run(withToolkit(options, call), call)))),
          (exit) => Effect.zipRight(call.end(fiber, exit), Effect.suspend(() => call.close(fiber, exit)))
        )
    })
  )

const receive = (call: OpenCall | undefined, response: unknown): Effect.Effect<void> =>
  Effect.sync(() => {
    const content = fieldOf(response, "content")
    if (Array.isArray(content)) call?.receive(content)
  })

/** Receives the answer before it is decoded, and passes it on to the transformer that would have received it. */
const hearing = (
  effect: AnyEffect,
  call: OpenCall | undefined,
  transformer: SpanTransformer | undefined
): AnyEffect =>
  call === undefined ? effect : Effect.flatMap(Effect.serviceOption(CurrentSpanTransformer), (own) => {
    const other = Option.getOrElse(own, () => transformer)
    return Effect.provideService(effect, CurrentSpanTransformer, (options) => {
      call.receive(options.response)
      other?.(options)
    })
  })

/** Handles the exit of one pull: the parts that it returned, or the end of the stream. */
const heard = (
  call: OpenCall,
  exit: Exit.Exit<Chunk.Chunk<unknown>, Option.Option<unknown>>
): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) => {
    if (Exit.isSuccess(exit)) {
      call.receive(exit.value)
      // after `finish`, only the results of the program's own tools follow
      return call.answer.finish === undefined ? Effect.void : call.endStream(fiber, Exit.void, false)
    }
    const end = Option.match(Cause.flipCauseOption(exit.cause), {
      onNone: () => Exit.void,
      onSome: (cause) => Exit.failCause(cause)
    })
    return Effect.zipRight(call.endStream(fiber, end, false), Effect.suspend(() => call.close(fiber, end)))
  })

const leave = (call: OpenCall, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
  Effect.withFiberRuntime((fiber) => {
    // a failure of the consumer is not a failure of the model
    const end = Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause) ? exit : Exit.void
    return Effect.zipRight(call.endStream(fiber, end, true), Effect.suspend(() => call.close(fiber, end)))
  })
