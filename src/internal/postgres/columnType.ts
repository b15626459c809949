/**
 * The PostgreSQL types in use: the name of each, and how its values are written in PostgreSQL's binary format.
 */
import type * as BigDecimal from "effect/BigDecimal"
import type { Json } from "../../Observation.ts"
import type { ByteWriter } from "../byteWriter.ts"
import { cutIdentifier } from "../identifierText.ts"
import { type Steps, writeJson } from "../jsonBytes.ts"
import { writeNumeric } from "./numeric.ts"
import { withoutNul } from "./safeText.ts"

export interface ColumnType<Value> {
  /** The SQL name of the type, which is the element type of a column's array. */
  readonly sql: string
  /** The type's OID in PostgreSQL, which is fixed for built-in types. */
  readonly oid: number
  /** Whether the type can hold the value; if absent, it holds every value. */
  readonly accepts?: (value: Value) => boolean
  /** @returns the remaining steps for a value that is too large for one step */
  readonly write: (out: ByteWriter, value: Value) => Steps | void
}

export const uuid: ColumnType<string> = { sql: "uuid", oid: 2950, write: (out, value) => out.hex(value) }

/** Bytes, from hexadecimal digits. */
export const bytea: ColumnType<string> = { sql: "bytea", oid: 17, write: (out, value) => out.hex(value) }

export const text: ColumnType<string> = { sql: "text", oid: 25, write: (out, value) => out.utf8(withoutNul(value)) }

/** Text of a column that has, or may get, an index. */
export const indexedText: ColumnType<string> = {
  ...text,
  write: (out, value) => out.utf8(withoutNul(cutIdentifier(value)))
}

/** A number that stands for a word. */
export const code: ColumnType<number> = { sql: "int2", oid: 21, write: (out, value) => out.int16(value) }

export const boolean: ColumnType<boolean> = { sql: "bool", oid: 16, write: (out, value) => out.byte(value ? 1 : 0) }

/** A whole number. */
export const count: ColumnType<number> = {
  sql: "int8",
  oid: 20,
  accepts: Number.isSafeInteger,
  write: (out, value) => out.int64(value)
}

/** A duration in microseconds, rounded to a whole number. */
export const micros: ColumnType<number> = {
  sql: "int8",
  oid: 20,
  accepts: (value) => Math.abs(value) <= Number.MAX_SAFE_INTEGER,
  write: (out, value) => out.int64(Math.round(value))
}

/** Every number, NaN and the infinities included. */
export const float: ColumnType<number> = { sql: "float8", oid: 701, write: (out, value) => out.float64(value) }

/** A time, given in microseconds since the Unix epoch; PostgreSQL counts from the year 2000. */
export const timestamp: ColumnType<number> = {
  sql: "timestamptz",
  oid: 1184,
  write: (out, value) => out.int64(Math.floor(value) - unixMicrosOfYear2000)
}

const unixMicrosOfYear2000 = 946_684_800_000_000

/** Money, exact. */
export const money: ColumnType<BigDecimal.BigDecimal> = {
  sql: "numeric",
  oid: 1700,
  // numeric takes 16,383 digits behind the decimal point; no amount of money has a hundred
  accepts: ({ scale, value }) => Math.abs(scale) <= 100 && value < moneyLimit && value > -moneyLimit,
  write: writeNumeric
}

const moneyLimit = 10n ** 100n

/** The version byte of the binary form, then the JSON text. */
export const jsonb: ColumnType<Json> = {
  sql: "jsonb",
  oid: 3802,
  write: (out, value) => {
    out.byte(1)
    return writeJson(out, value)
  }
}
