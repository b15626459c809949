/**
 * Moves records from the queue to the provider: one fiber cuts batches, and up to `concurrency` fibers write them.
 */
import * as Arr from "effect/Array"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Scope from "effect/Scope"
import type { Delivery, Receipt, Stats } from "../../Delivery.ts"
import type { Observation } from "../../Observation.ts"
import type { Provider } from "../../Provider.ts"
import { Warnings } from "../warnings.ts"
import { Accounts } from "./accounts.ts"
import type { Verdict } from "./attempt.ts"
import { attempt, healthOf } from "./attempt.ts"
import { Breaker } from "./breaker.ts"
import { RecordQueue } from "./recordQueue.ts"

/** `Delivery.Options`, decoded. */
export interface Settings {
  readonly queueBytes: number
  readonly batchWindow: Duration.Duration
  readonly batchRecords: number
  readonly batchBytes: number
  readonly concurrency: number
  readonly writeTimeout: Duration.Duration
  readonly retryDelay: Duration.Duration
  readonly maxRetryDelay: Duration.Duration
  readonly warningInterval: Duration.Duration
}

/** A batch on its way. Its records never change: a store may remember what it was sent, and is sent the same again. */
interface Part {
  readonly records: NonEmptyReadonlyArray<Observation>
  readonly firstSequence: number
  /** How often the provider died on it. */
  readonly deaths: number
  /** For a record alone on which the provider died: the breaker's count of successes by then. */
  readonly suspectSince: number | undefined
}

interface Waiter {
  readonly upTo: number
  readonly settled: Deferred.Deferred<void>
}

export class Engine implements Delivery {
  readonly provider: string
  private readonly target: Provider
  private readonly settings: Settings
  private readonly collect: () => void
  /** Where the fibers live that cut and write; closed by `close`, after everything that could be written is. */
  private readonly workers: Scope.CloseableScope
  private readonly accounts: Accounts
  private readonly queue = new RecordQueue()
  private readonly breaker: Breaker
  private readonly warnings: Warnings
  private readonly slots: Effect.Semaphore
  /** Everything that was cut and is not settled yet. */
  private readonly parts = new Set<Part>()
  /** Parts the provider died on, put off until others have shown whether it works at all. */
  private putOff: Array<Part> = []
  private waiters: Array<Waiter> = []
  /** Open while there is something to cut, here or at the source. */
  private readonly work = Effect.unsafeMakeLatch(false)
  private awake = false
  /** Open when waiting for more makes no sense: a batch is full, or somebody waits for the outcome. */
  private readonly ready = Effect.unsafeMakeLatch(false)
  private unreportedDrops = 0
  private closed = false

  constructor(provider: Provider, settings: Settings, collect: () => void, workers: Scope.CloseableScope) {
    this.provider = provider.name
    this.target = provider
    this.settings = settings
    this.collect = collect
    this.workers = workers
    this.accounts = new Accounts(provider.name)
    this.breaker = new Breaker({ baseDelay: settings.retryDelay, maxDelay: settings.maxRetryDelay })
    this.warnings = new Warnings(settings.warningInterval, { provider: provider.name })
    this.slots = Effect.unsafeMakeSemaphore(settings.concurrency)
  }

  offer(record: Observation): void {
    if (this.closed) return this.accounts.refuse(record, "closed")
    if (this.accounts.pendingBytes + record.size > this.settings.queueBytes) {
      this.unreportedDrops++
      return this.accounts.refuse(record, "budget")
    }
    this.queue.push(record, this.accounts.accept(record))
    if (this.queue.length >= this.settings.batchRecords || this.queue.bytes >= this.settings.batchBytes) {
      this.ready.unsafeOpen()
    }
    this.wake()
  }

  wake(): void {
    if (this.awake) return
    this.awake = true
    this.work.unsafeOpen()
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
    return Effect.suspend(() => {
      this.collect()
      if (this.accounts.pending === 0) return Effect.void
      const settled = Deferred.unsafeMake<void>(FiberId.none)
      this.waiters.push({ upTo: this.accounts.accepted, settled })
      this.ready.unsafeOpen()
      this.wake()
      return this.breaker.hurry.pipe(
        Effect.zipRight(Deferred.await(settled)),
        // a finalizer may be flushing, and there only what is made interruptible can time out
        Effect.interruptible,
        Effect.timeoutOption(timeout)
      )
    }).pipe(Effect.map(() => this.accounts.receipt()))
  }

  close(deadline: Duration.DurationInput): Effect.Effect<Receipt> {
    return Effect.suspend(() => this.closed ? Effect.void : this.shut(deadline)).pipe(
      Effect.map(() => this.accounts.receipt()),
      Effect.uninterruptible
    )
  }

  /** Cuts batches for ever. */
  readonly run: Effect.Effect<never> = Effect.suspend(() => this.round).pipe(Effect.forever)

  private readonly round = Effect.suspend(() =>
    this.work.await.pipe(
      Effect.zipRight(Effect.timeoutOption(this.ready.await, this.settings.batchWindow)),
      Effect.flatMap(() => {
        this.collect()
        // Taken together, before the fiber can be suspended: what is offered from here on wakes the next round.
        const due = this.queue.length
        const putOff = this.putOff
        this.putOff = []
        this.accounts.meters.queue(this.accounts.pending, this.accounts.pendingBytes)
        this.awake = false
        this.work.unsafeClose()
        this.ready.unsafeClose()
        return Effect.zipRight(
          this.reportDrops,
          Effect.zipRight(this.dispatch(due), Effect.forEach(putOff, (part) => this.start(part), { discard: true }))
        )
      })
    )
  )

  /** Hands over `due` records. The batch is cut when a slot is free, so that it is as full as it can be. */
  private dispatch(due: number): Effect.Effect<void> {
    if (due <= 0 || this.queue.length === 0) return Effect.void
    return Effect.flatMap(this.slots.take(1), () => {
      const cut = this.queue.cut(this.settings.batchRecords, this.settings.batchBytes)
      if (!Arr.isNonEmptyReadonlyArray(cut.records)) return Effect.asVoid(this.slots.release(1))
      const part: Part = {
        records: cut.records,
        firstSequence: cut.firstSequence,
        deaths: 0,
        suspectSince: undefined
      }
      this.parts.add(part)
      return Effect.zipRight(
        this.forkDelivery(part),
        Effect.suspend(() => this.dispatch(due - cut.records.length))
      )
    })
  }

  private start(part: Part): Effect.Effect<void> {
    return Effect.zipRight(this.slots.take(1), this.forkDelivery(part))
  }

  private forkDelivery(part: Part): Effect.Effect<void> {
    return Effect.asVoid(
      Effect.forkIn(Effect.ensuring(this.deliver(part), this.slots.release(1)), this.workers)
    )
  }

  private deliver(part: Part): Effect.Effect<void> {
    const { meters } = this.accounts
    const timed = Effect.flatMap(Clock.currentTimeMillis, (start) =>
      Effect.tap(attempt(this.target, part.records, this.settings.writeTimeout), () =>
        Effect.map(Clock.currentTimeMillis, (end) => meters.attempt(part.records.length, end - start))))
    return Effect.flatMap(this.breaker.guard(timed, healthOf), (verdict) => {
      meters.breaker(this.breaker.state)
      return this.conclude(part, verdict)
    })
  }

  private conclude(part: Part, verdict: Verdict): Effect.Effect<void> {
    switch (verdict._tag) {
      case "Written": {
        if (this.parts.has(part)) this.accounts.write(part.records)
        return this.settle(part)
      }
      case "Failed": {
        this.accounts.retry()
        return Effect.zipRight(
          this.warnings.warn("failed", `a write failed and will be tried again: ${verdict.message}`),
          Effect.suspend(() => this.deliver(part))
        )
      }
      case "Refused": {
        if (verdict.rejections !== undefined) {
          const refused = new Set(verdict.rejections.map((rejection) => rejection.index))
          return this.reject(
            part,
            part.records.filter((_, index) => refused.has(index)),
            verdict.rejections[0]?.message ?? verdict.message
          )
        }
        return part.records.length === 1
          ? this.reject(part, part.records, verdict.message)
          : this.halve(part, part.deaths)
      }
      case "Died": {
        this.accounts.retry()
        return Effect.zipRight(
          this.warnings.warn("died", `a write failed and will be tried again: ${verdict.message}`),
          Effect.suspend(() => this.afterDeath(part, verdict.message))
        )
      }
    }
  }

  /**
   * A defect may be the provider's state, then waiting helps, or one record's doing, then only setting that record
   * apart does. So the batch is tried again, then halved down to single records; and a single record is given up only
   * when the provider died on it, then wrote others, then died on it again.
   */
  private afterDeath(part: Part, message: string): Effect.Effect<void> {
    const deaths = part.deaths + 1
    if (part.records.length > 1) {
      if (deaths >= deathsBeforeSuspicion) return this.halve(part, deathsBeforeSuspicion - 1)
      const next: Part = { ...part, deaths }
      return this.replace(part, [next]) ? this.deliver(next) : Effect.void
    }
    if (part.suspectSince !== undefined && this.breaker.successes > part.suspectSince) {
      return this.reject(part, part.records, message)
    }
    const suspect: Part = { ...part, deaths, suspectSince: this.breaker.successes }
    if (this.replace(part, [suspect])) {
      this.putOff.push(suspect)
      this.wake()
    }
    return Effect.void
  }

  private halve(part: Part, deaths: number): Effect.Effect<void> {
    const halves = Arr.chunksOf(part.records, Math.ceil(part.records.length / 2)).map((records): Part => ({
      ...part,
      records,
      deaths
    }))
    return this.replace(part, halves)
      ? Effect.forEach(halves, (half) => this.deliver(half), { discard: true })
      : Effect.void
  }

  /** @returns `false` when the part was settled meanwhile, by closing. */
  private replace(part: Part, by: ReadonlyArray<Part>): boolean {
    if (!this.parts.delete(part)) return false
    for (const next of by) this.parts.add(next)
    return true
  }

  /** Settles a part of which the store refused some records and wrote the others. */
  private reject(part: Part, refused: ReadonlyArray<Observation>, message: string): Effect.Effect<void> {
    if (!this.parts.has(part)) return Effect.void
    const written = part.records.filter((record) => !refused.includes(record))
    if (written.length > 0) this.accounts.write(written)
    this.accounts.reject(refused)
    return Effect.zipRight(
      this.warnings.warn("rejected", `the store refuses records: ${message}`, refused.length),
      this.settle(part)
    )
  }

  private settle(part: Part): Effect.Effect<void> {
    return Effect.sync(() => {
      this.parts.delete(part)
      this.releaseWaiters()
    })
  }

  private releaseWaiters(): void {
    if (this.waiters.length === 0) return
    let oldest = this.queue.oldest
    for (const part of this.parts) oldest = Math.min(oldest, part.firstSequence)
    this.waiters = this.waiters.filter((waiter) => {
      if (oldest <= waiter.upTo) return true
      Deferred.unsafeDone(waiter.settled, Effect.void)
      return false
    })
  }

  private shut(deadline: Duration.DurationInput): Effect.Effect<void> {
    // Real time: a test's clock stands still while its scope closes, and a process that ends cannot be made to wait.
    return Effect.withClock(this.flush(deadline), Clock.make()).pipe(
      Effect.flatMap(() => {
        this.closed = true
        this.accounts.drop(this.queue.clear(), "closed")
        for (const part of this.parts) this.accounts.drop(part.records, "closed")
        this.parts.clear()
        this.releaseWaiters()
        return this.report
      }),
      Effect.zipRight(Scope.close(this.workers, Exit.void))
    )
  }

  private readonly reportDrops = Effect.suspend(() => {
    const drops = this.unreportedDrops
    this.unreportedDrops = 0
    return drops === 0
      ? Effect.void
      : this.warnings.warn("dropped", "records were dropped: the queue's byte budget is spent", drops)
  })

  private readonly report = Effect.suspend(() => {
    const { accepted, dropped, rejected, written } = this.accounts.receipt()
    return dropped + rejected === 0 ? Effect.void : Effect.annotateLogs(
      Effect.logWarning("effect-observability: closed with records that were not written"),
      { provider: this.provider, accepted, written, dropped, rejected, ...this.accounts.droppedByReason }
    )
  })
}

const deathsBeforeSuspicion = 3
