/**
 * The ledger: what became of a trace's records at a provider, as far as one writer knows.
 *
 * Each writer adds its figures to a row of its own, so that processes neither wait for each other nor overwrite each
 * other's figures. Each addition carries a growing number, and the row holds the number of the last addition: adding
 * twice, because nobody knows whether the first attempt succeeded, adds once.
 *
 * A replay sends whole traces, so its figures are the whole truth at that time, and replace those of the replay before
 * it. All replays share one writer id.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { Entry } from "../ledger/tally.ts"
import * as Type from "./columnType.ts"
import { column, type Table } from "./table.ts"
import { startOf } from "./traceStart.ts"

export interface LedgerRow extends Entry {
  /** The writer's uuid: a random one, or `replayWriter`. */
  readonly writerId: string
  /** The number of the writer's addition, which grows. */
  readonly batch: number
  /** When the last of the records was settled, in microseconds since the Unix epoch. */
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

/** Adds the figures that a writer noted while its store was running. */
export const ledgerTable: Table<LedgerRow> = table(
  `do update set ${
    ["delivered", "refused", "dropped", "fingerprint"].map((name) => `${name} = held.${name} + excluded.${name}`)
      .join(", ")
  }, batch = excluded.batch, last_reason = coalesce(excluded.last_reason, held.last_reason),
    last_settled_at = excluded.last_settled_at
    where held.batch < excluded.batch`
)

/** Replaces the figures of the previous replay. */
export const replayTable: Table<LedgerRow> = table(
  `do update set ${
    ["delivered", "refused", "dropped", "fingerprint", "last_reason", "last_settled_at"]
      .map((name) => `${name} = excluded.${name}`).join(", ")
  }`
)

/** The writer id of all replays, by which the views recognize them, see migration 4. */
export const replayWriter = "00000000-0000-0000-0000-000000000000"

// internal

const maxReasonLength = 1_000

const microsPerDay = 86_400_000_000

/**
 * The day under which a trace's row is stored: the day of the trace if its id carries a time, so that dropping a day
 * drops its ledger, too; otherwise the day of the first record that the writer heard of.
 */
function dayOf({ timeUnixMicros, traceId }: Entry): number {
  const start = startOf({ traceId, startTimeUnixMicros: timeUnixMicros })
  return Math.floor(start / microsPerDay) * microsPerDay
}
