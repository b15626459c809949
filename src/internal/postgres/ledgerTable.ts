/**
 * The ledger: what became of a trace's records at a provider, as one writer knows it.
 *
 * A writer adds what it learns to a row of its own, so that processes neither wait for each other nor overwrite each
 * other's figures. What it adds carries a number that grows, and the row has the number of what was added last: adding
 * twice, because nobody knows whether the first time succeeded, adds once.
 *
 * A replay sends traces as a whole, so what it knows is the whole truth at that time, and replaces what the one before
 * it knew. All replays share one writer's id.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Entry } from "../ledger/tally.ts"
import * as Type from "./columnType.ts"
import { column, type Table } from "./table.ts"
import { startOf } from "./traceStart.ts"

export interface LedgerRow extends Entry {
  /** A uuid that the writer drew for itself. */
  readonly writerId: string
  /** Counts what the writer has added. */
  readonly batch: number
  /** When the last of it was settled, in microseconds since the Unix epoch. */
  readonly settledAtUnixMicros: number
}

/** A whole number of any size. */
const exactly: Type.ColumnType<bigint> = {
  ...Type.money,
  accepts: () => true,
  write: (out, value) => Type.money.write(out, BigDecimal.make(value, 0))
}

const table = (onConflict: string): Table<LedgerRow> => ({
  name: "delivery_store",
  key: ["trace_id", "provider", "writer_id", "day"],
  columns: [
    column("trace_id", Type.uuid, (row) => row.traceId),
    column("provider", Type.indexedText, (row) => row.provider),
    column("writer_id", Type.uuid, (row) => row.writerId),
    column("day", Type.timestamp, dayOf),
    column("batch", Type.count, (row) => row.batch),
    column("delivered", Type.count, (row) => row.delivered),
    column("refused", Type.count, (row) => row.refused),
    column("dropped", Type.count, (row) => row.dropped),
    column("fingerprint", exactly, (row) => row.fingerprint),
    column("last_reason", Type.text, (row) => row.reason?.slice(0, maxReasonLength)),
    column("last_settled_at", Type.timestamp, (row) => row.settledAtUnixMicros)
  ],
  onConflict,
  partitionTime: dayOf
})

/** Whatever a writer learnt while its store was running. */
export const ledgerTable: Table<LedgerRow> = table(
  `do update set ${
    ["delivered", "refused", "dropped", "fingerprint"].map((name) => `${name} = held.${name} + excluded.${name}`)
      .join(", ")
  }, batch = excluded.batch, last_reason = coalesce(excluded.last_reason, held.last_reason),
    last_settled_at = excluded.last_settled_at
    where held.batch < excluded.batch`
)

/** What a replay found out: all of `LedgerRow` but who wrote it. */
export const replayTable: Table<LedgerRow> = table(
  `do update set ${
    ["delivered", "refused", "dropped", "fingerprint", "last_reason", "last_settled_at"]
      .map((name) => `${name} = excluded.${name}`).join(", ")
  }`
)

/** The writer of all replays. The views know it by this, see migration 4. */
export const replayWriter = "00000000-0000-0000-0000-000000000000"

// internal

const maxReasonLength = 1_000

const microsPerDay = 86_400_000_000

/**
 * The day under which a trace is stored, where its id carries that, so that a day that is dropped takes its ledger along;
 * else the day of the first record that the writer heard of.
 */
function dayOf({ timeUnixMicros, traceId }: Entry): number {
  const start = startOf({ traceId, startTimeUnixMicros: timeUnixMicros })
  return Math.floor(start / microsPerDay) * microsPerDay
}
