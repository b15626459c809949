/**
 * Keeps the rows of processes. A process's row appears with its first record, and says until when the process is known
 * to be alive. By it, a reaper tells which open spans nobody will ever end.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import { hostname } from "node:os"
import type { PartitionKeeper } from "./partitionKeeper.ts"
import { type ProcessRow, processTable } from "./processTable.ts"
import * as TableWriter from "./tableWriter.ts"

/**
 * How often, at most, a process's row is touched. Longer than the 10 seconds for which `pg` keeps an idle connection:
 * an application's client closes its connections in between, so that heartbeats alone keep neither the connections nor
 * the process alive.
 */
export const heartbeatInterval = "12 seconds"
const heartbeatMicros = 12_000_000

export interface ProcessLog {
  /** Writes what is new about the processes of a batch, before the batch. */
  readonly write: TableWriter.TableWriter<ProcessRow>
  /**
   * After the batch, makes a reaper look once more at other processes that left something open in it: a reaper may have
   * looked before the batch came.
   */
  readonly lookAgain: TableWriter.TableWriter<ProcessRow>
  /** Records that this process is alive, if it has ever written. */
  readonly heartbeat: Effect.Effect<void, SqlError, SqlClient.SqlClient>
  readonly forget: Effect.Effect<void>
}

/**
 * @param ownProcessId the id of this process. Records of other processes are written, too, when those that a dead
 * process left behind are sent on: they show that it was alive then, and nothing more.
 */
export const make = (
  schema: string,
  ownProcessId: string | undefined,
  partitions: PartitionKeeper
): ProcessLog => {
  const writeRows = TableWriter.make(schema, processTable, partitions)
  /** The times at which each process is known to have been alive, as stored. */
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
      // Also sets the time back from the future, where the records of a process whose clock is ahead put it. The
      // process must be reaped again, because spans that were marked as lost may be open again.
      `update "${schema}".process_store set last_seen_at = now(), reaped_at = null, reaped_blocks = 0
        where process_id = $1 returning 1`,
      [ownProcessId]
    )
    // somebody deleted the row, or this server never had it: the next batch writes it again
    if (found.length === 0) yield* forget
  })
  return {
    write: (rows) => {
      const due = rows.filter(isDue)
      return writeRows(due.map((row) => isOwn(row) ? { ...row, host } : row)).pipe(
        // the times of its records may be so old that the process would look dead
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
