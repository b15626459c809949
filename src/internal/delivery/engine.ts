/**
 * Moves records from the queue to the provider: one fiber cuts batches, and up to `concurrency` fibers write them.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import type * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import type { Delivery, Receipt, Stats } from "../../Delivery.ts"
import type { Observation } from "../../Observation.ts"
import type { Provider, Settlement } from "../../Provider.ts"
import { bytesOf, type Extent, extentOf } from "../extent.ts"
import type { Spool } from "../spool/spool.ts"
import { toTheEnd } from "../toTheEnd.ts"
import { Warnings } from "../warnings.ts"
import { Accounts } from "./accounts.ts"
import { Admission } from "./admission.ts"
import { BatchWindow } from "./batchWindow.ts"
import { Breaker } from "./breaker.ts"
import type { Part } from "./courier.ts"
import { Courier } from "./courier.ts"
import type { DeadLetters } from "./deadLetters.ts"
import { Disk } from "./disk.ts"
import { Overflow } from "./overflow.ts"
import type { Cut } from "./recordQueue.ts"
import { RecordQueue } from "./recordQueue.ts"
import { reportUnwritten } from "./reportUnwritten.ts"
import { Shedder } from "./shedder.ts"
import { Waiters } from "./waiters.ts"
import { Writers } from "./writers.ts"

/** `Delivery.Options`, decoded. */
export interface Settings {
  readonly queueBytes: number
  readonly batchWindow: Duration.Duration
  readonly batchRecords: number
  /** Limited to a part of `queueBytes`, so that incoming records have room while all slots wait for an answer. */
  readonly batchBytes: number
  readonly concurrency: number
  readonly writeTimeout: Duration.Duration
  readonly retryDelay: Duration.Duration
  readonly maxRetryDelay: Duration.Duration
  readonly warningInterval: Duration.Duration
}

export class Engine implements Delivery {
  readonly provider: string
  private readonly settings: Settings
  private readonly collect: () => void
  /** The scope of the fibers that cut batches and use the disk; `close` closes it after writing all that it can. */
  private readonly workers: Scope.CloseableScope
  private readonly accounts: Accounts
  private readonly queue = new RecordQueue()
  private readonly breaker: Breaker
  private readonly warnings: Warnings
  private readonly writers: Writers
  private readonly courier: Courier
  private readonly waiters = new Waiters()
  private readonly window: BatchWindow
  private readonly disk: Disk
  private readonly shedder = new Shedder()
  private readonly admission: Admission
  private closing: Deferred.Deferred<void> | undefined

  constructor(
    provider: Provider,
    settings: Settings,
    runtime: Runtime.Runtime<never>,
    clock: Clock.Clock,
    collect: () => void,
    workers: Scope.CloseableScope,
    deadLetters: DeadLetters,
    settled?: (settlement: Settlement) => void
  ) {
    this.provider = provider.name
    const batchBytes = Math.min(settings.batchBytes, settings.queueBytes / 4 / settings.concurrency)
    this.settings = { ...settings, batchBytes }
    this.collect = collect
    this.workers = workers
    this.window = new BatchWindow(clock, settings.batchWindow)
    this.accounts = new Accounts(provider.name, settled)
    this.breaker = new Breaker({ baseDelay: settings.retryDelay, maxDelay: settings.maxRetryDelay })
    this.warnings = new Warnings(settings.warningInterval, { provider: provider.name })
    this.courier = new Courier({
      provider,
      runtime,
      writeTimeout: settings.writeTimeout,
      accounts: this.accounts,
      breaker: this.breaker,
      warnings: this.warnings,
      deadLetters,
      onSettled: () => this.releaseWaiters(),
      onPutOff: () => this.wake(),
      onReturned: (cut) => this.returned(cut),
      isAwaited: () => this.writers.isAwaited
    })
    this.writers = new Writers(runtime, settings.concurrency)
    this.disk = new Disk({
      workers,
      accounts: this.accounts,
      warnings: this.warnings,
      overflowTo: (spool) =>
        new Overflow({
          ...this.settings,
          spool,
          queue: this.queue,
          courier: this.courier,
          accounts: this.accounts,
          warnings: this.warnings,
          slots: this.writers.slots,
          onLeft: Effect.zipRight(Effect.sync(() => this.releaseWaiters()), this.reportShed),
          onReturned: () => this.wake()
        })
    })
    this.admission = new Admission({
      queue: this.queue,
      accounts: this.accounts,
      shedder: this.shedder,
      queueBytes: settings.queueBytes,
      onEntered: () => this.entered(),
      onLeft: () => this.releaseWaiters()
    })
  }

  offer(record: Observation): void {
    this.admission.offer(record)
  }

  offerAll(records: ReadonlyArray<Observation>, extent: Extent = extentOf(records)): void {
    this.admission.offerAll(records, extent)
  }

  wake(): void {
    this.window.begin()
  }

  stats(): Stats {
    return {
      ...this.accounts.receipt(),
      pendingBytes: this.accounts.pendingBytes,
      batches: this.accounts.batches,
      retries: this.accounts.retries,
      breaker: this.breaker.state,
      droppedByReason: { ...this.accounts.droppedByReason }
    }
  }

  flush(timeout: Duration.DurationInput): Effect.Effect<Receipt> {
    return this.within(timeout, this.settled)
  }

  close(deadline: Duration.DurationInput): Effect.Effect<Receipt> {
    return Effect.suspend(() => {
      if (this.closing !== undefined) return Deferred.await(this.closing)
      const closing = Deferred.unsafeMake<void>(FiberId.none)
      this.closing = closing
      return Effect.zipRight(this.shut(deadline), Deferred.succeed(closing, undefined))
    }).pipe(
      Effect.map(() => this.accounts.receipt()),
      toTheEnd
    )
  }

  attachWhenOpen(opening: Effect.Effect<Spool, { readonly message: string }>): Effect.Effect<void> {
    return this.disk.attachWhenOpen(opening)
  }

  /** Cuts batches for ever. */
  readonly run: Effect.Effect<never> = Effect.suspend(() =>
    Effect.zipRight(Effect.forkIn(this.window.run, this.workers), Effect.forever(this.round))
  )

  private readonly round = Effect.suspend(() =>
    Effect.flatMap(this.window.over, () => {
      const isFullAlone = this.window.end(this.collect)
      // both are read before the fiber can be suspended: records offered from here on begin the next window
      const due = this.queue.length
      const { putOffs } = this.courier
      this.accounts.meters.queue(this.accounts.pending, this.accounts.pendingBytes)
      return Effect.zipRight(
        this.reportDrops,
        Effect.zipRight(
          this.dispatch(due, isFullAlone),
          Effect.replicateEffect(this.takeUp, putOffs, { discard: true })
        )
      )
    })
  )

  /**
   * Hands over `due` records for writing. A batch is cut only when a slot is free, so that it is as full as it can be.
   *
   * @param fullAlone whether records that do not fill a batch stay in the queue
   */
  private dispatch(due: number, fullAlone: boolean): Effect.Effect<void> {
    if (due <= 0 || this.queue.length === 0 || fullAlone && !this.isFull) return Effect.void
    return Effect.flatMap(this.writers.slot, () => {
      const cut = this.queue.cut(this.settings.batchRecords, this.settings.batchBytes)
      const stays = this.shedder.isIdle ? cut.records : this.withoutShed(cut.records)
      const bytes = stays === cut.records ? cut.bytes : bytesOf(stays)
      if (!Arr.isNonEmptyReadonlyArray(stays)) {
        this.releaseWaiters()
        return Effect.zipRight(
          this.writers.release,
          Effect.suspend(() => this.dispatch(due - cut.records.length, fullAlone))
        )
      }
      const part = this.courier.accept(stays, bytes, cut.firstSequence)
      return Effect.zipRight(
        this.write(part),
        Effect.suspend(() => this.dispatch(due - cut.records.length, fullAlone))
      )
    })
  }

  /** Delivers a part that was put off. Until it has a slot it counts as put off, so that the limit holds for it. */
  private readonly takeUp = Effect.suspend(() =>
    Effect.flatMap(this.writers.slot, () => {
      const part = this.courier.takePutOff()
      return part === undefined ? this.writers.release : this.write(part)
    })
  )

  private withoutShed(records: ReadonlyArray<Observation>): ReadonlyArray<Observation> {
    const [stays, goes] = Arr.partition(records, (record) => this.shedder.sheds(record))
    for (const record of goes) this.shedder.count(record)
    this.accounts.drop(goes, "budget")
    return stays
  }

  /** Starts to write a part. The caller must hold a slot. */
  private write(part: Part): Effect.Effect<void> {
    return this.writers.start(Effect.zipRight(this.courier.deliver(part), this.reportShed))
  }

  /** The sequence number of the oldest record that is not settled, `Infinity` when there is none. */
  private get oldest(): number {
    return Math.min(this.queue.oldest, this.courier.oldest, this.disk.oldest)
  }

  /** Writes all records accepted so far, without waiting for the batch window, and returns when they are settled. */
  private readonly settled: Effect.Effect<void> = Effect.suspend(() => {
    this.collect()
    const { sequence } = this.accounts
    if (this.oldest > sequence) return Effect.void
    const settled = this.waiters.add(sequence)
    this.window.hurry()
    return Effect.zipRight(this.breaker.hurry, settled)
  })

  /**
   * Repeats `settled` until nothing is left: once everything else is written, there is room, and a working provider,
   * for the notes about drops.
   */
  private readonly drained: Effect.Effect<void> = Effect.suspend(() =>
    this.settled.pipe(
      Effect.zipRight(this.reportShed),
      Effect.flatMap(() => Number.isFinite(this.oldest) ? this.drained : Effect.void)
    )
  )

  private within(timeout: Duration.DurationInput, self: Effect.Effect<void>): Effect.Effect<Receipt> {
    return self.pipe(
      // the caller may be a finalizer, in which only an effect that is made interruptible can time out
      Effect.interruptible,
      Effect.timeoutOption(timeout),
      Effect.map(() => this.accounts.receipt())
    )
  }

  private releaseWaiters(): void {
    this.waiters.release(() => this.oldest)
  }

  /** Puts cut records back into the queue, where they are cut again or moved to the disk. */
  private returned(cut: Cut): void {
    this.queue.putBack(cut)
    this.disk.entered()
    this.window.begin()
  }

  /** Called whenever records enter the queue. */
  private entered(): void {
    this.disk.entered()
    if (this.isFull) this.window.fill()
    else this.window.begin()
  }

  /** Whether the queued records fill a batch. */
  private get isFull(): boolean {
    return this.queue.length >= this.settings.batchRecords || this.queue.bytes >= this.settings.batchBytes
  }

  private shut(deadline: Duration.DurationInput): Effect.Effect<void> {
    // In real time: a test's clock stands still while its scope closes, and a process that ends cannot be made to wait.
    return this.within(deadline, this.drained).pipe(
      Effect.flatMap(() => {
        this.admission.close()
        // a process may end before its disk is open, to which the rest can go
        return this.accounts.pending === 0 ? Effect.void : this.disk.whenKnown
      }),
      Effect.zipRight(Scope.close(this.workers, Exit.void)),
      Effect.zipRight(this.writers.interruptAll),
      Effect.zipRight(Effect.suspend(() => this.disk.keepOrDrop(this.letGo()))),
      Effect.zipRight(reportUnwritten(this.provider, this.accounts)),
      Effect.withClock(Clock.make())
    )
  }

  /** Gives up all unsettled records, and returns those that are not on the disk. */
  private letGo(): ReadonlyArray<NonEmptyReadonlyArray<Observation>> {
    return [...this.courier.letGo(), ...this.queue.cutAll(this.settings.batchRecords, this.settings.batchBytes)]
  }

  /** Reports drops in the store, as far as there is room for the notes. */
  private readonly reportShed = Effect.suspend(() => {
    if (!this.shedder.hasGaps) return Effect.void
    const room = this.settings.queueBytes / 2 - this.accounts.pendingBytes
    return room <= 0 ? Effect.void : Effect.map(Clock.currentTimeMillis, (now) => {
      for (const note of this.shedder.report(now, room)) this.offer(note)
    })
  })

  private readonly reportDrops = Effect.suspend(() => {
    this.accounts.meterDrops()
    const drops = this.admission.takeDrops()
    return drops === 0
      ? Effect.void
      : this.warnings.warn("dropped", "records were dropped: the queue's byte budget is spent", drops)
  })
}
