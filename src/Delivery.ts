/**
 * Everything between the application and one provider: a queue bounded in bytes, batches, retries, a circuit breaker,
 * and exact counts.
 *
 * **Loss policy.** Offering a record is synchronous, never waits and never fails. A failed batch is retried until it is
 * written, refused for good, or the delivery is closed. With a spool, records that do not fit into memory go to the
 * disk, and so do records that are unwritten when the closing deadline has passed. Without a spool, or when the disk is
 * full, too, records are dropped, whole traces at a time. Drops are counted by kind and reason, and a span of type
 * `dropped` reports them in the store. At any time `accepted = written + spooled + dropped + rejected + pending`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import type * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import type { BreakerState } from "./internal/delivery/breaker.ts"
import { inFolder, nowhere } from "./internal/delivery/deadLetters.ts"
import { Engine } from "./internal/delivery/engine.ts"
import type * as Extents from "./internal/extent.ts"
import { namesProblem } from "./internal/providerNames.ts"
import { toTheEnd } from "./internal/toTheEnd.ts"
import { untraced } from "./internal/untraced.ts"
import type { Observation } from "./Observation.ts"
import type { Provider, Settlement } from "./Provider.ts"

/**
 * How records are delivered. Every field has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Estimated bytes that may wait in memory, records being written included. Default: 64 MiB. */
  readonly queueBytes?: number | undefined
  /** How long records are collected for a batch; a full batch is written at once. Default: 200 milliseconds. */
  readonly batchWindow?: Duration.DurationInput | undefined
  /** Maximum number of records in one batch. Default: 4,000, or the provider's limit if that is lower. */
  readonly batchRecords?: number | undefined
  /**
   * Maximum estimated bytes of one batch; a single larger record is a batch of its own. All batches being written take
   * at most a quarter of `queueBytes` together. Default: 4 MiB, or the provider's limit if that is lower.
   */
  readonly batchBytes?: number | undefined
  /** Batches written at the same time, at most 1,000. Default: the provider's `concurrency`, otherwise 1. */
  readonly concurrency?: number | undefined
  /** After this time a write counts as failed. Default: 30 seconds. */
  readonly writeTimeout?: Duration.DurationInput | undefined
  /** Wait after the first failed write; doubles with each further one. Default: 200 milliseconds. */
  readonly retryDelay?: Duration.DurationInput | undefined
  /** Longest wait between two attempts, unless the store asks for more. Default: 10 seconds. */
  readonly maxRetryDelay?: Duration.DurationInput | undefined
  /**
   * The folder for records that do not fit into memory, or that could not be delivered before the end; each provider
   * has a folder of its own in it. Processes may share it. Default: none; records that do not fit into memory are
   * dropped and counted.
   */
  readonly spoolDirectory?: string | undefined
  /** Bytes that this process may keep on the disk for each provider. Default: 1 GiB. */
  readonly spoolBytes?: number | undefined
  /** At most one warning of each kind is logged in this time. Default: 1 minute. */
  readonly warningInterval?: Duration.DurationInput | undefined
}

/**
 * What became of every record that one provider was offered since the start:
 * `accepted = written + spooled + dropped + rejected + pending`, always.
 *
 * @since 0.1.0
 * @category models
 */
export interface Receipt {
  /**
   * Records offered, and records taken over from the spool of a process that died. Excludes records whose files this
   * process has lost: to another process, because this one gave no sign of life for a minute (the other's receipt
   * counts them then), or because somebody deleted them.
   */
  readonly accepted: number
  /** Records that the provider confirmed. */
  readonly written: number
  /** Records on the disk, to be delivered by this process or the next. */
  readonly spooled: number
  /** Records given up: no room, closed before they could be written, or damaged on the disk. */
  readonly dropped: number
  /** Records that the store refuses for good. */
  readonly rejected: number
  /** Records still in memory. */
  readonly pending: number
}

/**
 * A receipt with the live state of the delivery.
 *
 * @since 0.1.0
 * @category models
 */
export interface Stats extends Receipt {
  /** Estimated bytes in memory, records being written included. */
  readonly pendingBytes: number
  /** Batches written. */
  readonly batches: number
  /** Failed attempts that were, or will be, retried. */
  readonly retries: number
  readonly breaker: BreakerState
  /**
   * Dropped records by kind and reason, for example `{ "Span/budget": 12 }`. Records that were found damaged on the disk
   * are counted as `damaged`, since nobody knows their kind.
   */
  readonly droppedByReason: Readonly<Record<string, number>>
}

/**
 * Why a record was dropped: no room in the byte budget (`budget`), not written when the delivery closed (`closed`), or
 * not plain data when it was to be kept on the disk (`unencodable`).
 *
 * @since 0.1.0
 * @category models
 */
export type DropReason = "budget" | "closed" | "unencodable"

/**
 * The total size of several records, and how many of them belong to spans that have not ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface Extent extends Extents.Extent {}

/**
 * The delivery to one provider.
 *
 * @since 0.1.0
 * @category models
 */
export interface Delivery {
  /** The provider's name. */
  readonly provider: string
  /** Hands over a record. Synchronous; never waits, never throws. */
  readonly offer: (observation: Observation) => void
  /**
   * Hands over several records, in an array that must not change afterwards.
   *
   * @param extent the extent of the records; if absent, it is computed by looking at each
   */
  readonly offerAll: (observations: ReadonlyArray<Observation>, extent?: Extent) => void
  /** Announces that `collect` has records to offer when the batch window is over. */
  readonly wake: () => void
  /**
   * Writes all records accepted before the call, without waiting for the batch window. Returns when all of them are
   * settled or the time is up, whichever comes first.
   */
  readonly flush: (timeout: Duration.DurationInput) => Effect.Effect<Receipt>
  /**
   * Writes everything, including records offered meanwhile, for at most `deadline` (in real time, whatever clock is in
   * use). Then it accepts nothing more, keeps the rest on the disk, and drops what the disk does not take. A second
   * call waits for the first, and returns the receipt as of then.
   */
  readonly close: (deadline: Duration.DurationInput) => Effect.Effect<Receipt>
  readonly stats: () => Stats
}

/**
 * Starts the delivery to a provider. It lives in the scope, whose end closes it with a deadline of 0: records not
 * written before, by `flush` or `close`, are then kept on the disk, or dropped and counted.
 *
 * @param collect called before a batch is cut, to offer the records that wait elsewhere
 * @param settled called with the outcome of records as soon as it is final; must return at once
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  provider: Provider,
  options: Options = {},
  collect: () => void = () => {},
  settled?: (settlement: Settlement) => void
): Effect.Effect<Delivery, never, Scope.Scope> =>
  Effect.gen(function*() {
    const problem = namesProblem([provider])
    if (problem !== undefined) return yield* Effect.dieMessage(problem)
    // The workers have a scope of their own: forked into the caller's scope, they would be interrupted before its
    // finalizers could drain the queue.
    const workers = yield* Scope.make(ExecutionStrategy.parallel)
    const folder = options.spoolDirectory === undefined ? undefined : join(options.spoolDirectory, provider.name)
    const engine = new Engine(
      provider,
      {
        queueBytes: options.queueBytes ?? 64 * 1024 * 1024,
        batchWindow: Duration.decode(options.batchWindow ?? "200 millis"),
        batchRecords: oneOrMore(Math.min(options.batchRecords ?? 4_000, provider.maxBatchRecords ?? unlimited)),
        batchBytes: Math.min(options.batchBytes ?? 4 * mebibyte, provider.maxBatchBytes ?? unlimited),
        concurrency: Math.min(oneOrMore(options.concurrency ?? provider.concurrency ?? 1), maxConcurrency),
        writeTimeout: Duration.decode(options.writeTimeout ?? "30 seconds"),
        retryDelay: Duration.decode(options.retryDelay ?? "200 millis"),
        maxRetryDelay: Duration.decode(options.maxRetryDelay ?? "10 seconds"),
        warningInterval: Duration.decode(options.warningInterval ?? "1 minute")
      },
      // Interruptible: a forked fiber inherits this from the fiber that forks it, and uninterruptible workers could not
      // be closed.
      yield* Effect.interruptible(Effect.runtime<never>()),
      yield* Effect.clock,
      collect,
      workers,
      folder === undefined ? nowhere : inFolder(folder),
      settled
    )
    const disk = yield* Scope.make()
    const leaveDisk = (exit: Exit.Exit<unknown, unknown>) =>
      Scope.close(disk, exit).pipe(
        // a disk that does not answer must not hold up the caller
        Effect.disconnect,
        Effect.timeoutOption("5 seconds"),
        Effect.withClock(Clock.make()),
        toTheEnd
      )
    yield* Effect.addFinalizer((exit) => Effect.zipRight(engine.close(0), leaveDisk(exit)))
    yield* Effect.forkIn(Effect.interruptible(engine.run), workers)
    // In the background: a disk that does not answer must not keep the application from starting.
    if (folder !== undefined) {
      yield* engine.attachWhenOpen(
        Effect.flatMap(spoolModule, ({ make }) =>
          make({ directory: folder, processId: randomUUID(), maxBytes: options.spoolBytes })).pipe(Scope.extend(disk))
      )
    }
    return engine
  }).pipe(untraced)

// internal

/** Loaded on demand: a program without a spool does not need it. */
const spoolModule = Effect.promise(() => import("./internal/spool/spool.ts"))

const mebibyte = 1024 * 1024
const unlimited = Number.POSITIVE_INFINITY

/** The batches being written share a quarter of `queueBytes`: with more of them, each would hold a single record. */
const maxConcurrency = 1_000

/** With a batch of no records, or no slot to write one in, the delivery would wait for ever. */
const oneOrMore = (limit: number): number => limit >= 1 ? limit : 1
