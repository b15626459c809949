/**
 * Keeps the rows of processes: one appears with a process's first record, and says until when it is known to live. A
 * reaper tells by it which open spans nobody will ever end.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { hostname } from "node:os"
import type { PartitionKeeper } from "./partitionKeeper.ts"
import { type ProcessRow, processTable } from "./processTable.ts"
import * as TableWriter from "./tableWriter.ts"

/** How often, at most, a process's row is touched. */
export const heartbeatInterval = "10 seconds"
const heartbeatMicros = 10_000_000

export interface ProcessLog {
  /** Writes what is new about the processes behind a batch. */
  readonly write: TableWriter.TableWriter<ProcessRow>
  /** Says that this process lives, if it ever wrote. */
  readonly heartbeat: Effect.Effect<void, SqlError, SqlClient.SqlClient>
  readonly forget: Effect.Effect<void>
}

/**
 * @param ownProcessId the process that this is. Records of others come by too, when what a dead process left behind is
 * sent on: they show that it lived then, and nothing more.
 */
export const make = (
  schema: string,
  ownProcessId: string | undefined,
  partitions: PartitionKeeper
): ProcessLog => {
  const writeRows = TableWriter.make(schema, processTable, partitions)
  /** Until when each process is known to live, as it is stored. */
  const stored = new Map<string, number>()
  const host = { name: hostname(), pid: process.pid }
  return {
    write: (rows) => {
      const due = rows.filter(({ lastSeen, resource }) => {
        const last = stored.get(resource.processId)
        return last === undefined || (resource.processId !== ownProcessId && lastSeen > last + heartbeatMicros)
      })
      return Effect.tap(
        writeRows(due.map((row) => row.resource.processId === ownProcessId ? { ...row, host } : row)),
        () => due.forEach((row) => stored.set(row.resource.processId, row.lastSeen))
      )
    },
    heartbeat: Effect.flatMap(
      SqlClient.SqlClient,
      (sql) =>
        ownProcessId === undefined || !stored.has(ownProcessId) ? Effect.void : Effect.asVoid(sql.unsafe(
          `update "${schema}".process_store set last_seen_at = now() where process_id = $1 and last_seen_at < now()`,
          [ownProcessId]
        ))
    ),
    forget: Effect.sync(() => stored.clear())
  }
}
