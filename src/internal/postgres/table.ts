/**
 * A table as the writer sees it. Its list of columns is the one source of the insert's text and of what is sent with it.
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
   * @param notes what this row's other columns could not hold
   * @returns `undefined` when the value is written; or what is left to do for that; or why the column is null: there is no
   * value, or it is not storable
   */
  readonly write: (out: ByteWriter, row: Row, notes: Notes | undefined) => Steps | Absence | undefined
}

/** Values that their columns could not hold, printed, by the column's name. */
export type Notes = Record<string, string>

/** Why a column of a row is null. */
export type Absence = { readonly unstorable: string | undefined }

export interface Table<Row> {
  readonly name: string
  readonly key: ReadonlyArray<string>
  /** The column that takes the notes stands last, so that all others have been seen. */
  readonly columns: ReadonlyArray<Column<Row>>
  /** What happens to a row whose key is there already; refers to it as `held`. */
  readonly onConflict: string
  /** Whether no other snapshot of the same thing was sent before, as far as the row tells; no row if absent. */
  readonly isFirst?: (row: Row) => boolean
  /** The time that says in which partition a row lies, in microseconds; `undefined` for a table without partitions. */
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
