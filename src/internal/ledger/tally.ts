/**
 * What became of records since the ledger was last written: a few figures for each trace and provider, and nothing of
 * the records themselves.
 *
 * Bounded: traces for which there is no room are not noted. Records that are not known to be delivered count as
 * missing, so at worst a replay sends some again that were there.
 */
import { isTraceId, type TraceId } from "../../Identifier.ts"
import type { Observation } from "../../Observation.ts"
import type { Settlement } from "../../Provider.ts"
import { fingerprintOf, isFinal } from "./finalRecord.ts"

/** What became of the records of one trace at one provider. */
export interface Outcome {
  delivered: number
  refused: number
  dropped: number
  /** The sum of the fingerprints of delivered and refused records, which need not be sent again. */
  fingerprint: bigint
  /** The reason for the last refusal or drop. */
  reason: string | undefined
}

/** An outcome with its trace and provider. */
export interface Entry extends Outcome {
  readonly traceId: TraceId
  readonly provider: string
  /** When the first of the records began, in microseconds since the Unix epoch. */
  readonly timeUnixMicros: number
}

export class Tally {
  /** Traces that found no room since the start. */
  overflowed = 0
  private readonly maxEntries: number
  private entries = new Map<string, Entry>()

  constructor(maxEntries: number) {
    this.maxEntries = maxEntries
  }

  get isEmpty(): boolean {
    return this.entries.size === 0
  }

  note({ outcome, provider, reason, records }: Settlement): void {
    for (const record of records) {
      if (!isFinal(record)) continue
      const entry = this.entryOf(provider, record)
      if (entry !== undefined) add(entry, record, outcome, reason)
    }
  }

  /** Returns all entries and starts anew. */
  take(): ReadonlyArray<Entry> {
    const taken = Array.from(this.entries.values())
    this.entries = new Map()
    return taken
  }

  private entryOf(provider: string, record: Observation): Entry | undefined {
    // a trace id has no colon
    const key = `${record.traceId}:${provider}`
    const known = this.entries.get(key)
    if (known !== undefined) return known
    // the types rule this out; after a wrong cast, the row would be refused together with all others written beside it
    if (!isTraceId(record.traceId) || !(timeOf(record) >= 0 && timeOf(record) <= Number.MAX_SAFE_INTEGER)) {
      return undefined
    }
    if (this.entries.size >= this.maxEntries) {
      this.overflowed++
      return undefined
    }
    const entry: Entry = { ...emptyOutcome(), traceId: record.traceId, provider, timeUnixMicros: timeOf(record) }
    this.entries.set(key, entry)
    return entry
  }
}

export const emptyOutcome = (): Outcome => ({
  delivered: 0,
  refused: 0,
  dropped: 0,
  fingerprint: 0n,
  reason: undefined
})

export const add = (
  to: Outcome,
  record: Observation,
  outcome: Settlement["outcome"],
  reason: string | undefined
): void => {
  if (outcome !== "dropped") to.fingerprint += fingerprintOf(record)
  to[outcome]++
  if (reason !== undefined) to.reason = reason
}

export const timeOf = (record: Observation): number =>
  record._tag === "Trace" || record._tag === "Span" ? record.startTimeUnixMicros : record.timeUnixMicros
