/**
 * The identity of a trace and of a program's position in it: an immutable value that travels in the fiber's context,
 * from parent to child, across `fork`, `forEach`, `race` and `Stream`.
 *
 * @example
 * ```ts
 * import { TraceContext } from "effect-observability"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const root = yield* TraceContext.root({ userId: "ada" })
 *   const child = yield* TraceContext.child(root)
 *   console.log(child.traceId === root.traceId, child.parentSpanId === root.spanId, child.userId)
 *   console.log(TraceContext.toTraceparent(child))
 * })
 *
 * Effect.runSync(program)
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import type * as Fiber from "effect/Fiber"
import * as Hash from "effect/Hash"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Pipeable from "effect/Pipeable"
import * as Schema from "effect/Schema"
import type * as Tracer from "effect/Tracer"
import type { SpanId, TraceId } from "./Identifier.ts"
import * as Identifier from "./Identifier.ts"
import type { Generator } from "./IdGenerator.ts"
import { IdGenerator } from "./IdGenerator.ts"
import { identifierOrNone } from "./internal/identifierText.ts"
import type { HeadersInput } from "./internal/propagation/headerLines.ts"
import type { Refusal, TraceParent } from "./internal/propagation/traceHeaders.ts"
import { formatTraceparent, parseTraceparent, readHeaders, writeHeaders } from "./internal/propagation/traceHeaders.ts"
import * as TraceState from "./TraceState.ts"

/**
 * For whom a trace is, or a part of one, and what it is about.
 *
 * @since 0.1.0
 * @category models
 */
export interface Subjects {
  /** Who the trace is for. */
  readonly userId?: string | undefined
  /** The conversation or session the trace belongs to. */
  readonly sessionId?: string | undefined
  /** The knowledge base the trace works with. */
  readonly kbId?: string | undefined
}

/**
 * What a caller may say about a new trace.
 *
 * @since 0.1.0
 * @category models
 */
export interface RootOptions extends Subjects {
  /** The W3C `sampled` flag, passed on to other services. Default: `true`. */
  readonly sampled?: boolean | undefined
}

/**
 * The fields of a `TraceContext` as plain data: what `make` validates and what `schema` encodes to.
 *
 * @since 0.1.0
 * @category models
 */
export interface Fields {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  /** Default: `true`. */
  readonly sampled?: boolean | undefined
  /** Whether the last 7 bytes of the trace id are random (W3C Level 2). Default: `false`, which claims nothing. */
  readonly random?: boolean | undefined
  /** The text of a `tracestate` header. */
  readonly traceState?: string | undefined
  readonly userId?: string | undefined
  readonly sessionId?: string | undefined
  readonly kbId?: string | undefined
  /** Whether the span belongs to another process. Default: `false`. */
  readonly isRemote?: boolean | undefined
}

/**
 * Headers in any form that a program may have: a record, with names in any case and values of one text or of one text
 * per line; or pairs, such as `Headers` of the web platform. Bytes are read as UTF-8.
 *
 * @since 0.1.0
 * @category models
 */
export type Headers = HeadersInput

/**
 * What was found in headers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Received {
  /** The caller's position; `undefined` if the headers name no trace that can be continued: then one begins here. */
  readonly context: TraceContext | undefined
  /** What was refused, and why. The messages do not repeat the content, because it came from outside. */
  readonly refused: ReadonlyArray<TraceContextError>
}

/**
 * The headers that carry a context. There is no `tracestate` if it would be empty.
 *
 * @since 0.1.0
 * @category models
 */
export type TraceHeaders = {
  readonly traceparent: string
  readonly tracestate?: string
}

/**
 * Limits for the headers that are written.
 *
 * @since 0.1.0
 * @category models
 */
export interface HeaderOptions {
  /** The limit for `tracestate`, in characters; a longer one loses whole members. Default: 512, W3C's minimum. */
  readonly maxTraceStateLength?: number | undefined
}

/**
 * Says what is wrong with a trace context that arrived from outside.
 *
 * @since 0.1.0
 * @category errors
 */
export class TraceContextError extends Schema.TaggedError<TraceContextError>(
  "effect-observability/TraceContext/TraceContextError"
)("TraceContextError", {
  /** The part of the input that was refused. */
  field: Schema.Literal("traceparent", "tracestate", "fields"),
  /** What is wrong and what is expected. */
  message: Schema.String
}) {}

/**
 * An immutable position in a trace. Two contexts with the same fields are `Equal`.
 *
 * @since 0.1.0
 * @category models
 */
export class TraceContext extends Pipeable.Class() implements Equal.Equal, Inspectable.Inspectable {
  /** 32 lower-case hexadecimal digits, shared by everything in the trace. */
  readonly traceId: TraceId
  /** 16 lower-case hexadecimal digits, the span that this context is in. */
  readonly spanId: SpanId
  /** The span one level up; `undefined` at the root. */
  readonly parentSpanId: SpanId | undefined
  /** The W3C `sampled` flag. It is passed on; what this library stores does not depend on it. */
  readonly sampled: boolean
  /** The W3C Level 2 `random` flag: the last 7 bytes of the trace id are random. */
  readonly random: boolean
  /** Data of other tracing systems, passed on as it was received; `undefined` if there is none. */
  readonly traceState: TraceState.TraceState | undefined
  /** Who the trace is for, as far as that was known when the context was made. */
  readonly userId: string | undefined
  /** The conversation or session the trace belongs to, likewise. */
  readonly sessionId: string | undefined
  /** The knowledge base the trace works with, likewise. */
  readonly kbId: string | undefined
  /** Whether the span belongs to another process: the context was received, and spans that begin here are below it. */
  readonly isRemote: boolean
  /** The recorder's data about the span, in this process. It is not part of the value, and does not travel with it. */
  #record: object | undefined = undefined

  private constructor(
    traceId: TraceId,
    spanId: SpanId,
    parentSpanId: SpanId | undefined,
    sampled: boolean,
    random: boolean,
    traceState: TraceState.TraceState | undefined,
    userId: string | undefined,
    sessionId: string | undefined,
    kbId: string | undefined,
    isRemote: boolean
  ) {
    super()
    this.traceId = traceId
    this.spanId = spanId
    this.parentSpanId = parentSpanId
    this.sampled = sampled
    this.random = random
    this.traceState = traceState
    this.userId = userId
    this.sessionId = sessionId
    this.kbId = kbId
    this.isRemote = isRemote
    Object.freeze(this)
  }

  /** The trace id in uuid form: the primary key of the trace in PostgreSQL, known without a round trip. */
  get dbTraceId(): string {
    return Identifier.toUuid(this.traceId)
  }

  /**
   * The context of the running fiber, if any. It is read from the fiber itself: nothing has to be passed by hand.
   */
  static readonly current: Effect.Effect<Option.Option<TraceContext>> = Effect.withFiberRuntime((fiber) =>
    Effect.succeed(Option.fromNullable(TraceContext.unsafeCurrent(fiber)))
  )

  /**
   * The synchronous form of `current`: the inner one of two contexts, the ambient context, which `withTrace` and
   * `withSpan` set, and that of the native span of Effect's tracer in which the fiber runs, if this library records it.
   */
  static unsafeCurrent(fiber: Fiber.RuntimeFiber<unknown, unknown>): TraceContext | undefined {
    const ambient = TraceContext.ambientOf(fiber)
    const place = fiber.currentSpan === undefined ? undefined : placeOf(fiber.currentSpan)
    // a native span that began in the present ambient context is inside of that; any other native span is around it
    return place !== undefined && place.ambient === ambient ? place.context : ambient
  }

  /** Starts a new trace: a fresh trace id and a fresh span id without a parent. */
  static root(options?: RootOptions): Effect.Effect<TraceContext> {
    return Effect.flatMap(
      IdGenerator,
      (generator) => Effect.map(Clock.currentTimeMillis, (now) => TraceContext.unsafeRoot(generator, now, options))
    )
  }

  /** One level deeper: the same trace, user, session and knowledge base, a fresh span id, `parent` linked. */
  static child(parent: TraceContext): Effect.Effect<TraceContext> {
    return Effect.map(IdGenerator, (generator) => TraceContext.unsafeChild(parent, generator))
  }

  /** The synchronous form of `root`, for code outside of an Effect. */
  static unsafeRoot(generator: Generator, unixMillis: number, options?: RootOptions): TraceContext {
    return new TraceContext(
      generator.traceId(unixMillis),
      generator.spanId(),
      undefined,
      options?.sampled ?? true,
      true,
      undefined,
      identifierOrNone(options?.userId),
      identifierOrNone(options?.sessionId),
      identifierOrNone(options?.kbId),
      false
    )
  }

  /** The synchronous form of `child`, for code outside of an Effect. */
  static unsafeChild(parent: TraceContext, generator: Generator): TraceContext {
    return TraceContext.unsafeWithin(parent, parent.spanId, generator.spanId())
  }

  /**
   * A position in the trace of `around`, somewhere below it.
   *
   * @internal
   */
  static unsafeWithin(around: Around, parentSpanId: SpanId, spanId: SpanId): TraceContext {
    return new TraceContext(
      around.traceId,
      spanId,
      parentSpanId,
      around.sampled,
      around.random,
      around.traceState,
      around.userId,
      around.sessionId,
      around.kbId,
      false
    )
  }

  /**
   * Builds a context from plain values. Refuses ids that are not W3C ids, with a message that says which field is wrong
   * and what it must look like.
   */
  static make(fields: Fields): Either.Either<TraceContext, TraceContextError> {
    return Either.map(
      Either.mapLeft(
        decodeFields(fields),
        (error) => new TraceContextError({ field: "fields", message: ParseResult.TreeFormatter.formatErrorSync(error) })
      ),
      TraceContext.unsafeMake
    )
  }

  /**
   * Reads a `traceparent` header of any W3C version. The span id of the header becomes the span id of the context, so
   * that a `child` of it has the caller's span as its parent.
   *
   * @see https://www.w3.org/TR/trace-context-2/#traceparent-header
   */
  static fromTraceparent(header: string): Either.Either<TraceContext, TraceContextError> {
    return Either.mapBoth(parseTraceparent(header), {
      onLeft: errorOf,
      onRight: (parent) => TraceContext.received(parent, undefined)
    })
  }

  /**
   * Reads `traceparent` and `tracestate`. Never fails, whatever was received: the result reports what was refused.
   * There is no context if `traceparent` cannot be read or occurs twice. A `tracestate` alone is refused.
   *
   * @see https://www.w3.org/TR/trace-context-2/#trace-context-http-headers-format
   */
  static fromHeaders(headers: Headers): Received {
    const { parent, refused, traceState } = readHeaders(headers)
    return {
      context: parent === undefined ? undefined : TraceContext.received(parent, traceState),
      refused: refused.map(errorOf)
    }
  }

  /** Writes the headers that carry the context to another process. */
  static toHeaders(context: TraceContext, options?: HeaderOptions): TraceHeaders {
    return writeHeaders(context, options)
  }

  /** Writes the `traceparent` header, version 00, with the `sampled` and `random` flags. */
  static toTraceparent(context: TraceContext): string {
    return formatTraceparent(context)
  }

  /**
   * Copies field by field: spreading the parsed header takes longer than parsing it.
   *
   * @internal
   */
  private static received(
    { random, sampled, spanId, traceId }: TraceParent,
    traceState: TraceState.TraceState | undefined
  ): TraceContext {
    return new TraceContext(
      traceId,
      spanId,
      undefined,
      sampled,
      random,
      stateOrNone(traceState),
      undefined,
      undefined,
      undefined,
      true
    )
  }

  /**
   * The value of `Current` in a fiber. `Context.get` takes 50 ns more, and this is called for every span.
   *
   * @internal
   */
  static ambientOf(fiber: Fiber.RuntimeFiber<unknown, unknown>): TraceContext | undefined {
    return fiber.currentContext.unsafeMap.get(Current.key) as TraceContext | undefined
  }

  /**
   * The recorder's data at a position: that of a context, or the position itself if it is a span.
   *
   * @internal
   */
  static recordOf(position: object): object | undefined {
    return #record in position ? position.#record : position
  }

  /** @internal */
  static setRecord(context: TraceContext, record: object): void {
    // a context made by another copy of this class, as bundlers make them, cannot hold it
    if (#record in context) context.#record = record
  }

  /** @internal */
  static unsafeMake(this: void, fields: typeof FieldsSchema.Type): TraceContext {
    return new TraceContext(
      fields.traceId,
      fields.spanId,
      fields.parentSpanId,
      fields.sampled ?? true,
      fields.random ?? false,
      stateOrNone(fields.traceState),
      identifierOrNone(fields.userId),
      identifierOrNone(fields.sessionId),
      identifierOrNone(fields.kbId),
      fields.isRemote ?? false
    )
  }

  /** Encodes a context to plain JSON-compatible fields and decodes it again, validating every id. */
  static get schema(): Schema.Schema<TraceContext, Fields> {
    return schema
  }

  /** The same position with another `tracestate`, such as one to which the program has added a member. */
  withTraceState(traceState: TraceState.TraceState | undefined): TraceContext {
    return TraceContext.unsafeMake({ ...this, traceState })
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof TraceContext &&
      this.spanId === that.spanId &&
      this.traceId === that.traceId &&
      this.parentSpanId === that.parentSpanId &&
      this.sampled === that.sampled &&
      this.random === that.random &&
      Equal.equals(this.traceState, that.traceState) &&
      this.userId === that.userId &&
      this.sessionId === that.sessionId &&
      this.kbId === that.kbId &&
      this.isRemote === that.isRemote
  }

  [Hash.symbol](): number {
    // Effect hashes a fiber's context whenever it changes: the span id, 64 random bits, is enough for a hash
    return Hash.string(this.spanId)
  }

  toJSON(): unknown {
    return { _id: "TraceContext", ...this, traceState: this.traceState?.text }
  }

  override toString(): string {
    return Inspectable.format(this.toJSON())
  }

  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/**
 * The ambient context: `undefined` outside of any trace. A `Context.Reference`, so it needs no layer; `withTrace` and
 * `withSpan` set it for the effect they wrap, and `Effect.provideService` sets it by hand, for example to continue a
 * trace that came from another process.
 *
 * @since 0.1.0
 * @category references
 */
export class Current extends Context.Reference<Current>()("effect-observability/TraceContext/Current", {
  defaultValue: (): TraceContext | undefined => undefined
}) {}

/**
 * The key under which a span of Effect's tracer holds its position, if this library records the span:
 * `TraceContext.current` is then inside of it.
 *
 * @since 0.1.0
 * @category symbols
 */
export const placeOfSpan: unique symbol = Symbol.for("effect-observability/TraceContext/placeOfSpan")

/**
 * The position of a span of Effect's tracer.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanPlace {
  /** The position of the span. */
  readonly context: TraceContext
  /** The ambient context in which the span began, which shows which one of the two contexts is the inner one. */
  readonly ambient: TraceContext | undefined
}

// internal

/** What all places in a trace have in common. */
type Around = Pick<
  TraceContext,
  "traceId" | "sampled" | "random" | "traceState" | "userId" | "sessionId" | "kbId"
>

/**
 * The position of a span of Effect's tracer, or of the nearest span around it that is recorded: between the two may be
 * spans that only another tracer knows.
 */
const placeOf = (span: Tracer.AnySpan): SpanPlace | undefined => {
  let around: Tracer.AnySpan | undefined = span
  while (around !== undefined) {
    if (placeOfSpan in around) return around[placeOfSpan] as SpanPlace
    around = around._tag === "Span" && around.parent._tag === "Some" ? around.parent.value : undefined
  }
  return undefined
}

const errorOf = (refusal: Refusal): TraceContextError => new TraceContextError(refusal)

const stateOrNone = (state: TraceState.TraceState | undefined): TraceState.TraceState | undefined =>
  state?.text === "" ? undefined : state

const FieldsSchema = Schema.Struct({
  traceId: Identifier.TraceId,
  spanId: Identifier.SpanId,
  parentSpanId: Schema.optional(Identifier.SpanId),
  sampled: Schema.optional(Schema.Boolean),
  random: Schema.optional(Schema.Boolean),
  traceState: Schema.optional(TraceState.schema),
  userId: Schema.optional(Schema.String),
  sessionId: Schema.optional(Schema.String),
  kbId: Schema.optional(Schema.String),
  isRemote: Schema.optional(Schema.Boolean)
})

const decodeFields = Schema.decodeUnknownEither(FieldsSchema)

const TraceContextFromSelf = Schema.declare((value): value is TraceContext => value instanceof TraceContext, {
  identifier: "TraceContext"
})

const schema: Schema.Schema<TraceContext, Fields> = Schema.transform(FieldsSchema, TraceContextFromSelf, {
  strict: true,
  decode: TraceContext.unsafeMake,
  encode: (context) => ({ ...context })
})
