/**
 * Reads from PostgreSQL the records that a provider lacks, and sends them: day by day, by page of traces, by group of
 * traces that are sent together, by page of records. Nothing is read ahead, and only the current page is kept.
 *
 * A trace is sent as a whole. The ledger is updated when the provider has answered for all of it; a replay that ends
 * before leaves nothing behind that would change what the next one does.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TraceId } from "../../Identifier.ts"
import type { Observation } from "../../Observation.ts"
import type { Provider } from "../../Provider.ts"
import type { Receipt } from "../../Replay.ts"
import { replayTable, replayWriter } from "../postgres/ledgerTable.ts"
import * as PartitionKeeper from "../postgres/partitionKeeper.ts"
import type { PrintedRow } from "../postgres/readCells.ts"
import { readBeginning } from "../postgres/readExtent.ts"
import type { Head, Range } from "../postgres/readHeads.ts"
import { readHeads, readTraceIds } from "../postgres/readHeads.ts"
import type { Cursor } from "../postgres/readPages.ts"
import { readPage } from "../postgres/readPages.ts"
import type { Reading } from "../postgres/readTables.ts"
import { readings } from "../postgres/readTables.ts"
import { describe } from "../postgres/sqlErrors.ts"
import * as TableWriter from "../postgres/tableWriter.ts"
import { missingError } from "../postgres/unplaced.ts"
import { inTimeSlices } from "../timeSlices.ts"
import { PageSize } from "./pageSize.ts"
import { ReplayedTraces } from "./replayedTraces.ts"
import { ReplayReceipt } from "./replayReceipt.ts"
import * as ReplayTarget from "./replayTarget.ts"

export interface Job {
  readonly schema: string
  readonly provider: Provider
  readonly range: Range
  readonly retryRefused: boolean
  readonly recordsPerSecond: number
  readonly patience: Duration.Duration
  /** Runs an effect on the store, with a time limit. */
  readonly onStore: <A>(self: Effect.Effect<A, SqlError, SqlClient.SqlClient>) => Effect.Effect<A, SqlError>
}

/** Why a replay did not finish, and what it had done by then. */
export interface Failure {
  readonly reason: "postgres" | "provider"
  readonly message: string
  readonly cause: unknown
  readonly receipt: Receipt
}

export const replay = (job: Job): Effect.Effect<Receipt, Failure, Scope.Scope> =>
  Effect.gen(function*() {
    const { provider, range, schema } = job
    const receipt = new ReplayReceipt()
    const failing = (reason: Failure["reason"]) => (error: { readonly message: string }): Failure => ({
      reason,
      message: describe(error),
      cause: error,
      receipt: receipt.current
    })
    const onStore = <A>(self: Effect.Effect<A, SqlError, SqlClient.SqlClient>) =>
      Effect.mapError(job.onStore(self), failing("postgres"))

    let replayed = new ReplayedTraces(provider.name)
    const target = yield* ReplayTarget.make({ ...job, settled: (settlement) => replayed.settled(settlement) })
    const partitions = PartitionKeeper.make({ schema })
    const writeLedger = TableWriter.make(schema, replayTable, partitions)
    const pageSize = new PageSize()

    const sendPages = (reading: Reading, group: ReadonlyArray<Head>) =>
      Effect.gen(function*() {
        const selection = {
          traceIds: group.map(({ traceId }) => traceId),
          sinceUnixMicros: Math.min(...group.map(({ sinceUnixMicros }) => sinceUnixMicros))
        }
        let cursor: Cursor = undefined
        do {
          const page: Effect.Effect.Success<ReturnType<typeof readPage>> = yield* onStore(
            readPage(schema, reading, selection, cursor, pageSize.rows)
          )
          const records = yield* inTimeSlices(() => decode(reading, page.rows, replayed))
          pageSize.learn(records)
          if (records.length > 0) yield* Effect.mapError(target.send(records), failing("provider"))
          cursor = page.next
        } while (cursor !== undefined)
      })

    const sendGroup = (group: ReadonlyArray<Head>) =>
      Effect.gen(function*() {
        replayed = new ReplayedTraces(provider.name)
        for (const reading of readings) yield* sendPages(reading, group)
        const settledAtUnixMicros = (yield* Clock.currentTimeMillis) * 1_000
        const entries = group.map(({ traceId }) => replayed.get(traceId))
        const rows = entries.filter((entry) => entry !== undefined).map((entry) => ({
          ...entry,
          writerId: replayWriter,
          batch: 0,
          settledAtUnixMicros
        }))
        yield* onStore(
          Effect.flatMap(writeLedger(rows), ([missing]) => missing === undefined ? Effect.void : missingError(missing))
        )
        group.forEach(({ traceId }, index) => receipt.replayed(entries[index], replayed.failureOf(traceId)))
      })

    const replayDay = (day: Range) =>
      Effect.gen(function*() {
        let traceIds: ReadonlyArray<TraceId> = []
        do {
          traceIds = yield* onStore(readTraceIds(schema, day, traceIds.at(-1), tracesPerPage))
          if (traceIds.length === 0) return
          const heads = yield* onStore(
            readHeads(schema, { provider: provider.name, traceIds, day, since: range.from })
          )
          // a trace that goes on over midnight was looked at with its first day
          const looked = heads.filter((head) => head.earliestUnixMicros >= day.from)
          const due = looked.filter((head) => isDue(head, job))
          for (const head of looked) if (!isDue(head, job)) receipt.left(head)
          for (const group of groupsOf(due)) yield* sendGroup(group)
        } while (traceIds.length === tracesPerPage)
      })

    const beginning = yield* onStore(readBeginning(schema))
    for (const day of daysOf({ ...range, from: Math.max(range.from, beginning) })) yield* replayDay(day)
    return receipt.current
  })

// internal

const tracesPerPage = 100

/** Traces are sent together up to this many records; a larger trace is sent by itself. */
const recordsPerGroup = 500

const microsPerDay = 86_400_000_000

/** The days (UTC) of a range; the first and the last are cut to the range. */
function* daysOf({ from, to }: Range): Generator<Range> {
  for (let start = from; start < to;) {
    const end = Math.min((Math.floor(start / microsPerDay) + 1) * microsPerDay, to)
    yield { from: start, to: end }
    start = end
  }
}

/**
 * Whether a trace is to be sent. A trace that is still running, or that has no final record, is left to the live
 * delivery.
 */
const isDue = (head: Head, { retryRefused }: Job): boolean =>
  !head.isOpen && head.records > 0 && (!head.isSettled || retryRefused && head.refused > 0)

const groupsOf = (heads: ReadonlyArray<Head>): ReadonlyArray<ReadonlyArray<Head>> => {
  const groups: Array<Array<Head>> = []
  let records = Number.POSITIVE_INFINITY
  for (const head of heads) {
    if (records + head.records > recordsPerGroup) {
      groups.push([])
      records = 0
    }
    groups.at(-1)!.push(head)
    records += head.records
  }
  return groups
}

function* decode(
  reading: Reading,
  rows: ReadonlyArray<PrintedRow>,
  replayed: ReplayedTraces
): Generator<void, ReadonlyArray<Observation>> {
  const records: Array<Observation> = []
  for (const row of rows) {
    try {
      const record = reading.read(row)
      replayed.sending(record)
      records.push(record)
    } catch (error) {
      replayed.failed(String(row["trace_id"]).replaceAll("-", "") as TraceId, `${reading.table}: ${String(error)}`)
    }
    yield
  }
  return records
}
