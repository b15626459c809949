/** One call of a model, from before it is made until its record is complete. */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Input from "../../Input.ts"
import type { Service } from "../../ObservabilityService.ts"
import type { SpanHandle } from "../../SpanHandle.ts"
import { Current, TraceContext } from "../../TraceContext.ts"
import { clockOf } from "../ambient.ts"
import { Answer } from "./answer.ts"
import { SpanClaim } from "./claimSpan.ts"
import { factsOf, requestOf } from "./facts.ts"
import { incomplete, recordedExit, responseStatus, vendorError } from "./failure.ts"
import { contentOf, type Message, messagesOf, newMessages } from "./messages.ts"
import type { CallOptions } from "./shapes.ts"
import { type Heard, Listener } from "./vendorClient.ts"

export type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** The options that all calls of a model share. */
export interface Observer {
  readonly service: Service
  /** Whether the input of models and tools is kept. */
  readonly keepsInput: boolean
  /** Whether the output of models and tools is kept. */
  readonly keepsOutput: boolean
  readonly logsMessages: boolean
  /** The provider of the model, if its package does not name it. */
  readonly provider: string | undefined
}

export type Method = "generateText" | "generateObject" | "streamText"

export class OpenCall {
  readonly observer: Observer
  /** The parent of the tools' spans: they stand beside the call, whose duration is the model's time only. */
  readonly parent: TraceContext
  readonly answer: Answer
  private readonly method: Method
  private readonly handle: SpanHandle
  /** Whether the trace was begun for this call and its tools, and ends with them. */
  private readonly ownsTrace: boolean
  private readonly claim: SpanClaim
  private readonly clock: Clock.Clock
  private readonly startNanos: bigint
  private readonly messages: ReadonlyArray<Message>
  private heard: Heard | undefined
  private model: string | undefined
  private firstTokenNanos: bigint | undefined
  private answeredNanos: bigint | undefined
  private toolFailed = false
  private isOver = false

  /** `undefined` if the call cannot be recorded. */
  static begin(observer: Observer, fiber: AnyFiber, method: Method, options: CallOptions): OpenCall | undefined {
    try {
      const { unsafe } = observer.service
      const messages = observer.keepsInput || observer.logsMessages ? messagesOf(options.prompt) : []
      const attributes = requestOf(method, options)
      const around = TraceContext.unsafeCurrent(fiber)
      const parent = around ?? unsafe.startTrace(fiber, { name: `LanguageModel.${method}` })
      if (parent === undefined) return undefined
      const handle = unsafe.startSpan(fiber, parent, "chat", {
        type: "llm",
        kind: "client",
        attributes,
        ...(observer.keepsInput ? { input: messages } : {})
      })
      return handle === undefined
        ? undefined
        : new OpenCall(observer, fiber, method, parent, around === undefined, handle, messages)
    } catch {
      return undefined
    }
  }

  private constructor(
    observer: Observer,
    fiber: AnyFiber,
    method: Method,
    parent: TraceContext,
    ownsTrace: boolean,
    handle: SpanHandle,
    messages: ReadonlyArray<Message>
  ) {
    this.observer = observer
    this.method = method
    this.parent = parent
    this.ownsTrace = ownsTrace
    this.handle = handle
    this.messages = messages
    this.answer = new Answer(observer.keepsOutput || observer.logsMessages)
    this.claim = new SpanClaim(fiber, `LanguageModel.${method}`)
    this.clock = clockOf(fiber)
    this.startNanos = this.clock.unsafeCurrentTimeNanos()
  }

  /** Runs a part of the call: its spans stand below the call's span. */
  within<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return this.claim.within(effect).pipe(
      Effect.provideService(Current, this.handle.context),
      Effect.provideService(Listener, (heard) => {
        this.heard = heard
        this.answer.error ??= heard.error
      })
    )
  }

  /** Adds parts of the answer, in the order in which they arrive. */
  receive(parts: Iterable<unknown>): void {
    try {
      for (const part of parts) {
        if (this.answer.add(part)) this.firstTokenNanos ??= this.clock.unsafeCurrentTimeNanos()
      }
    } catch {
      // the program still gets an answer that cannot be read here
    }
  }

  /** Called when a tool begins: from here on the time is the program's own, except in a stream, which goes on. */
  beginTool(): void {
    if (this.method !== "streamText") this.answeredNanos ??= this.clock.unsafeCurrentTimeNanos()
  }

  /** Notes whether a tool failed, which is not a failure of the model that asked for it. */
  endTool(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit) && !Cause.isInterruptedOnly(exit.cause)) this.toolFailed = true
  }

  /** Ends the call of a stream that is over, or that the consumer has abandoned. */
  endStream(fiber: AnyFiber, exit: Exit.Exit<unknown, unknown>, isAbandoned: boolean): Effect.Effect<void> {
    const { answer } = this
    const isCut = Exit.isSuccess(exit) && !isAbandoned && answer.finish === undefined
    const left = isAbandoned || this.toolFailed
    return this.end(fiber, isCut ? Exit.fail(incomplete) : exit, {
      timeToFirstToken: this.firstTokenNanos === undefined
        ? undefined
        : Number(this.firstTokenNanos - this.startNanos) / 1e6,
      attributes: {
        "stream.elements": answer.elements,
        ...(left && answer.finish === undefined ? { "stream.abandoned": true } : {})
      }
    })
  }

  /** Ends the call; only the first end counts. The trace goes on for tools that are still running: see `close`. */
  end(fiber: AnyFiber, exit: Exit.Exit<unknown, unknown>, update?: Input.SpanUpdate): Effect.Effect<void> {
    if (this.isOver) return Effect.void
    this.isOver = true
    const { answer: { error }, observer: { service }, handle } = this
    const ofModel = error !== undefined
      ? Exit.fail(vendorError(error))
      : this.toolFailed || this.answeredNanos !== undefined
      ? Exit.void
      : exit
    const cause = Exit.isFailure(ofModel) ? ofModel.cause : Cause.empty
    try {
      const output = this.observer.keepsOutput ? this.answer.content() : undefined
      const facts = factsOf(this.claim.attributes, this.answer, this.heard, this.observer.provider)
      this.model = facts.model
      const status = responseStatus(cause)
      service.unsafe.updateSpan(handle, {
        ...facts,
        ...update,
        ...(output === undefined ? {} : { output: { role: "assistant", content: contentOf(output) } }),
        attributes: {
          ...facts.attributes,
          ...update?.attributes,
          ...(status === undefined ? {} : { "http.response.status_code": status })
        }
      })
    } catch {
      // if the answer cannot be read, the call keeps what was known before
    }
    service.unsafe.endSpan(fiber, handle, recordedExit(ofModel, this.observer.keepsOutput), this.answeredNanos)
    return this.observer.logsMessages ? this.logMessages() : Effect.void
  }

  /** Called when no part of the call is running any more: ends the trace if it was begun for this call. */
  close(fiber: AnyFiber, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    if (!this.ownsTrace) return Effect.void
    const { keepsOutput, service } = this.observer
    service.unsafe.endTrace(fiber, this.parent, recordedExit(exit, keepsOutput))
    return service.afterTrace
  }

  private logMessages(): Effect.Effect<void> {
    const { answer, handle, messages, observer: { service } } = this
    const content = answer.content()
    const said = content === undefined ? [] : [{ role: "assistant", content: contentOf(content) }]
    return Effect.forEach(
      [...newMessages(messages), ...said],
      (message) =>
        service.logChatMessage(handle.context, {
          ...message,
          ...(message.role === "assistant" ? { model: this.model } : {})
        }),
      { discard: true }
    )
  }
}
