/**
 * Codecs that turn typed values into JSON, and back with checks.
 *
 * Written by hand rather than with Schema: a replay decodes the records of a whole outage beside the application's own
 * work, and here a record costs a few microseconds. A `struct` that does not name every field of its type does not
 * compile, so a new field cannot be forgotten. A decoded object has every field, those without a value as `undefined`,
 * like the original.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import type { Json, JsonObject } from "../../Observation.ts"

export interface Codec<A> {
  /** `undefined` leaves the field out. */
  readonly encode: (value: A) => Json | undefined
  /** Throws {@link Malformed}. */
  readonly decode: (json: Json | undefined) => A
}

export interface ObjectCodec<A> extends Codec<A> {
  readonly encode: (value: A) => JsonObject
}

/** The value that was read is not of the expected form. */
export class Malformed extends Error {
  override readonly name = "Malformed"
}

/** A value that is its own JSON. */
const plain = <A extends Json>(what: string, is: (json: Json | undefined) => json is A): Codec<A> => ({
  encode: (value) => value,
  decode: (json) => is(json) ? json : refuse(what, json)
})

export const string = plain("a text", (json) => typeof json === "string")

export const boolean = plain("true or false", (json) => typeof json === "boolean")

/** Any value that `JSON.parse` returns; only a missing value is refused. */
export const json = plain("a value", (json): json is Json => json !== undefined)

export const jsonObject = plain(
  "an object",
  (json): json is JsonObject => typeof json === "object" && json !== null && !Array.isArray(json)
)

export const strings = plain(
  "a list of texts",
  (json): json is ReadonlyArray<string> => Array.isArray(json) && json.every((entry) => typeof entry === "string")
)

export const literal = <A extends string>(...values: ReadonlyArray<A>): Codec<A> =>
  plain(values.join(" or "), (json): json is A => values.some((value) => value === json))

/** A text of a certain form. */
export const refined = <A extends string>(what: string, is: (value: unknown) => value is A): Codec<A> =>
  plain(what, (json): json is A => is(json))

/** Any number. JSON cannot express numbers that are not finite, so they are written as their names. */
export const number: Codec<number> = {
  encode: (value) => Number.isFinite(value) ? value : String(value),
  decode: (json) =>
    typeof json === "number" ? json : json === "NaN" || json === "Infinity" || json === "-Infinity"
      ? Number(json)
      : refuse("a number", json)
}

/** A decimal with its digits and scale as they are: the normal form would lose the former and compute the latter. */
export const decimal: Codec<BigDecimal.BigDecimal> = {
  encode: (value) => `${value.value}e${-value.scale}`,
  decode: (json) =>
    Option.getOrElse(
      typeof json === "string" ? BigDecimal.fromString(json) : Option.none(),
      () => refuse("a decimal", json)
    )
}

export const optional = <A>(codec: Codec<A>): Codec<A | undefined> => ({
  encode: (value) => value === undefined ? undefined : codec.encode(value),
  decode: (json) => json === undefined ? undefined : codec.decode(json)
})

export const list = <A>(codec: Codec<A>): Codec<ReadonlyArray<A>> => ({
  encode: (values) => values.map((value) => codec.encode(value) ?? null),
  decode: (json) => Array.isArray(json) ? json.map((entry: Json) => codec.decode(entry)) : refuse("a list", json)
})

/** An object that has exactly these fields. */
export const struct = <A extends object>(
  fields: { readonly [Name in keyof A]-?: Codec<A[Name]> }
): ObjectCodec<A> => {
  const names = Object.keys(fields) as Array<Extract<keyof A, string>>
  return {
    encode: (value) => {
      const encoded: Record<string, Json> = {}
      for (const name of names) {
        const field = fields[name].encode(value[name])
        if (field !== undefined) encoded[name] = field
      }
      return encoded
    },
    decode: (json) => {
      const object = jsonObject.decode(json)
      const decoded: Partial<A> = {}
      for (const name of names) decoded[name] = fields[name].decode(object[name])
      return decoded as A
    }
  }
}

// internal

const refuse = (what: string, json: Json | undefined): never => {
  throw new Malformed(`expected ${what}, found ${json === undefined ? "nothing" : typeof json}`)
}
