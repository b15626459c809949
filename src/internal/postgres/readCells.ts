/**
 * Reads rows with every column as text, in a format that loses nothing and that no parser of the host's client touches.
 * The driver's own formats would lose microseconds, digits of decimals, and the difference between a JSON `null` and no
 * value.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Option from "effect/Option"
import { isSpanId, isTraceId, type SpanId, type TraceId } from "../../Identifier.ts"
import type { Json, JsonObject } from "../../Observation.ts"
import { isJsonObject } from "../capture.ts"
import type { Table } from "./table.ts"

/** A row as PostgreSQL prints it, by the names of its columns. */
export type PrintedRow = Readonly<Record<string, string | null>>

/** The columns of a table for a select list, each printed as {@link Cells} reads it. */
export const printedColumns = <Row>(table: Table<Row>, alias: string): string =>
  table.columns.map(({ name, type }) => `${printed(type.sql, `${alias}.${name}`)} as ${name}`).join(", ")

/** The content of a row is not what was written. */
export class Unreadable extends Error {
  override readonly name = "Unreadable"
}

/**
 * The columns of one row. Null is `undefined`. A column that cannot be null has a method of its own, or is read with
 * {@link Cells.required}.
 */
export class Cells {
  private readonly row: PrintedRow

  constructor(row: PrintedRow) {
    this.row = row
  }

  text(column: string): string | undefined {
    return this.row[column] ?? undefined
  }

  /** A whole number; times and durations are in microseconds. */
  count(column: string): number | undefined {
    const text = this.text(column)
    return text === undefined ? undefined : this.checked(column, Number(text), Number.isSafeInteger)
  }

  float(column: string): number | undefined {
    const digits = this.text(column)
    return digits === undefined ? undefined : Buffer.from(digits, "hex").readDoubleBE()
  }

  boolean(column: string): boolean | undefined {
    const text = this.text(column)
    return text === undefined ? undefined : text === "true"
  }

  decimal(column: string): BigDecimal.BigDecimal | undefined {
    const text = this.text(column)
    return text === undefined ? undefined : this.required(column, Option.getOrUndefined(BigDecimal.fromString(text)))
  }

  json(column: string): Json | undefined {
    const text = this.text(column)
    return text === undefined ? undefined : JSON.parse(text)
  }

  jsonObject(column: string): JsonObject | undefined {
    const value = this.json(column)
    return value === undefined ? undefined : this.checked(column, value, isJsonObject) as JsonObject
  }

  texts(column: string): ReadonlyArray<string> | undefined {
    const value = this.json(column)
    return value === undefined
      ? undefined
      : this.checked(column, value, (list) => Array.isArray(list)) as ReadonlyArray<string>
  }

  traceId(column: string): TraceId {
    const digits = this.text(column)?.replaceAll("-", "")
    return this.required(column, isTraceId(digits) ? digits : undefined)
  }

  optionalSpanId(column: string): SpanId | undefined {
    const digits = this.text(column)
    return digits === undefined ? undefined : this.required(column, isSpanId(digits) ? digits : undefined)
  }

  spanId(column: string): SpanId {
    return this.required(column, this.optionalSpanId(column))
  }

  /** A word that is stored as a number. */
  word<Word extends string>(column: string, codes: Readonly<Record<Word, number>>): Word {
    return this.required(column, this.optionalWord(column, codes))
  }

  optionalWord<Word extends string>(column: string, codes: Readonly<Record<Word, number>>): Word | undefined {
    const code = this.count(column)
    return (Object.keys(codes) as Array<Word>).find((word) => codes[word] === code)
  }

  required<Value>(column: string, value: Value | undefined): Value {
    if (value === undefined) throw new Unreadable(`the column ${column} holds nothing, or nothing that was written`)
    return value
  }

  /** The estimated size of the row in memory, in bytes, which is charged to a delivery's budget. */
  get size(): number {
    let characters = 0
    for (const column of Object.keys(this.row)) characters += this.row[column]?.length ?? 0
    return baseSize + 2 * characters
  }

  private checked<Value>(column: string, value: Value, isRight: (value: Value) => boolean): Value {
    return this.required(column, isRight(value) ? value : undefined)
  }
}

// internal

/** Bytes that the fields of a record take in memory, without their content. */
const baseSize = 600

const printed = (type: string, column: string): string => {
  switch (type) {
    case "bytea":
      return `encode(${column}, 'hex')`
    case "timestamptz":
      return `(extract(epoch from ${column}) * 1000000)::int8::text`
    case "float8":
      // as text its digits depend on a setting of the session
      return `encode(float8send(${column}), 'hex')`
    default:
      return `${column}::text`
  }
}
