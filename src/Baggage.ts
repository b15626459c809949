/**
 * W3C Baggage: names and values that travel with the trace to the services that a program calls, such as a tenant or an
 * experiment.
 *
 * Every service on the way can read and change it: it is no place for secrets, and its content proves nothing.
 *
 * **Loss policy.** Of a list with malformed members, only these are left out. At most 64 members and 8,192 bytes are
 * read and written; beyond that, whole members are dropped from the end.
 *
 * @example
 * ```ts
 * import { Baggage } from "effect-observability"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const baggage = yield* Baggage.set(yield* Baggage.current, "tenant", "Müller & Söhne")
 *   yield* Baggage.current.pipe(
 *     Effect.map(Baggage.format),
 *     Effect.flatMap(Effect.log), // tenant=M%C3%BCller%20&%20S%C3%B6hne
 *     Baggage.withBaggage(baggage)
 *   )
 * })
 *
 * Effect.runPromise(program)
 * ```
 *
 * @see https://www.w3.org/TR/baggage/
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Hash from "effect/Hash"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Pipeable from "effect/Pipeable"
import * as Schema from "effect/Schema"
import type * as Tracer from "effect/Tracer"
import { decodeMember, encodeMember, isToken } from "./internal/propagation/baggageText.ts"
import type { HeadersInput } from "./internal/propagation/headerLines.ts"
import { headerLines } from "./internal/propagation/headerLines.ts"

/**
 * A property of a member.
 *
 * @since 0.1.0
 * @category models
 */
export interface Property {
  /** A token of HTTP: letters, digits and some signs. */
  readonly key: string
  /** Any text; `undefined` for a property without a value. */
  readonly value: string | undefined
}

/**
 * A name with its value.
 *
 * @since 0.1.0
 * @category models
 */
export interface Member {
  /** A token of HTTP: letters, digits and some signs. */
  readonly key: string
  /** Any text: characters that HTTP does not take are percent-encoded in the header. */
  readonly value: string
  readonly properties: ReadonlyArray<Property>
}

/**
 * How much is read or written.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** Default: 64, the least that W3C asks for. */
  readonly maxMembers?: number | undefined
  /** Bytes of the header's value. Default: 8,192, the least that W3C asks for. */
  readonly maxBytes?: number | undefined
}

/**
 * What was found in headers.
 *
 * @since 0.1.0
 * @category models
 */
export interface Received {
  readonly baggage: Baggage
  /** What was refused, and why. The messages do not repeat the content, because it came from outside. */
  readonly refused: ReadonlyArray<BaggageError>
}

/**
 * Says why a member, or a part of a header, was refused.
 *
 * @since 0.1.0
 * @category errors
 */
export class BaggageError extends Schema.TaggedError<BaggageError>("effect-observability/Baggage/BaggageError")(
  "BaggageError",
  {
    /** What is wrong and what is expected. */
    message: Schema.String
  }
) {}

/**
 * An immutable list of members, each key once. Two lists with the same members in the same order are `Equal`.
 *
 * @since 0.1.0
 * @category models
 */
export class Baggage extends Pipeable.Class() implements Equal.Equal, Inspectable.Inspectable {
  readonly members: ReadonlyArray<Member>

  private constructor(members: ReadonlyArray<Member>) {
    super()
    this.members = Object.freeze(members)
    Object.freeze(this)
  }

  /** @internal */
  static unsafeMake(members: ReadonlyArray<Member>): Baggage {
    return new Baggage(members)
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof Baggage && textOf(this) === textOf(that)
  }

  [Hash.symbol](): number {
    return Hash.string(textOf(this))
  }

  toJSON(): unknown {
    return { _id: "Baggage", members: this.members }
  }

  override toString(): string {
    return Inspectable.format(this.toJSON())
  }

  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/**
 * The baggage without members.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: Baggage = Baggage.unsafeMake([])

/**
 * Reads `baggage` from headers of any form; several lines count as one. If a key occurs twice, the last member is kept.
 *
 * @since 0.1.0
 * @category conversions
 */
export const fromHeaders = (headers: HeadersInput, limits?: Limits): Received => {
  const text = headerLines(headers, "baggage").join(",")
  return text === "" ? nothing : parse(text, limits)
}

/**
 * Reads the value of the header. Members beyond the limits, and malformed members, are left out and reported.
 *
 * @since 0.1.0
 * @category conversions
 */
export const parse = (header: string, limits?: Limits): Received => {
  const members = new Map<string, Member>()
  const refused: Array<BaggageError> = []
  const room = new Room(limits)
  let malformed = 0
  for (const text of header.split(",")) {
    if (text.trim() === "") continue
    // the limit counts the bytes as they were received; members beyond it are not even looked at
    if (!room.takes(text)) {
      refused.push(new BaggageError({ message: `baggage refused from a member on: ${room.limit}` }))
      break
    }
    const member = decodeMember(text)
    if (member === undefined) malformed++
    else members.set(member.key, member)
  }
  if (malformed > 0) {
    refused.push(new BaggageError({ message: `baggage refused in part: ${malformed} malformed members` }))
  }
  return { baggage: Baggage.unsafeMake(Array.from(members.values())), refused }
}

/**
 * Writes the value of the header, with as many members as the limits allow.
 *
 * @since 0.1.0
 * @category conversions
 */
export const format = (self: Baggage, limits?: Limits): string => {
  const room = new Room(limits)
  const texts: Array<string> = []
  for (const member of self.members) {
    const text = encodeMember(member)
    if (!room.takes(text)) break
    texts.push(text)
  }
  return texts.join(",")
}

/**
 * The value of a key.
 *
 * @since 0.1.0
 * @category getters
 */
export const get: {
  (key: string): (self: Baggage) => Option.Option<string>
  (self: Baggage, key: string): Option.Option<string>
} = dual(
  2,
  (self: Baggage, key: string): Option.Option<string> =>
    Option.map(Option.fromNullable(self.members.find((member) => member.key === key)), ({ value }) => value)
)

/**
 * Sets the value of a key; a member that exists keeps its place. Refuses a key that is not a token of HTTP.
 *
 * @since 0.1.0
 * @category combinators
 */
export const set: {
  (
    key: string,
    value: string,
    properties?: ReadonlyArray<Property>
  ): (self: Baggage) => Either.Either<Baggage, BaggageError>
  (
    self: Baggage,
    key: string,
    value: string,
    properties?: ReadonlyArray<Property>
  ): Either.Either<Baggage, BaggageError>
} = dual(
  (args) => args[0] instanceof Baggage,
  (
    self: Baggage,
    key: string,
    value: string,
    properties: ReadonlyArray<Property> = []
  ): Either.Either<Baggage, BaggageError> => {
    if (!isToken(key) || !properties.every((property) => isToken(property.key))) {
      return Either.left(
        new BaggageError({ message: "a key is one or more of the letters, digits and signs !#$%&'*+-.^_`|~" })
      )
    }
    const members = new Map(self.members.map((member) => [member.key, member]))
    members.set(key, {
      key,
      value: value.toWellFormed(),
      properties: properties.map((property) => ({ key: property.key, value: property.value?.toWellFormed() }))
    })
    return Either.right(Baggage.unsafeMake(Array.from(members.values())))
  }
)

/**
 * Removes a key.
 *
 * @since 0.1.0
 * @category combinators
 */
export const remove: {
  (key: string): (self: Baggage) => Baggage
  (self: Baggage, key: string): Baggage
} = dual(
  2,
  (self: Baggage, key: string): Baggage =>
    self.members.some((member) => member.key === key)
      ? Baggage.unsafeMake(self.members.filter((member) => member.key !== key))
      : self
)

/**
 * The ambient baggage: empty unless it was set. A `Context.Reference`, so it needs no layer.
 *
 * @since 0.1.0
 * @category references
 */
export class Current extends Context.Reference<Current>()("effect-observability/Baggage/Current", {
  defaultValue: (): Baggage => empty
}) {}

/**
 * The baggage of the running fiber: set by `withBaggage`, or else received with the request that the fiber serves.
 *
 * @since 0.1.0
 * @category getters
 */
export const current: Effect.Effect<Baggage> = Effect.withFiberRuntime((fiber) => Effect.succeed(unsafeCurrent(fiber)))

/**
 * The synchronous form of `current`.
 *
 * @since 0.1.0
 * @category getters
 */
export const unsafeCurrent = (fiber: Fiber.RuntimeFiber<unknown, unknown>): Baggage => {
  const ambient = Context.get(fiber.currentContext, Current)
  let span: Tracer.AnySpan | undefined = fiber.currentSpan
  while (span !== undefined) {
    if (baggageOfSpan in span) {
      const received = span[baggageOfSpan] as SpanBaggage
      return received.ambient === ambient ? received.baggage : ambient
    }
    span = span._tag === "Span" && span.parent._tag === "Some" ? span.parent.value : undefined
  }
  return ambient
}

/**
 * Runs an effect with the given baggage, which replaces the one around it.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withBaggage: {
  (baggage: Baggage): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, baggage: Baggage): Effect.Effect<A, E, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, baggage: Baggage): Effect.Effect<A, E, R> =>
    // `empty` itself is the ambient baggage if nothing was set: another object shows that it was set to be empty
    Effect.provideService(self, Current, baggage === empty ? Baggage.unsafeMake([]) : baggage)
)

/**
 * The key under which a span of Effect's tracer that stands for a received request holds the request's baggage.
 *
 * @since 0.1.0
 * @category symbols
 */
export const baggageOfSpan: unique symbol = Symbol.for("effect-observability/Baggage/baggageOfSpan")

/**
 * The baggage that was received with a request, as held by a span of Effect's tracer.
 *
 * @since 0.1.0
 * @category models
 */
export interface SpanBaggage {
  readonly baggage: Baggage
  /** The ambient baggage in which the span began: as long as it is the same, nothing was set inside of the span. */
  readonly ambient: Baggage
}

// internal

const nothing: Received = { baggage: empty, refused: [] }

const textOf = (self: Baggage): string => self.members.map(encodeMember).join(",")

/** Counts down the limits. */
class Room {
  private members: number
  private bytes: number
  readonly limit: string

  constructor({ maxBytes = 8_192, maxMembers = 64 }: Limits = {}) {
    this.members = maxMembers
    // no comma stands before the first member
    this.bytes = maxBytes + 1
    this.limit = `more than ${maxMembers} members or ${maxBytes} bytes`
  }

  takes(member: string): boolean {
    this.members--
    this.bytes -= Buffer.byteLength(member) + 1
    return this.members >= 0 && this.bytes >= 0
  }
}
