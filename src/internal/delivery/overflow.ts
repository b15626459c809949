/**
 * Moves records that memory cannot hold to the disk, and back when the provider takes them.
 *
 * When more than half of the memory budget is in use, the oldest records move to the spool until a quarter is. Spooled
 * records are delivered in the order in which they were spooled, alongside new ones. Records that a dead process left
 * in the spool are taken over and delivered, too.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Observation } from "../../Observation.ts"
import { bytesOf, extentOf } from "../extent.ts"
import { idleSleep } from "../idleSleep.ts"
import { SpoolError } from "../spool/error.ts"
import type { Refused, Spool, SpooledBatch } from "../spool/spool.ts"
import type { Warnings } from "../warnings.ts"
import type { Accounts } from "./accounts.ts"
import type { Courier } from "./courier.ts"
import { RecordQueue } from "./recordQueue.ts"

export class Overflow {
  private readonly spool: Spool
  private readonly queue: RecordQueue
  private readonly courier: Courier
  private readonly accounts: Accounts
  private readonly warnings: Warnings
  private readonly slots: Effect.Semaphore
  private readonly queueBytes: number
  private readonly batchRecords: number
  private readonly batchBytes: number
  private readonly onLeft: Effect.Effect<void>
  private readonly onReturned: () => void
  private readonly crowded = Effect.unsafeMakeLatch(false)
  private readonly waiting = Effect.unsafeMakeLatch(true)
  private moving = Number.POSITIVE_INFINITY
  /** Set at the end: nothing is read from the disk any more, and records that the disk does not take are lost. */
  private isEnding = false

  constructor(options: {
    readonly spool: Spool
    readonly queue: RecordQueue
    readonly courier: Courier
    readonly accounts: Accounts
    readonly warnings: Warnings
    readonly slots: Effect.Semaphore
    readonly queueBytes: number
    readonly batchRecords: number
    readonly batchBytes: number
    /** Run when records have left the queue for the disk. */
    readonly onLeft: Effect.Effect<void>
    /** Called when records are in the queue again, because the disk did not take them. */
    readonly onReturned: () => void
  }) {
    this.spool = options.spool
    this.queue = options.queue
    this.courier = options.courier
    this.accounts = options.accounts
    this.warnings = options.warnings
    this.slots = options.slots
    this.queueBytes = options.queueBytes
    this.batchRecords = options.batchRecords
    this.batchBytes = options.batchBytes
    this.onLeft = options.onLeft
    this.onReturned = options.onReturned
  }

  /** To be called whenever records enter the queue. */
  entered(): void {
    if (this.accounts.pendingBytes > this.queueBytes / 2) this.crowded.unsafeOpen()
  }

  /** Moves records to the disk, replays them, and takes over those of dead processes, for ever. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    Effect.all([
      Effect.forever(this.relieve),
      Effect.forever(this.replay),
      Effect.forever(Effect.zipRight(this.adopt, idleSleep(adoptionInterval)))
    ], { concurrency: "unbounded", discard: true }).pipe(Effect.zipRight(Effect.never))
  )

  /** The sequence number of the oldest record on its way to the disk, `Infinity` when there is none. */
  get oldest(): number {
    return this.moving
  }

  /** Keeps undelivered records for the next process; `false` when the disk does not take them. To be run at the end. */
  keepForNext(records: NonEmptyReadonlyArray<Observation>): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      this.isEnding = true
      return this.keep(records)
    })
  }

  /**
   * Writes records to the disk; `false` when the disk does not take them. Interruption does not cut it short, or nobody
   * would know where the records are.
   */
  private keep(records: NonEmptyReadonlyArray<Observation>): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      let isKept: boolean | undefined
      // The disk may confirm just when the time is over: the first of the two decides for both.
      const decide = (kept: boolean): boolean => isKept ??= kept
      let refused: Refused | undefined
      const confirm = (unkept: Refused | undefined): boolean => {
        // The time was over first, so the records are in memory again, and the copy on the disk is removed. At the end,
        // memory drops them, too: then the copy stays, so that they are delivered.
        if (!decide(true)) return this.isEnding
        refused = unkept
        this.accounts.spool(unkept === undefined ? records : without(records, unkept.records))
        if (unkept !== undefined) this.accounts.drop(unkept.records, "unencodable")
        return true
      }
      return this.spool.append(records, confirm).pipe(
        // a write to a disk that does not answer cannot be interrupted, only left behind
        Effect.disconnect,
        Effect.interruptible,
        Effect.timeoutFail({ duration: diskTimeout, onTimeout: () => noAnswer }),
        Effect.catchAll((error) => decide(false) ? Effect.void : this.warn(error)),
        Effect.zipRight(
          Effect.suspend(() => refused === undefined ? Effect.void : this.warn(refused.error, refused.records.length))
        ),
        Effect.zipRight(this.reconcile),
        Effect.map(() => decide(false))
      )
    }).pipe(
      Effect.forkDaemon,
      Effect.flatMap(Fiber.join),
      Effect.uninterruptible
    )
  }

  /** Adds the damaged and forfeited records that the spool has found to the counts. */
  private readonly reconcile = Effect.suspend(() => {
    this.accounts.losses(this.spool.corrupt)
    const forfeited = this.accounts.forfeit(this.spool.forfeited)
    return forfeited === 0 ? Effect.void : this.warnings.warn(
      "spool forfeited",
      "records on the disk are another process's now, which took this one for dead, or somebody deleted their files",
      forfeited
    )
  })

  private readonly relieve = Effect.suspend(() =>
    this.crowded.await.pipe(
      Effect.zipRight(this.moveOldest),
      // a full disk does not empty faster when it is asked again at once
      Effect.flatMap((moved) => moved ? Effect.void : Effect.sleep(retryInterval))
    )
  )

  private readonly moveOldest: Effect.Effect<boolean> = Effect.suspend(() => {
    if (this.accounts.pendingBytes <= this.queueBytes / 4 || this.queue.length === 0) {
      return Effect.as(this.crowded.close, true)
    }
    const cut = this.queue.cut(this.batchRecords, this.batchBytes)
    if (!Arr.isNonEmptyReadonlyArray(cut.records)) return Effect.succeed(true)
    this.moving = cut.firstSequence
    return Effect.flatMap(this.keep(cut.records), (kept) => {
      this.moving = Number.POSITIVE_INFINITY
      if (kept) {
        this.waiting.unsafeOpen()
        return Effect.as(this.onLeft, true)
      }
      this.queue.putBack(cut)
      this.onReturned()
      return Effect.succeed(false)
    })
  }).pipe(Effect.uninterruptible)

  /** Takes a slot only when there is a batch to deliver: a disk that does not answer must not hold one. */
  private readonly replay = Effect.suspend(() =>
    this.waiting.await.pipe(
      Effect.zipRight(Effect.disconnect(this.spool.next)),
      Effect.flatMap((next) => next._tag === "None" ? this.waiting.close : this.deliver(next.value)),
      Effect.catchAll((error) => Effect.zipRight(this.warn(error), Effect.sleep(retryInterval))),
      Effect.zipRight(this.reconcile)
    )
  )

  /**
   * Delivers a spooled batch in parts of this process's batch size, whoever spooled it: only the part in hand counts
   * against the memory budget. A part that is put off gives back its slot and is waited for, because the disk keeps the
   * batch until all of it is settled.
   */
  private deliver({ done, records }: SpooledBatch): Effect.Effect<void> {
    const batch = new RecordQueue()
    batch.pushAll(records, extentOf(records), 0)
    return Effect.forEach(
      batch.cutAll(this.batchRecords, this.batchBytes),
      (part) => Effect.zipRight(this.slots.withPermits(1)(this.deliverPart(part)), this.courier.fromDisk),
      { discard: true }
    ).pipe(Effect.zipRight(Effect.disconnect(done)))
  }

  private deliverPart(records: NonEmptyReadonlyArray<Observation>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const bytes = bytesOf(records)
      this.accounts.unspool(records, bytes)
      return this.courier.deliver(this.courier.accept(records, bytes, Number.POSITIVE_INFINITY, true))
    })
  }

  private readonly adopt = Effect.suspend(() => Effect.disconnect(this.spool.adopt)).pipe(
    Effect.map((records) => {
      if (records === 0) return
      this.accounts.adopt(records)
      this.waiting.unsafeOpen()
    }),
    Effect.catchAll((error) => this.warn(error)),
    Effect.zipRight(this.reconcile)
  )

  private warn(error: SpoolError, times = 1): Effect.Effect<void> {
    return this.warnings.warn(`spool ${error.reason}`, error.message, times)
  }
}

/** Long for a disk, and short enough to wait for at the end of a process. */
export const diskTimeout = Duration.seconds(5)
const noAnswer = new SpoolError({
  reason: "unavailable",
  message: "the disk did not answer within 5 seconds. Check that the spool's file system works."
})

const adoptionInterval = Duration.seconds(30)
const retryInterval = Duration.seconds(5)

const without = (
  records: ReadonlyArray<Observation>,
  others: ReadonlyArray<Observation>
): ReadonlyArray<Observation> => {
  const left = new Set(others)
  return records.filter((record) => !left.has(record))
}
