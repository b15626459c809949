/**
 * The columns that several tables have.
 */
import type { Common, ErrorDetails, JsonObject } from "../../Observation.ts"
import { problemsBeside } from "../problems.ts"
import * as Type from "./columnType.ts"
import { type Column, column, type Notes } from "./table.ts"

export const traceId = column("trace_id", Type.uuid, (row: Common) => row.traceId)

export const processId = column("process_id", Type.uuid, (row: Common) => row.resource.processId)

export const revision = column("revision", Type.count, (row: Common) => row.revision)

/** The user, the session and the knowledge base of a record. Each column has, or may get, an index. */
export const subjects: ReadonlyArray<Column<Common>> = [
  column("user_id", Type.indexedText, (row) => row.userId),
  column("session_id", Type.indexedText, (row) => row.sessionId),
  column("kb_id", Type.indexedText, (row) => row.kbId)
]

export const error: ReadonlyArray<Column<{ readonly error: ErrorDetails | undefined }>> = [
  column("error_type", Type.text, (row) => row.error?.type),
  column("error_message", Type.text, (row) => row.error?.message),
  column("error_cause", Type.text, (row) => row.error?.cause)
]

/** A column for an object of the caller's, which also takes the values that other columns of its row could not hold. */
export const withNotes = <Row>(name: string, of: (row: Row) => JsonObject | undefined): Column<Row> =>
  column(
    name,
    Type.jsonb,
    (row, notes: Notes | undefined) =>
      notes === undefined ? of(row) : { ...of(row), ...problemsBeside(of(row), sentencesOf(notes)) }
  )

const sentencesOf = (notes: Notes): ReadonlyArray<string> =>
  Object.entries(notes).map(([name, value]) => `${name} is ${value}, which its column cannot hold`)
