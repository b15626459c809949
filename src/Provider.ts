/**
 * The port to a store: something that can write a batch of observations.
 *
 * A provider only writes. Queueing, batching, retries, timeouts and counting are the delivery's work, the same for
 * every provider, so a provider may fail, die or hang without harm.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Observation } from "./Observation.ts"

/**
 * Writes batches of observations.
 *
 * `write` must be idempotent: writing the same batch twice, or two batches out of order, must leave the same result,
 * because a batch whose outcome is unknown is written again, whole or in parts. The array is frozen. An observation with a
 * higher `revision` replaces one with a lower.
 *
 * @since 0.1.0
 * @category models
 */
export interface Provider {
  /**
   * Names the provider in receipts, statistics and warnings, and its folder in the spool: letters, digits and `_`, with
   * single spaces, dots or hyphens in between. Unique among the providers of a service.
   */
  readonly name: string
  /** Batches that the store takes at the same time. Default: the delivery's setting. */
  readonly concurrency?: number | undefined
  /** Maximum number of records in one batch. Default: the delivery's setting. */
  readonly maxBatchRecords?: number | undefined
  /** Maximum estimated bytes of one batch. Default: the delivery's setting. */
  readonly maxBatchBytes?: number | undefined
  readonly write: (batch: NonEmptyReadonlyArray<Observation>) => Effect.Effect<void, ProviderError>
  /** For a store that keeps account of what became of records at the other providers. Default: none. */
  readonly ledger?: Ledger | undefined
}

/**
 * The final outcome of records at one provider.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settlement {
  /** The provider's name. */
  readonly provider: string
  /** `delivered`: confirmed; `refused`: the provider will never take them; `dropped`: given up. */
  readonly outcome: "delivered" | "refused" | "dropped"
  /** Why the records were not delivered; `undefined` if they were. */
  readonly reason: string | undefined
  readonly records: ReadonlyArray<Observation>
}

/**
 * Keeps account of what became of records.
 *
 * @since 0.1.0
 * @category models
 */
export interface Ledger {
  /** Called between two steps of a delivery: must neither wait nor throw, and must not keep the records. */
  readonly note: (settlement: Settlement) => void
}

/**
 * A record that the store refuses for good.
 *
 * @since 0.1.0
 * @category models
 */
export interface Rejection {
  /** The position of the record in the batch. */
  readonly index: number
  /** Why the store refuses it. */
  readonly message: string
}

/**
 * Why a batch was not written, or only in part:
 *
 * - `transient`: trying the same batch again can help (no connection, timeout, overload).
 * - `rejected`: trying again cannot help. With `rejections`, exactly these records were refused and all others were
 *   written. Without, nothing was written, and the delivery halves the batch until the refused records stand alone.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProviderError extends Schema.TaggedError<ProviderError>("effect-observability/Provider/ProviderError")(
  "ProviderError",
  {
    reason: Schema.Literal("transient", "rejected"),
    message: Schema.String,
    cause: Schema.optional(Schema.Defect),
    /** How long the store asks to wait before the next attempt. */
    retryAfter: Schema.optional(Schema.DurationFromSelf),
    rejections: Schema.optional(Schema.Array(Schema.Struct({ index: Schema.Number, message: Schema.String })))
  }
) {
  /** Trying the same batch again can help. */
  static transient(
    message: string,
    options?: { readonly cause?: unknown; readonly retryAfter?: Duration.Duration | undefined }
  ): ProviderError {
    return new ProviderError({ reason: "transient", message, cause: options?.cause, retryAfter: options?.retryAfter })
  }

  /** Trying again cannot help. */
  static rejected(
    message: string,
    options?: { readonly cause?: unknown; readonly rejections?: ReadonlyArray<Rejection> | undefined }
  ): ProviderError {
    return new ProviderError({ reason: "rejected", message, cause: options?.cause, rejections: options?.rejections })
  }
}

/**
 * A provider that writes nowhere.
 *
 * @since 0.1.0
 * @category constructors
 */
export const noop: Provider = { name: "noop", write: () => Effect.void }

/**
 * A provider that keeps every record, in the order of arrival, in an array of its own.
 *
 * @since 0.1.0
 * @category constructors
 */
export const memory = (
  name = "memory"
): Provider & { readonly records: ReadonlyArray<Observation> } => {
  const records: Array<Observation> = []
  return {
    name,
    records,
    write: (batch) =>
      Effect.sync(() => {
        for (const record of batch) records.push(record)
      })
  }
}
