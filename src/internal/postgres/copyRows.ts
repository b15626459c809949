/**
 * Rows in the binary form of `COPY`: one after the other, each with all of its columns. They are framed as the messages
 * in which they travel, since a driver that frames them copies all of them twice.
 *
 * @see https://www.postgresql.org/docs/current/sql-copy.html "Binary Format"
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html "CopyData", "CopyDone"
 */
import type { ByteWriter } from "./byteWriter.ts"
import { isAbsence, type Notes, type Table } from "./table.ts"

export const copyText = <Row>(schema: string, table: Table<Row>): string =>
  `copy "${schema}".${table.name} (${table.columns.map(({ name }) => name).join(", ")}) from stdin (format binary)`

/**
 * Encodes row by row. It pauses (yields) where much may have been done since the last pause, and whoever runs it decides
 * whether to let others go first.
 *
 * @returns a view of what was written to `out`: the messages CopyData and CopyDone
 */
export function* encodeRows<Row>(
  table: Table<Row>,
  rows: ReadonlyArray<Row>,
  out: ByteWriter
): Generator<void, Buffer> {
  const { columns } = table
  const start = out.length
  out.byte(copyData)
  const sizeAt = out.length
  out.int32(0)
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
  out.setInt32(sizeAt, out.length - sizeAt)
  out.byte(copyDone)
  out.int32(4) // the size of a message without content
  return out.slice(start, out.length)
}

const copyData = 0x64
const copyDone = 0x63
const signature = Buffer.from("PGCOPY\n\xff\r\n\0", "latin1")
