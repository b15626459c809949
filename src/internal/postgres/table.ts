/**
 * A table as the writer sees it. Its list of columns is the single source of the insert statement and of the data sent
 * with it.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { ByteWriter } from "../byteWriter.ts"
import type { Steps } from "../jsonBytes.ts"
import type { ColumnType } from "./columnType.ts"

export interface Column<Row> {
  readonly name: string
  readonly type: Pick<ColumnType<never>, "sql" | "oid">
  /** Whether the row has a value that the column can hold. */
  readonly has: (row: Row) => boolean
  /**
   * Writes the row's value, behind its length.
   *
   * @param notes values that this row's other columns could not hold
   * @returns `undefined` when the value is written; the remaining steps for a large value; or why the column is null:
   * there is no value, or it cannot be stored
   */
  readonly write: (out: ByteWriter, row: Row, notes: Notes | undefined) => Steps | Absence | undefined
}

/** Printed values that their columns could not hold, by the name of the column. */
export type Notes = Record<string, string>

/** Why a column of a row is null. */
export type Absence = { readonly unstorable: string | undefined }

export interface Table<Row> {
  readonly name: string
  readonly key: ReadonlyArray<string>
  /** The column that takes the notes is the last one, so that all others are written before it. */
  readonly columns: ReadonlyArray<Column<Row>>
  /** The conflict action for a row whose key exists already; refers to the existing row as `held`. */
  readonly onConflict: string
  /**
   * Whether no other snapshot of the same record was sent before, as far as the row tells. If absent, this is true of
   * no row.
   */
  readonly isFirst?: (row: Row) => boolean
  /** The time that determines the partition of a row, in microseconds; `undefined` for a table without partitions. */
  readonly partitionTime: ((row: Row) => number) | undefined
}

export const column = <Row, Value>(
  name: string,
  type: ColumnType<Value>,
  of: (row: Row, notes: Notes | undefined) => Value | undefined
): Column<Row> => ({
  name,
  type,
  has: (row) => {
    const value = of(row, undefined)
    return value !== undefined && (type.accepts === undefined || type.accepts(value))
  },
  write: (out, row, notes) => {
    const value = of(row, notes)
    if (value === undefined) return absent
    if (type.accepts !== undefined && !type.accepts(value)) return { unstorable: printed(value) }
    const lengthAt = out.length
    out.int32(0)
    const rest = type.write(out, value)
    if (rest !== undefined) return withLength(out, lengthAt, rest)
    out.setInt32(lengthAt, out.length - lengthAt - 4)
    return undefined
  }
})

export const isAbsence = (outcome: Steps | Absence): outcome is Absence => "unstorable" in outcome

function* withLength(out: ByteWriter, lengthAt: number, rest: Steps): Steps {
  yield* rest
  out.setInt32(lengthAt, out.length - lengthAt - 4)
}

const printed = (value: unknown): string => BigDecimal.isBigDecimal(value) ? BigDecimal.format(value) : String(value)

const absent: Absence = { unstorable: undefined }
