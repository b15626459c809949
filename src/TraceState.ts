/**
 * The `tracestate` of W3C Trace Context Level 2: data of other tracing systems about a trace, in a list whose leftmost
 * member belongs to the system that changed the list last. Programs pass it on; few have anything to add.
 *
 * **Loss policy.** A list with a malformed member, or with more than 32 members, is refused as a whole. The written
 * list has at most `maxLength` characters: from a longer one, whole members are dropped.
 *
 * @example
 * ```ts
 * import { TraceState } from "effect-observability"
 * import { Either } from "effect"
 *
 * const received = Either.getOrThrow(TraceState.parse("congo=t61rcWkgMzE, rojo=00f067aa0ba902b7"))
 * const sent = Either.getOrThrow(TraceState.set(received, "rojo", "1"))
 *
 * console.log(TraceState.format(sent)) // rojo=1,congo=t61rcWkgMzE
 * ```
 *
 * @see https://www.w3.org/TR/trace-context-2/#tracestate-header
 * @since 0.1.0
 */
import * as Either from "effect/Either"
import * as Equal from "effect/Equal"
import { dual } from "effect/Function"
import * as Hash from "effect/Hash"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Pipeable from "effect/Pipeable"
import * as Schema from "effect/Schema"
import { trimmed } from "./internal/propagation/headerLines.ts"

/**
 * The maximum number of members in a list.
 *
 * @since 0.1.0
 * @category constants
 */
export const maxMembers = 32

/**
 * The default limit for the characters that are written: the specification asks for at least this many.
 *
 * @since 0.1.0
 * @category constants
 */
export const defaultMaxLength = 512

/**
 * Says why a list was refused. The message does not repeat the list's content, because it came from outside.
 *
 * @since 0.1.0
 * @category errors
 */
export class TraceStateError extends Schema.TaggedError<TraceStateError>(
  "effect-observability/TraceState/TraceStateError"
)("TraceStateError", {
  /** What is wrong and what is expected. */
  message: Schema.String
}) {}

/**
 * An immutable list of keys with values, each key once. Two lists with the same members in the same order are `Equal`.
 *
 * @since 0.1.0
 * @category models
 */
export class TraceState extends Pipeable.Class() implements Equal.Equal, Inspectable.Inspectable {
  /** The members as they are written, separated only by commas: the canonical form of the list. */
  readonly text: string

  private constructor(text: string) {
    super()
    this.text = text
    Object.freeze(this)
  }

  /** @internal */
  static unsafeMake(members: ReadonlyArray<string>): TraceState {
    return new TraceState(members.join(","))
  }

  /** The keys and their values, from left to right. */
  get members(): ReadonlyArray<readonly [key: string, value: string]> {
    return membersOf(this).map((member) => [keyOf(member), member.slice(keyOf(member).length + 1)])
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof TraceState && this.text === that.text
  }

  [Hash.symbol](): number {
    return Hash.string(this.text)
  }

  toJSON(): unknown {
    return { _id: "TraceState", members: this.members }
  }

  override toString(): string {
    return Inspectable.format(this.toJSON())
  }

  [Inspectable.NodeInspectSymbol](): unknown {
    return this.toJSON()
  }
}

/**
 * The list without members.
 *
 * @since 0.1.0
 * @category constructors
 */
export const empty: TraceState = TraceState.unsafeMake([])

/**
 * Reads the value of the header; the caller joins several lines of it with commas. Empty members are ignored. If a key
 * occurs twice, the leftmost member is kept, which is the newer one.
 *
 * @since 0.1.0
 * @category conversions
 */
export const parse = (header: string): Either.Either<TraceState, TraceStateError> => {
  const members: Array<string> = []
  const keys = new Set<string>()
  let count = 0
  for (const part of header.split(",")) {
    const member = trimmed(part)
    if (member === "") continue
    if (!memberPattern.test(member)) return refuse("a member is not of the form key=value, or has forbidden characters")
    if (++count > maxMembers) return refuse(`more than ${maxMembers} members`)
    const key = keyOf(member)
    if (keys.has(key)) continue
    keys.add(key)
    members.push(member)
  }
  return Either.right(TraceState.unsafeMake(members))
}

/**
 * Writes the value of the header. A list longer than `maxLength` characters (default: 512) loses whole members: first
 * those of more than 128 characters, then any, from the right in both cases.
 *
 * @since 0.1.0
 * @category conversions
 */
export const format = (self: TraceState, options?: { readonly maxLength?: number | undefined }): string => {
  const maxLength = options?.maxLength ?? defaultMaxLength
  if (self.text.length <= maxLength) return self.text
  return withinLength(withinLength(membersOf(self), maxLength, largeMember), maxLength, 0).join(",")
}

/**
 * The value of a key.
 *
 * @since 0.1.0
 * @category getters
 */
export const get: {
  (key: string): (self: TraceState) => Option.Option<string>
  (self: TraceState, key: string): Option.Option<string>
} = dual(2, (self: TraceState, key: string): Option.Option<string> => {
  const found = membersOf(self).find((member) => keyOf(member) === key)
  return found === undefined ? Option.none() : Option.some(found.slice(key.length + 1))
})

/**
 * Sets the value of a key, and moves the member to the left end, as is required for a changed member. If the list then
 * has 33 members, the rightmost is dropped.
 *
 * @since 0.1.0
 * @category combinators
 */
export const set: {
  (key: string, value: string): (self: TraceState) => Either.Either<TraceState, TraceStateError>
  (self: TraceState, key: string, value: string): Either.Either<TraceState, TraceStateError>
} = dual(3, (self: TraceState, key: string, value: string): Either.Either<TraceState, TraceStateError> => {
  if (!keyPattern.test(key)) {
    return refuse("a key is 1 to 256 characters a-z, 0-9, _, -, *, /, @ and begins with a letter or digit")
  }
  if (!valuePattern.test(value)) {
    return refuse("a value is 1 to 256 printable ASCII characters without comma and =, and does not end with a space")
  }
  const others = membersOf(self).filter((member) => keyOf(member) !== key)
  return Either.right(TraceState.unsafeMake([`${key}=${value}`, ...others].slice(0, maxMembers)))
})

/**
 * Removes a key.
 *
 * @since 0.1.0
 * @category combinators
 */
export const remove: {
  (key: string): (self: TraceState) => TraceState
  (self: TraceState, key: string): TraceState
} = dual(2, (self: TraceState, key: string): TraceState => {
  const members = membersOf(self)
  const others = members.filter((member) => keyOf(member) !== key)
  return others.length === members.length ? self : TraceState.unsafeMake(others)
})

// internal

const keyGrammar = "[a-z0-9][a-z0-9_\\-*/@]{0,255}"
/** Printable ASCII without comma and equals sign, and no space at the end. */
const valueGrammar = "[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]"
const keyPattern = new RegExp(`^${keyGrammar}$`)
const valuePattern = new RegExp(`^${valueGrammar}$`)
const memberPattern = new RegExp(`^${keyGrammar}=${valueGrammar}$`)

/** Members with more characters than this are dropped first. */
const largeMember = 128

const refuse = (why: string): Either.Either<never, TraceStateError> =>
  Either.left(new TraceStateError({ message: `tracestate refused: ${why}` }))

const membersOf = ({ text }: TraceState): ReadonlyArray<string> => text === "" ? [] : text.split(",")

const keyOf = (member: string): string => member.slice(0, member.indexOf("="))

/** Drops members of more than `largerThan` characters, from the right, until the list is short enough. */
const withinLength = (
  members: ReadonlyArray<string>,
  maxLength: number,
  largerThan: number
): ReadonlyArray<string> => {
  let length = members.reduce((sum, member) => sum + member.length + 1, -1)
  return members.reduceRight<Array<string>>((kept, member) => {
    if (length > maxLength && member.length > largerThan) length -= member.length + 1
    else kept.unshift(member)
    return kept
  }, [])
}

const TraceStateFromSelf = Schema.declare((value): value is TraceState => value instanceof TraceState, {
  identifier: "TraceState"
})

/**
 * A list as the text of its header.
 *
 * @since 0.1.0
 * @category schemas
 */
export const schema: Schema.Schema<TraceState, string> = Schema.transformOrFail(Schema.String, TraceStateFromSelf, {
  strict: true,
  decode: (text, _, ast) => Either.mapLeft(parse(text), ({ message }) => new ParseResult.Type(ast, undefined, message)),
  encode: (self) => Either.right(self.text)
})
