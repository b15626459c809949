/**
 * Traces: one row each, to which several processes may contribute. One process may begin a trace, and another, which
 * knows neither its name nor its input, may end it.
 */
import type { Totals, Trace } from "../../Observation.ts"
import { statusCodes } from "./codes.ts"
import * as Type from "./columnType.ts"
import * as Common from "./commonColumns.ts"
import { type Column, column, type Table } from "./table.ts"
import { mergeKnown } from "./traceMerge.ts"
import { startOf } from "./traceStart.ts"

/** A snapshot of a trace, which may stand for older snapshots by the same process, too. */
export interface TraceRow {
  readonly trace: Trace
  /** The lowest revision of these snapshots: the process that recorded the lowest one began the trace. */
  readonly begunRevision: number
}

/** Totals that nobody stated are not stored: the view sums them up over the spans of all contributors. */
const statedTotals = (trace: Trace): Totals | undefined => trace.totals?.stated === true ? trace.totals : undefined

/** Columns set only by the process that began the trace: a process that ends it may know it by any of its spans. */
const begun: ReadonlyArray<Column<Trace>> = [
  Common.processId,
  column("span_id", Type.bytea, (trace) => trace.spanId),
  column("parent_span_id", Type.bytea, (trace) => trace.parentSpanId)
]

/** Columns set only by the newest snapshot: an error of an older snapshot is over. */
const outcome: ReadonlyArray<Column<Trace>> = [
  column("status", Type.code, (trace) => statusCodes[trace.status]),
  column("stated_start_at", Type.timestamp, (trace) => trace.startTimeUnixMicros),
  column("duration_us", Type.micros, (trace) => trace.durationMicros),
  ...Common.error
]

/** Columns that stay known once any snapshot knew them. */
const known: ReadonlyArray<Column<Trace>> = [
  column("name", Type.text, (trace) => trace.name),
  column("operation_type", Type.text, (trace) => trace.operationType),
  ...Common.subjects,
  column("input_tokens", Type.count, (trace) => statedTotals(trace)?.inputTokens),
  column("output_tokens", Type.count, (trace) => statedTotals(trace)?.outputTokens),
  column("cost_usd", Type.money, (trace) => statedTotals(trace)?.costUsd),
  column("tags", Type.jsonb, (trace) => trace.tags),
  column("input", Type.jsonb, (trace) => trace.input),
  column("output", Type.jsonb, (trace) => trace.output),
  Common.withNotes("metadata", (trace) => trace.metadata)
]

/** Whether one snapshot knows everything that another one knows, so that a row needs only the former. */
export const knowsAllOf = (self: Trace, other: Trace): boolean =>
  known.every((field) => field.has(self) || !field.has(other))

const ofTrace = (self: Column<Trace>): Column<TraceRow> => ({
  ...self,
  has: (row) => self.has(row.trace),
  write: (out, row, notes) => self.write(out, row.trace, notes)
})

export const traceTable: Table<TraceRow> = {
  name: "trace_store",
  key: ["trace_id", "started_at"],
  columns: [
    ofTrace(Common.traceId),
    column("started_at", Type.timestamp, ({ trace }) => startOf(trace)),
    ofTrace(Common.revision),
    column("begun_revision", Type.count, (row) => row.begunRevision),
    ...begun.map(ofTrace),
    ...outcome.map(ofTrace),
    ...known.map(ofTrace)
  ],
  onConflict: mergeKnown(begun, outcome, known),
  partitionTime: ({ trace }) => startOf(trace)
}
