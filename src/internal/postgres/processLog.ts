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

/**
 * How often, at most, a process's row is touched. Longer than `pg` leaves a connection idle, 10 seconds: that closes the
 * connections of an application's client in between, and beats alone keep neither them nor the process.
 */
export const heartbeatInterval = "12 seconds"
const heartbeatMicros = 12_000_000

export interface ProcessLog {
  /** Writes what is new about the processes behind a batch, before the batch. */
  readonly write: TableWriter.TableWriter<ProcessRow>
  /**
   * Has a reaper look once more, after the batch, at other processes that left something open in it: it may have been
   * there before.
   */
  readonly lookAgain: TableWriter.TableWriter<ProcessRow>
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
  /** When each process is known to live, as it is stored. */
  const stored = new Map<string, Pick<ProcessRow, "firstSeen" | "lastSeen">>()
  const host = { name: hostname(), pid: process.pid }
  const isDue = ({ lastSeen, openSince, resource: { processId } }: ProcessRow): boolean => {
    const known = stored.get(processId)
    if (known === undefined || (openSince !== undefined && openSince < known.firstSeen)) return true
    return processId !== ownProcessId && lastSeen > known.lastSeen + heartbeatMicros
  }
  const remember = ({ firstSeen, lastSeen, resource: { processId } }: ProcessRow) => {
    const known = stored.get(processId)
    stored.set(processId, {
      firstSeen: Math.min(firstSeen, known?.firstSeen ?? firstSeen),
      lastSeen: Math.max(lastSeen, known?.lastSeen ?? lastSeen)
    })
  }
  const isOwn = ({ resource: { processId } }: ProcessRow): boolean => processId === ownProcessId
  const forget = Effect.sync(() => stored.clear())
  const signOfLife = Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const found = yield* sql.unsafe(
      // Also back from a time to come, which the clock of a process that is ahead has in its records. What was reaped
      // is to be reaped once more: what was marked as lost may be open again.
      `update "${schema}".process_store set last_seen_at = now(), reaped_at = null, reaped_blocks = 0
        where process_id = $1 returning 1`,
      [ownProcessId]
    )
    // somebody has deleted it, or the server is one that never had it: the next batch writes it again
    if (found.length === 0) yield* forget
  })
  return {
    write: (rows) => {
      const due = rows.filter(isDue)
      return writeRows(due.map((row) => isOwn(row) ? { ...row, host } : row)).pipe(
        // what it has to say may be older than what a dead process says
        Effect.zipLeft(due.some(isOwn) ? signOfLife : Effect.void),
        Effect.tap(() => due.forEach(remember))
      )
    },
    lookAgain: (rows) =>
      writeRows(
        rows.filter((row) => row.openSince !== undefined && !isOwn(row))
      ),
    heartbeat: Effect.suspend(() => ownProcessId === undefined || !stored.has(ownProcessId) ? Effect.void : signOfLife),
    forget
  }
}
