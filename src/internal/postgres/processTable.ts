/**
 * Processes that recorded something: one row each.
 */
import type { Observation, Resource } from "../../Observation.ts"
import * as Type from "./columnType.ts"
import { column, type Table } from "./table.ts"

/** What is known of a process through its records. */
export interface ProcessRow {
  readonly resource: Resource
  /** Where the process runs; a process knows this only of itself. */
  readonly host: { readonly name: string; readonly pid: number } | undefined
  /** The first and the last time at which the process is known to have been alive, in microseconds. */
  firstSeen: number
  lastSeen: number
  /** When the earliest trace or span that is still open began: a reaper has to find it. */
  openSince: number | undefined
}

export const processTable: Table<ProcessRow> = {
  name: "process_store",
  key: ["process_id"],
  columns: [
    column("process_id", Type.uuid, (row) => row.resource.processId),
    column("service_name", Type.text, (row) => row.resource.serviceName),
    column("environment", Type.text, (row) => row.resource.environment),
    column("release", Type.text, (row) => row.resource.release),
    column("host_name", Type.text, (row) => row.host?.name),
    column("pid", Type.count, (row) => row.host?.pid),
    column("started_at", Type.timestamp, (row) => row.firstSeen),
    column("last_seen_at", Type.timestamp, (row) => row.lastSeen)
  ],
  // A reaped process must be reaped again: a dead process's last records may come afterwards, through a spool.
  onConflict: `do update set
    host_name = coalesce(held.host_name, excluded.host_name),
    pid = coalesce(held.pid, excluded.pid),
    started_at = least(held.started_at, excluded.started_at),
    last_seen_at = greatest(held.last_seen_at, excluded.last_seen_at),
    reaped_at = null,
    reaped_blocks = 0
    where held.started_at > excluded.started_at or held.last_seen_at < excluded.last_seen_at
      or held.reaped_at is not null or (held.pid is null and excluded.pid is not null)`,
  partitionTime: undefined
}

/** The processes of the records, ordered by id. */
export const processesOf = (records: ReadonlyArray<Observation>): ReadonlyArray<ProcessRow> => {
  const now = Date.now() * 1_000
  const rows = new Map<string, ProcessRow>()
  for (const record of records) {
    const { processId } = record.resource
    const start = startOf(record)
    // a duration may be wrong, and no process has been alive in the future
    const end = Math.max(start, Math.min(start + durationOf(record), now))
    let row = rows.get(processId)
    if (row === undefined) {
      row = { resource: record.resource, host: undefined, firstSeen: start, lastSeen: end, openSince: undefined }
      rows.set(processId, row)
    }
    if (start < row.firstSeen) row.firstSeen = start
    if (end > row.lastSeen) row.lastSeen = end
    if (isOpen(record) && (row.openSince === undefined || start < row.openSince)) row.openSince = start
  }
  return [...rows.values()].sort((left, right) => left.resource.processId < right.resource.processId ? -1 : 1)
}

const startOf = (record: Observation): number =>
  record._tag === "Trace" || record._tag === "Span" ? record.startTimeUnixMicros : record.timeUnixMicros

const isOpen = (record: Observation): boolean =>
  (record._tag === "Trace" || record._tag === "Span") && record.status === "in_progress"

const durationOf = (record: Observation): number =>
  (record._tag === "Trace" || record._tag === "Span") && Number.isFinite(record.durationMicros)
    ? record.durationMicros!
    : 0
