/**
 * Finds traces, day by day, and reads the state of each: whether it has ended, and what a provider has of it.
 *
 * A trace consists of all records with one trace id. Its own record may be elsewhere, or not be there yet, so traces
 * are looked up in all tables, by the index of their keys, where ids that carry their time are in time order.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import type { TraceId } from "../../Identifier.ts"
import { startInId } from "../startInId.ts"
import { momentOf } from "./readPages.ts"
import { readings } from "./readTables.ts"

/** A time range in microseconds since the Unix epoch; the end is exclusive. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** The state of a trace at a provider. */
export interface Head {
  readonly traceId: TraceId
  /** The time from which on there may be records of the trace. */
  readonly sinceUnixMicros: number
  /** When the first of its records within the requested range began. */
  readonly earliestUnixMicros: number
  /** The number of its final records in the store. */
  readonly records: number
  /** Whether the trace is still running. */
  readonly isOpen: boolean
  /** Whether the provider has received, or refused, all of these records. */
  readonly isSettled: boolean
  /** How many of them the provider refused, as far as is known. */
  readonly refused: number
  readonly reason: string | undefined
}

/** The next traces, ordered by id, that have records in a time range. */
export const readTraceIds = (
  schema: string,
  range: Range,
  after: TraceId | undefined,
  limit: number
): Effect.Effect<ReadonlyArray<TraceId>, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql.unsafe<{ readonly trace_id: TraceId }>(
        `select replace(trace_id::text, '-', '') as trace_id from (${
          readings.map(({ key, table }) => {
            const time = key.at(-1)!.name
            // `distinct` goes along the key's index, and no further than the page
            return `(select distinct trace_id from "${schema}".${table}
              where trace_id > $1::uuid and ${time} >= ${momentOf("$2")} and ${time} < ${momentOf("$3")}
              order by trace_id limit $4)`
          }).join(" union ")
        }) found order by found.trace_id limit $4`,
        [after ?? "00000000000000000000000000000000", range.from, range.to, limit]
      ),
      (rows) => rows.map((row) => row.trace_id)
    ))

/** The state of traces at a provider. */
export const readHeads = (schema: string, options: {
  readonly provider: string
  readonly traceIds: ReadonlyArray<TraceId>
  /** The day on which the traces were found. */
  readonly day: Range
  /** The beginning of the range to which `earliestUnixMicros` refers. */
  readonly since: number
}): Effect.Effect<ReadonlyArray<Head>, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => {
    const { day, provider, since, traceIds } = options
    const starts = traceIds.map((traceId) => earliestOf(traceId, day))
    return Effect.map(
      sql.unsafe<HeadRow>(headsText(schema), [`{${traceIds.join(",")}}`, `{${starts.join(",")}}`, since, provider]),
      (rows) =>
        rows.map((row, index): Head => ({
          traceId: row.trace_id,
          sinceUnixMicros: starts[index]!,
          earliestUnixMicros: Number(row.earliest),
          records: Number(row.records),
          isOpen: row.is_open === "true",
          isSettled: row.settled === "true",
          refused: Number(row.refused ?? 0),
          reason: row.last_reason ?? undefined
        }))
    )
  })

// internal

interface HeadRow {
  readonly trace_id: TraceId
  readonly records: string
  readonly earliest: string | null
  readonly is_open: string | null
  readonly settled: string | null
  readonly refused: string | null
  readonly last_reason: string | null
}

const headsText = (schema: string): string =>
  `select replace(i.trace_id::text, '-', '') as trace_id, held.records::text, held.is_open::text,
      (extract(epoch from held.earliest) * 1000000)::int8::text as earliest,
      known.settled::text, known.refused::text, known.last_reason
    from unnest($1::uuid[], $2::int8[]) with ordinality as i(trace_id, since, place)
    cross join lateral (
      select count(*) filter (where r.is_final) as records,
        coalesce(bool_or(r.is_root and not r.is_final), false) as is_open,
        min(r.at) filter (where r.at >= ${momentOf("$3")}) as earliest
      from "${schema}".record_store r
      where r.trace_id = i.trace_id and r.at >= ${momentOf("i.since")}
    ) held
    left join lateral (
      select d.settled, d.refused, d.last_reason from "${schema}".deliveries d
      where d.db_trace_id = i.trace_id and d.provider = $4
      order by d.settled desc, d.last_settled_at desc limit 1
    ) known on true
    order by i.place`

const microsPerDay = 86_400_000_000

/**
 * The time from which on to look for records of a trace. An id that carries a time near the day on which the trace was
 * found gives it; any other trace may have begun at any time. Records of a trace may have begun up to two days before
 * it, as in the views.
 */
const earliestOf = (traceId: TraceId, day: Range): number => {
  const start = startInId(traceId, day.from, day.to)
  return start === undefined ? 0 : start - 2 * microsPerDay
}
