/**
 * How the records of each table are read: which of its rows, in which order, and what they become.
 */
import type { Observation } from "../../Observation.ts"
import { chatMessageTable } from "./chatMessageTable.ts"
import { statusCodes } from "./codes.ts"
import { documentEventTable } from "./documentEventTable.ts"
import { Cells, printedColumns, type PrintedRow } from "./readCells.ts"
import { readChatMessage, readDocumentEvent, readSpan, readTrace } from "./readRecords.ts"
import { spanTable } from "./spanTable.ts"
import type { Table } from "./table.ts"
import { traceTable } from "./traceTable.ts"

export interface Reading {
  readonly table: string
  /** The columns of the key with their types: the trace's id first, the time last. */
  readonly key: ReadonlyArray<{ readonly name: string; readonly type: string }>
  /** The SQL condition for final rows, the counterpart of `isFinal` for records. */
  readonly isFinal: string
  /** The select list, where `r` is the row and `p` its process. */
  readonly columns: string
  /** Throws an error that says what is wrong if the row is not as it was written. */
  readonly read: (row: PrintedRow) => Observation
}

const reading = <Row>(
  table: Table<Row>,
  isFinal: string,
  read: (cells: Cells) => Observation
): Reading => ({
  table: table.name,
  key: table.key.map((name) => ({ name, type: table.columns.find((column) => column.name === name)!.type.sql })),
  isFinal,
  columns: `${printedColumns(table, "r")}, p.service_name, p.environment, p.release`,
  read: (row) => read(new Cells(row))
})

const hasEnded = `status <> ${statusCodes.in_progress}`

/** Traces come first: a store may need the name of a trace before its spans come. */
export const readings: ReadonlyArray<Reading> = [
  reading(traceTable, hasEnded, readTrace),
  reading(spanTable, `${hasEnded} and not (type = 'dropped' and status = ${statusCodes.lost})`, readSpan),
  reading(chatMessageTable, "true", readChatMessage),
  reading(documentEventTable, "true", readDocumentEvent)
]
