/** The outcomes of the traces that a replay is sending. */
import type { TraceId } from "../../Identifier.ts"
import type { Observation } from "../../Observation.ts"
import type { Settlement } from "../../Provider.ts"
import type { Entry } from "./tally.ts"
import { add, emptyOutcome, timeOf } from "./tally.ts"

export class ReplayedTraces {
  private readonly provider: string
  private readonly entries = new Map<string, Entry>()
  private readonly failures = new Map<string, string>()

  /** @param provider the provider's own name, under which the ledger knows it */
  constructor(provider: string) {
    this.provider = provider
  }

  /** To be called with each record before it is sent. */
  sending(record: Observation): void {
    if (this.entries.has(record.traceId)) return
    this.entries.set(record.traceId, {
      ...emptyOutcome(),
      traceId: record.traceId,
      provider: this.provider,
      timeUnixMicros: timeOf(record)
    })
  }

  settled({ outcome, reason, records }: Settlement): void {
    for (const record of records) {
      const entry = this.entries.get(record.traceId)
      if (entry !== undefined) add(entry, record, outcome, reason)
    }
  }

  /** Notes that a record of the trace could not be read. */
  failed(traceId: TraceId, reason: string): void {
    this.failures.set(traceId, reason)
  }

  failureOf(traceId: TraceId): string | undefined {
    return this.failures.get(traceId)
  }

  get(traceId: TraceId): Entry | undefined {
    return this.entries.get(traceId)
  }
}
