/**
 * The identity of a trace and of the place in it where a program is: an immutable value that travels in the fiber's
 * context, from parent to child, across `fork`, `forEach`, `race` and `Stream`.
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
import type { SpanId, TraceId } from "./Identifier.ts"
import * as Identifier from "./Identifier.ts"
import type { Generator } from "./IdGenerator.ts"
import { IdGenerator } from "./IdGenerator.ts"

/**
 * What a caller may say about a new trace.
 *
 * @since 0.1.0
 * @category models
 */
export interface RootOptions {
  /** Who the trace is for. */
  readonly userId?: string | undefined
  /** The conversation or session the trace belongs to. */
  readonly sessionId?: string | undefined
  /** The knowledge base the trace works with. */
  readonly kbId?: string | undefined
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
  /** Whether the last 7 bytes of the trace id are random (W3C Level 2). Default: `false`, nothing is claimed. */
  readonly random?: boolean | undefined
  readonly traceState?: string | undefined
  readonly userId?: string | undefined
  readonly sessionId?: string | undefined
  readonly kbId?: string | undefined
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
  field: Schema.Literal("traceparent", "fields"),
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
  /** 16 lower-case hexadecimal digits, the span that this context stands in. */
  readonly spanId: SpanId
  /** The span one level up; `undefined` at the root. */
  readonly parentSpanId: SpanId | undefined
  /** The W3C `sampled` flag. It is passed on; what this library stores does not depend on it. */
  readonly sampled: boolean
  /** The W3C Level 2 `random` flag: the last 7 bytes of the trace id are random. */
  readonly random: boolean
  /** The `tracestate` header as received, passed on unchanged. */
  readonly traceState: string | undefined
  /** Who the trace is for. */
  readonly userId: string | undefined
  /** The conversation or session the trace belongs to. */
  readonly sessionId: string | undefined
  /** The knowledge base the trace works with. */
  readonly kbId: string | undefined

  private constructor(
    traceId: TraceId,
    spanId: SpanId,
    parentSpanId: SpanId | undefined,
    sampled: boolean,
    random: boolean,
    traceState: string | undefined,
    userId: string | undefined,
    sessionId: string | undefined,
    kbId: string | undefined
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
    Object.freeze(this)
  }

  /** The trace id in uuid form: the primary key of the trace in PostgreSQL, known without a round trip. */
  get dbTraceId(): string {
    return Identifier.toUuid(this.traceId)
  }

  /**
   * The context that the running fiber is in, if any. Reads the fiber's own context: nothing has to be passed by hand.
   */
  static readonly current: Effect.Effect<Option.Option<TraceContext>> = Effect.withFiberRuntime((fiber) =>
    Effect.succeed(Option.fromNullable(TraceContext.unsafeCurrent(fiber)))
  )

  /**
   * The synchronous form of `current`: the inner one of the ambient context, which `withTrace` and `withSpan` set, and of
   * the native span of Effect's tracer in which the fiber runs, where that is recorded by this library, too.
   */
  static unsafeCurrent(fiber: Fiber.RuntimeFiber<unknown, unknown>): TraceContext | undefined {
    const ambient = Context.get(fiber.currentContext, Current)
    const native = fiber.currentSpan
    if (native === undefined || !(placeOfSpan in native)) return ambient
    const place = native[placeOfSpan] as SpanPlace
    // A native span that was begun where the program still is stands inside of it; any other one stands around it.
    return place.ambient === ambient ? place.context : ambient
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
      options?.userId,
      options?.sessionId,
      options?.kbId
    )
  }

  /** The synchronous form of `child`, for code outside of an Effect. */
  static unsafeChild(parent: TraceContext, generator: Generator): TraceContext {
    return new TraceContext(
      parent.traceId,
      generator.spanId(),
      parent.spanId,
      parent.sampled,
      parent.random,
      parent.traceState,
      parent.userId,
      parent.sessionId,
      parent.kbId
    )
  }

  /**
   * Builds a context from values of another origin. Refuses ids that are not W3C ids, with a message that says which
   * field is wrong and what it must look like.
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
    const match = traceparentPattern.exec(header)
    if (match === null) return refuse("expected version-traceid-spanid-flags in lower-case hexadecimal digits")
    const [, version, traceId, spanId, flags, rest] = match
    if (version === "ff") return refuse("version ff is forbidden")
    if (version === "00" && rest !== undefined) return refuse("version 00 ends after the flags")
    if (!Identifier.isTraceId(traceId)) return refuse("the trace id is all zero")
    if (!Identifier.isSpanId(spanId)) return refuse("the span id is all zero")
    const bits = Number.parseInt(flags!, 16)
    return Either.right(
      new TraceContext(
        traceId,
        spanId,
        undefined,
        (bits & 1) === 1,
        (bits & 2) === 2,
        undefined,
        undefined,
        undefined,
        undefined
      )
    )
  }

  /** Writes the `traceparent` header, version 00, with the `sampled` and `random` flags. */
  static toTraceparent(context: TraceContext): string {
    const flags = (context.sampled ? 1 : 0) | (context.random ? 2 : 0)
    return `00-${context.traceId}-${context.spanId}-0${flags}`
  }

  /** @internal */
  static unsafeMake(this: void, fields: typeof FieldsSchema.Type): TraceContext {
    return new TraceContext(
      fields.traceId,
      fields.spanId,
      fields.parentSpanId,
      fields.sampled ?? true,
      fields.random ?? false,
      fields.traceState,
      fields.userId,
      fields.sessionId,
      fields.kbId
    )
  }

  /** Encodes a context to plain JSON-compatible fields and decodes it again, validating every id. */
  static get schema(): Schema.Schema<TraceContext, Fields> {
    return schema
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof TraceContext &&
      this.spanId === that.spanId &&
      this.traceId === that.traceId &&
      this.parentSpanId === that.parentSpanId &&
      this.sampled === that.sampled &&
      this.random === that.random &&
      this.traceState === that.traceState &&
      this.userId === that.userId &&
      this.sessionId === that.sessionId &&
      this.kbId === that.kbId
  }

  [Hash.symbol](): number {
    // Effect hashes a fiber's context whenever it changes: the span id, 64 random bits, says all that a hash needs
    return Hash.string(this.spanId)
  }

  toJSON(): unknown {
    return { _id: "TraceContext", ...this }
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
 * Under this key a span of Effect's tracer says where it stands, when this library records it: `TraceContext.current`
 * is then inside of it.
 *
 * @since 0.1.0
 * @category symbols
 */
export const placeOfSpan: unique symbol = Symbol.for("effect-observability/TraceContext/placeOfSpan")

/**
 * Where a span of Effect's tracer stands.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanPlace {
  /** The position of the span. */
  readonly context: TraceContext
  /** The ambient context in which it was begun, by which the inner one of the two is known. */
  readonly ambient: TraceContext | undefined
}

// internal

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

const refuse = (why: string): Either.Either<never, TraceContextError> =>
  Either.left(new TraceContextError({ field: "traceparent", message: `traceparent refused: ${why}` }))

const FieldsSchema = Schema.Struct({
  traceId: Identifier.TraceId,
  spanId: Identifier.SpanId,
  parentSpanId: Schema.optional(Identifier.SpanId),
  sampled: Schema.optional(Schema.Boolean),
  random: Schema.optional(Schema.Boolean),
  traceState: Schema.optional(Schema.String),
  userId: Schema.optional(Schema.String),
  sessionId: Schema.optional(Schema.String),
  kbId: Schema.optional(Schema.String)
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
