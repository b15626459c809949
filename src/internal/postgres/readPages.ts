/**
 * Reads the final records of traces, page by page: at most one page is in memory at a time.
 *
 * A page continues after the last row of the page before it, in key order. No transaction spans the pages: it would
 * keep PostgreSQL from cleaning up for as long as the reader takes. Rows that are written behind the reader's position
 * are missed; the next reader notices, because the ledger then differs from the store.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { PrintedRow } from "./readCells.ts"
import type { Reading } from "./readTables.ts"

/** The traces to read, and the time from which on there may be records of them. */
export interface Selection {
  readonly traceIds: ReadonlyArray<string>
  /** Microseconds since the Unix epoch. */
  readonly sinceUnixMicros: number
}

/** The key of the row after which a page begins; `undefined` for the first. */
export type Cursor = ReadonlyArray<string | null> | undefined

export interface Page {
  readonly rows: ReadonlyArray<PrintedRow>
  /** Where the next page begins; `undefined` when this is the last. */
  readonly next: Cursor
}

export const readPage = (
  schema: string,
  reading: Reading,
  selection: Selection,
  cursor: Cursor,
  limit: number
): Effect.Effect<Page, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql.unsafe<PrintedRow>(pageText(schema, reading), [
      `{${selection.traceIds.join(",")}}`,
      selection.sinceUnixMicros,
      limit,
      ...(cursor ?? reading.key.map(({ type }) => first[type]!))
    ])
    const last = rows.at(-1)
    return {
      rows,
      next: rows.length < limit || last === undefined ? undefined : reading.key.map(({ name }) => last[name]!)
    }
  })

/** A timestamp as an SQL expression, from microseconds since the Unix epoch. */
export const momentOf = (micros: string): string =>
  `timestamptz '1970-01-01 00:00:00+00' + ${micros}::int8 * interval '1 microsecond'`

// internal

/** Finds the keys first, in the index alone: sorting whole rows would also read all rows behind the page. */
const pageText = (schema: string, { columns, isFinal, key, table }: Reading): string => {
  const names = key.map(({ name }) => name).join(", ")
  const after = key.map(({ type }, index) => parsed(type, `$${index + 4}`)).join(", ")
  const isSame = key.map(({ name }) => `r.${name} = page.${name}`).join(" and ")
  const order = key.map(({ name }) => `r.${name}`).join(", ")
  return `with page as materialized (
      select ${names} from "${schema}".${table}
      where trace_id = any($1::uuid[]) and ${key.at(-1)!.name} >= ${momentOf("$2")}
        and (${names}) > (${after}) and ${isFinal}
      order by ${names} limit $3
    )
    select ${columns} from page join "${schema}".${table} r on ${isSame}
    left join "${schema}".process_store p on p.process_id = r.process_id
    order by ${order}`
}

/** The values that sort before all others, in the format in which the columns are printed. */
const first: Readonly<Record<string, string>> = {
  uuid: "00000000-0000-0000-0000-000000000000",
  bytea: "",
  timestamptz: "0"
}

/** Parses a column from its printed form. */
const parsed = (type: string, parameter: string): string =>
  type === "bytea"
    ? `decode(${parameter}, 'hex')`
    : type === "timestamptz"
    ? momentOf(parameter)
    : `${parameter}::${type}`
