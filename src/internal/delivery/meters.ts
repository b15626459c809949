/**
 * The same figures as `stats`, as Effect `Metric`s, for whatever the application exports its metrics with. Updated once
 * per batch and not per record.
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricLabel from "effect/MetricLabel"
import type { BreakerState } from "./breaker.ts"

export class Meters {
  private readonly labels: ReadonlyArray<MetricLabel.MetricLabel>

  constructor(provider: string) {
    this.labels = [MetricLabel.make("provider", provider)]
  }

  queue(records: number, bytes: number): void {
    queueRecords.unsafeUpdate(records, this.labels)
    queueBytes.unsafeUpdate(bytes, this.labels)
  }

  spool(records: number): void {
    spoolRecords.unsafeUpdate(records, this.labels)
  }

  attempt(records: number, durationMillis: number): void {
    batchRecords.unsafeUpdate(records, this.labels)
    writeDuration.unsafeUpdate(durationMillis, this.labels)
  }

  retry(): void {
    retries.unsafeUpdate(1, this.labels)
  }

  /** @param outcome `written`, `rejected`, or the reason of a drop */
  records(outcome: string, count: number): void {
    if (count > 0) records.unsafeUpdate(count, [...this.labels, MetricLabel.make("outcome", outcome)])
  }

  breaker(state: BreakerState): void {
    breakerState.unsafeUpdate(breakerCodes[state], this.labels)
  }
}

const records = Metric.counter("effect_observability_records", {
  description: "Records that were written, rejected or dropped; the label outcome says which",
  incremental: true
})

const queueRecords = Metric.gauge("effect_observability_queue_records", {
  description: "Records in memory, those being written included"
})

const queueBytes = Metric.gauge("effect_observability_queue_bytes", {
  description: "Estimated bytes of the records in memory"
})

const spoolRecords = Metric.gauge("effect_observability_spool_records", {
  description: "Records on the disk that wait to be delivered"
})

const batchRecords = Metric.histogram(
  "effect_observability_batch_records",
  MetricBoundaries.fromIterable([1, 10, 100, 1_000, 10_000]),
  "Records of the batches that were attempted"
)

const writeDuration = Metric.histogram(
  "effect_observability_write_duration_milliseconds",
  MetricBoundaries.fromIterable([1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000]),
  "Time that writing a batch took, failed attempts included"
)

const retries = Metric.counter("effect_observability_retries", {
  description: "Attempts that failed and are made again",
  incremental: true
})

const breakerState = Metric.gauge("effect_observability_breaker_state", {
  description: "0 closed, 1 half open, 2 open"
})

const breakerCodes = { "closed": 0, "half-open": 1, "open": 2 } as const
