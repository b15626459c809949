/**
 * The same figures as `stats`, as Effect `Metric`s, for whatever the application exports its metrics with. Updated once
 * per batch and not per record.
 */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"
import type { BreakerState } from "./breaker.ts"

export class Meters {
  // Made from keys that include the labels: a tagged metric is looked up by its labels for every update, 4 µs for two
  // of them.
  private readonly queueRecords: Metric.Metric.Gauge<number>
  private readonly queueBytes: Metric.Metric.Gauge<number>
  private readonly spoolRecords: Metric.Metric.Gauge<number>
  private readonly batchRecords: Metric.Metric.Histogram<number>
  private readonly writeDuration: Metric.Metric.Histogram<number>
  private readonly retries: Metric.Metric.Counter<number>
  private readonly breakerState: Metric.Metric.Gauge<number>
  private readonly outcomes = new Map<string, Metric.Metric.Counter<number>>()
  private readonly provider: string

  constructor(provider: string) {
    this.provider = provider
    this.queueRecords = Metric.fromMetricKey(MetricKey.tagged(queueRecords, "provider", provider))
    this.queueBytes = Metric.fromMetricKey(MetricKey.tagged(queueBytes, "provider", provider))
    this.spoolRecords = Metric.fromMetricKey(MetricKey.tagged(spoolRecords, "provider", provider))
    this.batchRecords = Metric.fromMetricKey(MetricKey.tagged(batchRecords, "provider", provider))
    this.writeDuration = Metric.fromMetricKey(MetricKey.tagged(writeDuration, "provider", provider))
    this.retries = Metric.fromMetricKey(MetricKey.tagged(retries, "provider", provider))
    this.breakerState = Metric.fromMetricKey(MetricKey.tagged(breakerState, "provider", provider))
  }

  queue(records: number, bytes: number): void {
    this.queueRecords.unsafeUpdate(records, [])
    this.queueBytes.unsafeUpdate(bytes, [])
  }

  spool(records: number): void {
    this.spoolRecords.unsafeUpdate(records, [])
  }

  attempt(records: number, durationMillis: number): void {
    this.batchRecords.unsafeUpdate(records, [])
    this.writeDuration.unsafeUpdate(durationMillis, [])
  }

  retry(): void {
    this.retries.unsafeUpdate(1, [])
  }

  /** @param outcome `written`, `rejected`, or the reason of a drop */
  records(outcome: string, count: number): void {
    if (count <= 0) return
    let counter = this.outcomes.get(outcome)
    if (counter === undefined) {
      counter = Metric.fromMetricKey(
        records.pipe(MetricKey.tagged("provider", this.provider), MetricKey.tagged("outcome", outcome))
      )
      this.outcomes.set(outcome, counter)
    }
    counter.unsafeUpdate(count, [])
  }

  breaker(state: BreakerState): void {
    this.breakerState.unsafeUpdate(breakerCodes[state], [])
  }
}

const records = MetricKey.counter("effect_observability_records", {
  description: "Records that were written, rejected or dropped; the label outcome says which",
  incremental: true
})

const queueRecords = MetricKey.gauge("effect_observability_queue_records", {
  description: "Records in memory, those being written included"
})

const queueBytes = MetricKey.gauge("effect_observability_queue_bytes", {
  description: "Estimated bytes of the records in memory"
})

const spoolRecords = MetricKey.gauge("effect_observability_spool_records", {
  description: "Records on the disk that wait to be delivered"
})

const batchRecords = MetricKey.histogram(
  "effect_observability_batch_records",
  MetricBoundaries.fromIterable([1, 10, 100, 1_000, 10_000]),
  "Records of the batches that were attempted"
)

const writeDuration = MetricKey.histogram(
  "effect_observability_write_duration_milliseconds",
  MetricBoundaries.fromIterable([1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000]),
  "Time that writing a batch took, failed attempts included"
)

const retries = MetricKey.counter("effect_observability_retries", {
  description: "Attempts that failed and are made again",
  incremental: true
})

const breakerState = MetricKey.gauge("effect_observability_breaker_state", {
  description: "0 closed, 1 half open, 2 open"
})

const breakerCodes = { "closed": 0, "half-open": 1, "open": 2 } as const
