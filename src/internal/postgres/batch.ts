/**
 * Sorts a batch for the store: the rows to write per table, each key once, ordered by key.
 *
 * The order matters. Children end before their parents, so two batches in flight touch the same rows in opposite order,
 * and each would wait for the rows that the other has locked.
 */
import * as Identifier from "../../Identifier.ts"
import type { ChatMessage, DocumentEvent, Observation, Span, Trace } from "../../Observation.ts"
import type { Rejection } from "../../Provider.ts"
import { processesOf, type ProcessRow } from "./processTable.ts"
import { startOf } from "./traceStart.ts"
import { knowsAllOf, type TraceRow } from "./traceTable.ts"

export interface SortedBatch {
  readonly processes: ReadonlyArray<ProcessRow>
  /** Written round by round: snapshots of one trace that cannot be merged are in different rounds. */
  readonly traces: ReadonlyArray<ReadonlyArray<TraceRow>>
  readonly spans: ReadonlyArray<Span>
  readonly messages: ReadonlyArray<ChatMessage>
  readonly events: ReadonlyArray<DocumentEvent>
  readonly refused: ReadonlyArray<Rejection>
}

export function* sortBatch(batch: ReadonlyArray<Observation>): Generator<void, SortedBatch> {
  const accepted: Array<Observation> = []
  const traces: Array<Trace> = []
  const spans: Array<Span> = []
  const messages: Array<ChatMessage> = []
  const events: Array<DocumentEvent> = []
  const refused: Array<Rejection> = []
  for (let index = 0; index < batch.length; index++) {
    const record = batch[index]!
    const refusal = refusalOf(record)
    if (refusal === undefined) {
      accepted.push(record)
      if (record._tag === "Span") spans.push(record)
      else if (record._tag === "Trace") traces.push(record)
      else if (record._tag === "ChatMessage") messages.push(record)
      else events.push(record)
    } else {
      refused.push({ index, message: refusal })
    }
    if ((index & 255) === 255) yield
  }
  return {
    processes: processesOf(accepted),
    traces: inRounds(traces),
    spans: newestByKey(spans, (span) => span.spanId, (span) => span.startTimeUnixMicros),
    messages: newestByKey(messages, (message) => message.messageId, (message) => message.timeUnixMicros),
    events: newestByKey(events, (event) => event.eventId, (event) => event.timeUnixMicros),
    refused
  }
}

/** Why the store cannot take a record. The types rule this out; a wrong cast would store it under a wrong key. */
const refusalOf = (record: Observation): string | undefined => {
  if (!Identifier.isTraceId(record.traceId)) return `the trace id ${String(record.traceId)} is not valid`
  const id = idOf(record)
  if (!Identifier.isSpanId(id)) return `the id ${String(id)} is not valid`
  if (!isUuid(record.resource.processId)) return `the process id ${record.resource.processId} is no uuid`
  if (!Number.isSafeInteger(record.revision)) return `the revision ${record.revision} is no whole number`
  const time = timeOf(record)
  return time >= 0 && time <= Number.MAX_SAFE_INTEGER ? undefined : `the time ${time} is not between 1970 and 2255`
}

/** Remembers the last valid uuid, because nearly always the whole batch comes from one process. */
const isUuid = (value: string): boolean => {
  if (value === lastUuid) return true
  if (!uuidPattern.test(value)) return false
  lastUuid = value
  return true
}

let lastUuid: string | undefined
const uuidPattern = /^[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/

const idOf = (record: Observation): unknown =>
  record._tag === "ChatMessage" ? record.messageId : record._tag === "DocumentEvent" ? record.eventId : record.spanId

const timeOf = (record: Observation): number =>
  record._tag === "Trace" || record._tag === "Span" ? record.startTimeUnixMicros : record.timeUnixMicros

const compare = (left: string | number, right: string | number): number => left < right ? -1 : left > right ? 1 : 0

const newestByKey = <Row extends Observation>(
  rows: ReadonlyArray<Row>,
  idOf: (row: Row) => string,
  timeOf: (row: Row) => number
): ReadonlyArray<Row> => {
  const compareKeys = (left: Row, right: Row) =>
    compare(left.traceId, right.traceId) || compare(idOf(left), idOf(right)) || compare(timeOf(left), timeOf(right))
  return [...rows]
    .sort((left, right) => compareKeys(left, right) || right.revision - left.revision)
    .filter((row, index, sorted) => index === 0 || compareKeys(sorted[index - 1]!, row) !== 0)
}

/** A snapshot that knows everything an older snapshot by the same process knew is written in place of both. */
const inRounds = (traces: ReadonlyArray<Trace>): ReadonlyArray<ReadonlyArray<TraceRow>> => {
  const byKey = new Map<string, Array<{ readonly trace: Trace; begunRevision: number }>>()
  for (const trace of [...traces].sort((left, right) => right.revision - left.revision)) {
    const key = `${trace.traceId}${startOf(trace)}`
    const rows = byKey.get(key)
    const newer = rows?.find((row) =>
      row.trace.resource.processId === trace.resource.processId && knowsAllOf(row.trace, trace)
    )
    if (newer !== undefined) newer.begunRevision = Math.min(newer.begunRevision, trace.revision)
    else if (rows !== undefined) rows.push({ trace, begunRevision: trace.revision })
    else byKey.set(key, [{ trace, begunRevision: trace.revision }])
  }
  const rounds: Array<Array<TraceRow>> = []
  for (const [, rows] of [...byKey].sort(([left], [right]) => compare(left, right))) {
    rows.forEach((row, round) => (rounds[round] ??= []).push(row))
  }
  return rounds
}
