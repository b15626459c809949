/**
 * Everything that stands between the application and one provider: a queue bounded in bytes, batches, retries, a
 * breaker, and exact counts.
 *
 * **Loss policy.** Offering a record is synchronous, never waits and never fails. A batch that fails is written again
 * until it is written, refused for good, or the delivery is closed. With a spool, what memory cannot hold goes to the
 * disk, and so does what is unwritten when the closing deadline has passed. Without one, or when the disk is full, too,
 * records are dropped, counted by kind and reason, whole traces at a time, and a span of type `dropped` says so in the
 * store. At any time `accepted = written + spooled + dropped + rejected + pending`.
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
  /**
   * How long records are collected before a batch is written, unless one is full before. Default: 200 milliseconds.
   */
  readonly batchWindow?: Duration.DurationInput | undefined
  /** Records of one batch. Default: 4,000, or less where the provider takes less. */
  readonly batchRecords?: number | undefined
  /**
   * Estimated bytes of one batch; a single larger record is a batch of its own. All batches being written take a quarter
   * of `queueBytes` at most. Default: 4 MiB, or less where the provider takes less.
   */
  readonly batchBytes?: number | undefined
  /** Batches being written at the same time, 1,000 at most. Default: what the provider says, otherwise 1. */
  readonly concurrency?: number | undefined
  /** After this time a write counts as failed. Default: 30 seconds. */
  readonly writeTimeout?: Duration.DurationInput | undefined
  /** Wait after the first failed write; doubles with each further one. Default: 200 milliseconds. */
  readonly retryDelay?: Duration.DurationInput | undefined
  /** Longest wait between two attempts, unless the store asks for more. Default: 10 seconds. */
  readonly maxRetryDelay?: Duration.DurationInput | undefined
  /**
   * A folder for what memory cannot hold and what could not be delivered before the end; each provider has a folder of
   * its own in it. May be shared by processes. Default: none, and what memory cannot hold is dropped and counted.
   */
  readonly spoolDirectory?: string | undefined
  /** Bytes that this process may keep there, by provider. Default: 1 GiB. */
  readonly spoolBytes?: number | undefined
  /** At most one warning of a kind in this time. Default: 1 minute. */
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
   * Records offered, and records that were taken over from the spool of a process that died. No more those whose files
   * were taken from this one: by another process, since it gave no sign of life for a minute, and then that one's
   * receipt has them, or by somebody who deleted them.
   */
  readonly accepted: number
  /** Records that the provider confirmed. */
  readonly written: number
  /** Records on the disk, to be delivered by this process or the next. */
  readonly spooled: number
  /** Records given up: no room, or closed before they could be written. */
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
  /** Attempts that failed and were, or will be, made again. */
  readonly retries: number
  readonly breaker: BreakerState
  /** Dropped records by kind and reason, for example `{ "Span/budget": 12 }`. */
  readonly droppedByReason: Readonly<Record<string, number>>
}

/**
 * Why a record was given up: no room in the budget, not written when the delivery closed, or no plain data when it was to be
 * kept on the disk.
 *
 * @since 0.1.0
 * @category models
 */
export type DropReason = "budget" | "closed" | "unencodable"

/**
 * What several records are together.
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
  /** Takes a record over. Synchronous; never waits, never throws. */
  readonly offer: (observation: Observation) => void
  /**
   * The same for several records, in an array that does not change afterwards.
   *
   * @param extent what they are together; if absent, each is looked at
   */
  readonly offerAll: (observations: ReadonlyArray<Observation>, extent?: Extent) => void
  /** Says that there is something in the source to be collected when the batch window is over. */
  readonly wake: () => void
  /**
   * Writes what was accepted before the call, without waiting for the batch window, and returns when all of it is
   * settled or the time is up, whichever is first.
   */
  readonly flush: (timeout: Duration.DurationInput) => Effect.Effect<Receipt>
  /**
   * Writes what there is, and what is still offered meanwhile, for at most `deadline` (of real time, whatever clock is in
   * use); then accepts nothing more, keeps the rest on the disk, and gives up what that does not take. A second call
   * waits for the first, and returns what has become of everything by then.
   */
  readonly close: (deadline: Duration.DurationInput) => Effect.Effect<Receipt>
  readonly stats: () => Stats
}

/**
 * Starts the delivery to a provider. It lives in the scope, whose end closes it with a deadline of 0: what was neither
 * flushed nor closed before is given up and counted.
 *
 * @param collect is called before a batch is cut, and offers what waits elsewhere
 * @param settled is told what became of records, as soon as that is final; it must return at once
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
    // A scope of its own: fibers forked into the caller's scope would be interrupted before its finalizers drain them.
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
      // What cannot be interrupted could not be closed: a fiber has that from the one that forks it.
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
        // a disk that does not answer holds nobody up
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

/** A program that keeps nothing on the disk need not load it. */
const spoolModule = Effect.promise(() => import("./internal/spool/spool.ts"))

const mebibyte = 1024 * 1024
const unlimited = Number.POSITIVE_INFINITY

/** They share a quarter of the queue's bytes: more would leave each of them a single record. */
const maxConcurrency = 1_000

/** A batch of no records, or no slot to write one in, would wait for ever. */
const oneOrMore = (limit: number): number => limit >= 1 ? limit : 1
