/**
 * Rows in the binary form of `COPY`: one after the other, each with all of its columns.
 *
 * @see https://www.postgresql.org/docs/current/sql-copy.html "Binary Format"
 */
import type { ByteWriter } from "../byteWriter.ts"
import * as Messages from "./messages.ts"
import { isAbsence, type Notes, type Table } from "./table.ts"

export const copyText = <Row>(schema: string, table: Table<Row>): string =>
  `copy "${schema}".${table.name} (${table.columns.map(({ name }) => name).join(", ")}) from stdin (format binary)`

/**
 * Encodes row by row. It pauses (yields) whenever much may have been done since the last pause; the caller decides
 * whether to let other work go first.
 *
 * @param copy the statement
 * @returns the statement's messages, as a view of `out`
 */
export function* encodeRows<Row>(
  table: Table<Row>,
  copy: string,
  rows: ReadonlyArray<Row>,
  out: ByteWriter
): Generator<void, Buffer> {
  const { columns } = table
  const start = out.length
  Messages.query(out, copy)
  const sizeAt = Messages.begin(out, Messages.Type.copyData)
  for (const byte of signature) out.byte(byte)
  out.int32(0) // flags
  out.int32(0) // no extension of the header
  let pausedAt = out.length
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!
    let notes: Notes | undefined
    out.int16(columns.length)
    for (const column of columns) {
      const outcome = column.write(out, row, notes)
      if (outcome === undefined) continue
      if (isAbsence(outcome)) {
        out.int32(-1)
        if (outcome.unstorable !== undefined) notes = { ...notes, [column.name]: outcome.unstorable }
      } else {
        yield* outcome
      }
    }
    if ((index & 31) === 31 || out.length - pausedAt > 16_384) {
      pausedAt = out.length
      yield
    }
  }
  out.int16(-1) // the end
  Messages.end(out, sizeAt)
  Messages.end(out, Messages.begin(out, Messages.Type.copyDone))
  return out.slice(start, out.length)
}

const signature = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1")
