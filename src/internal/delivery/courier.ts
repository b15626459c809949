/**
 * Delivers parts to the provider: retries failed ones, halves refused ones, and settles each record in exactly one way.
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Runtime from "effect/Runtime"
import type { Observation } from "../../Observation.ts"
import type { Provider } from "../../Provider.ts"
import { bytesOf } from "../extent.ts"
import type { Warnings } from "../warnings.ts"
import type { Accounts } from "./accounts.ts"
import type { Verdict } from "./attempt.ts"
import { attempt, healthOf } from "./attempt.ts"
import type { Breaker } from "./breaker.ts"
import type { DeadLetters } from "./deadLetters.ts"
import { Cut } from "./recordQueue.ts"

/**
 * A batch on its way. Its records never change: a store may remember what it was sent, and a retry sends the same
 * again. They are in a frozen array of their own, because the queues of the other providers share the array they came
 * in: a provider that modifies its batch dies of it. Freezing a copy of 4,000 records takes 3 µs.
 *
 * Made by a constructor and not as a literal: docs/decisions/0010.
 */
export class Part {
  readonly records: NonEmptyReadonlyArray<Observation>
  readonly bytes: number
  readonly firstSequence: number
  /** How often the provider died on this part. */
  readonly deaths: number = 0
  /** For a single record on which the provider died: the breaker's count of successes at that time. */
  readonly suspectSince: number | undefined = undefined
  /** How often in a row the provider has failed to take it. */
  failures = 0
  /** Whether the disk has this part, too, so that giving it up loses nothing. */
  readonly onDisk: boolean
  /** Whether its outcome is already counted, and only its dead letters are still to be written. */
  isBooked = false

  constructor(records: NonEmptyReadonlyArray<Observation>, bytes: number, firstSequence: number, onDisk: boolean) {
    this.records = frozen(records)
    this.bytes = bytes
    this.firstSequence = firstSequence
    this.onDisk = onDisk
  }
}

export class Courier {
  private readonly provider: Provider
  private readonly runtime: Runtime.Runtime<never>
  private readonly writeTimeout: Duration.Duration
  private readonly accounts: Accounts
  private readonly breaker: Breaker
  private readonly warnings: Warnings
  private readonly deadLetters: DeadLetters
  private readonly onSettled: () => void
  private readonly onPutOff: () => void
  private readonly onReturned: (cut: Cut) => void
  private readonly isAwaited: () => boolean
  /** All parts that are not settled yet. */
  private parts: Array<Part> = []
  /** Parts that failed, put off until others have shown whether the provider works at all. */
  private putOff: Array<Part> = []
  /** Closed while a part that the disk has, too, is on its way. */
  private readonly diskSettled = Effect.unsafeMakeLatch(true)

  constructor(options: {
    readonly provider: Provider
    readonly runtime: Runtime.Runtime<never>
    readonly writeTimeout: Duration.Duration
    readonly accounts: Accounts
    readonly breaker: Breaker
    readonly warnings: Warnings
    readonly deadLetters: DeadLetters
    /** Called when a part is settled. */
    readonly onSettled: () => void
    /** Called when a part is put off, to be delivered again. */
    readonly onPutOff: () => void
    /** Called with records that go back to the queue, because too many parts are put off already. */
    readonly onReturned: (cut: Cut) => void
    /** Whether something else to write waits for a slot. */
    readonly isAwaited: () => boolean
  }) {
    this.provider = options.provider
    this.runtime = options.runtime
    this.writeTimeout = options.writeTimeout
    this.accounts = options.accounts
    this.breaker = options.breaker
    this.warnings = options.warnings
    this.deadLetters = options.deadLetters
    this.onSettled = options.onSettled
    this.onPutOff = options.onPutOff
    this.onReturned = options.onReturned
    this.isAwaited = options.isAwaited
  }

  /** The sequence number of the oldest record on its way, `Infinity` when there is none. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const part of this.parts) oldest = Math.min(oldest, part.firstSequence)
    return oldest
  }

  /** @param bytes the total size of the records */
  accept(records: NonEmptyReadonlyArray<Observation>, bytes: number, firstSequence: number, onDisk = false): Part {
    const part = new Part(records, bytes, firstSequence, onDisk)
    this.parts.push(part)
    if (onDisk) this.diskSettled.unsafeClose()
    return part
  }

  /** Returns when no part from the disk is on its way any more. */
  get fromDisk(): Effect.Effect<void> {
    return this.diskSettled.await
  }

  /** How many parts are put off. */
  get putOffs(): number {
    return this.putOff.length
  }

  /** Takes the part that was put off first, to be delivered again. */
  takePutOff(): Part | undefined {
    return this.putOff.shift()
  }

  /**
   * Gives up all parts, and returns the records that exist nowhere else. A write that is still running may succeed; it
   * is not waited for.
   */
  letGo(): ReadonlyArray<NonEmptyReadonlyArray<Observation>> {
    const left: Array<NonEmptyReadonlyArray<Observation>> = []
    for (const part of this.parts) {
      if (part.isBooked) continue
      if (part.onDisk) this.accounts.spool(part.records)
      else left.push(part.records)
    }
    this.parts = []
    this.onSettled()
    return left
  }

  /** Writes a part, with as many attempts as it takes, and settles it. */
  deliver(part: Part): Effect.Effect<void> {
    const { meters } = this.accounts
    const timed = Effect.flatMap(
      Clock.currentTimeMillis,
      (start) =>
        Effect.tap(
          attempt(this.runtime, this.provider, part.records, this.writeTimeout),
          () => Effect.map(Clock.currentTimeMillis, (end) => meters.attempt(part.records.length, end - start))
        )
    )
    return Effect.flatMap(this.breaker.guard(timed, healthOf), (verdict) => {
      meters.breaker(this.breaker.state)
      return this.conclude(part, verdict)
    })
  }

  private conclude(part: Part, verdict: Verdict): Effect.Effect<void> {
    switch (verdict._tag) {
      case "Written": {
        // counted and settled in one step: closing in between would count the part a second time
        if (this.parts.includes(part)) this.accounts.write(part.records, part.bytes)
        this.settle(part)
        return Effect.void
      }
      case "Failed": {
        this.accounts.retry()
        return Effect.zipRight(
          this.warnings.warn("failed", `a write failed and will be tried again: ${verdict.message}`),
          Effect.suspend(() => this.putsOff(part) ? Effect.void : this.deliver(part))
        )
      }
      case "Refused": {
        if (verdict.rejections !== undefined) {
          const reasons = new Map(verdict.rejections.map(({ index, message }) => [index, message]))
          return this.reject(part, (index) => reasons.get(index))
        }
        return part.records.length === 1
          ? this.reject(part, () => verdict.message)
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
   * A defect may come from the provider's state, and then waiting helps; or from one record, and then only setting that
   * record apart helps. So the batch is retried, then halved down to single records. A single record is given up only
   * when the provider died on it, then wrote others, then died on it again.
   */
  private afterDeath(part: Part, message: string): Effect.Effect<void> {
    const deaths = part.deaths + 1
    if (deaths < deathsBeforeSuspicion) {
      const next: Part = { ...part, deaths }
      return this.replace(part, [next]) ? this.deliver(next) : Effect.void
    }
    if (part.records.length > 1) return this.halve(part, deathsBeforeSuspicion - 1)
    if (part.suspectSince !== undefined && this.breaker.successes > part.suspectSince) {
      return this.reject(part, () => message)
    }
    const suspect: Part = { ...part, deaths, suspectSince: this.breaker.successes }
    if (this.replace(part, [suspect])) this.setApart(suspect)
    return Effect.void
  }

  /**
   * Sets a record apart until others were written. Without the limit, a provider that dies on everything would fill all
   * of the memory with such records.
   */
  private setApart(suspect: Part): void {
    if (suspect.onDisk || this.putOff.length < maxPutOff) {
      this.putOff.push(suspect)
      this.onPutOff()
    } else {
      this.remove(suspect)
      this.onReturned(new Cut(suspect.records, suspect.bytes, suspect.firstSequence))
    }
  }

  /**
   * Puts a part off if it keeps failing while others wait for its slot: it may fail for a reason of its own, such as a
   * lock on its rows. Only a few parts at a time: a part that is put off is not in the queue any more, from where it
   * could go to the disk.
   */
  private putsOff(part: Part): boolean {
    // not at once: when a store that was down comes back, the oldest records go first
    if (++part.failures < failuresBeforeSuspicion) return false
    if (this.putOff.length >= maxPutOff || !this.isAwaited() || !this.parts.includes(part)) return false
    this.putOff.push(part)
    this.onPutOff()
    return true
  }

  private halve(part: Part, deaths: number): Effect.Effect<void> {
    const halves = Arr.chunksOf(part.records, Math.ceil(part.records.length / 2)).map((records): Part => ({
      ...part,
      records: frozen(records),
      bytes: bytesOf(records),
      deaths
    }))
    return this.replace(part, halves)
      ? Effect.forEach(halves, (half) => this.deliver(half), { discard: true })
      : Effect.void
  }

  /** @returns `false` when the part was settled meanwhile, by closing. */
  private replace(part: Part, by: ReadonlyArray<Part>): boolean {
    if (!this.remove(part)) return false
    this.parts = [...this.parts, ...by]
    return true
  }

  /**
   * Settles a part of which the store refused some records and wrote the others.
   *
   * @param reasonOf why the store refused the record at a position; `undefined` if it wrote the record
   */
  private reject(part: Part, reasonOf: (index: number) => string | undefined): Effect.Effect<void> {
    if (!this.parts.includes(part)) return Effect.void
    part.isBooked = true
    const written: Array<Observation> = []
    const refused = new Map<string, Array<Observation>>()
    for (const [index, record] of part.records.entries()) {
      const reason = reasonOf(index)
      if (reason === undefined) {
        written.push(record)
        continue
      }
      const others = refused.get(reason)
      if (others === undefined) refused.set(reason, [record])
      else others.push(record)
    }
    if (written.length > 0) this.accounts.write(written, bytesOf(written))
    for (const [reason, records] of refused) this.accounts.reject(records, reason)
    const settle = Effect.sync(() => this.settle(part))
    const [reason] = refused.keys()
    if (reason === undefined) return settle
    return this.deadLetters(refused).pipe(
      Effect.catchAll((error) =>
        this.warnings.warn("dead letters", `refused records could not be kept: ${error.message}`)
      ),
      Effect.zipRight(
        this.warnings.warn("rejected", `the store refuses records: ${reason}`, part.records.length - written.length)
      ),
      Effect.zipRight(settle)
    )
  }

  private settle(part: Part): void {
    this.remove(part)
    if (part.onDisk && !this.parts.some(({ onDisk }) => onDisk)) this.diskSettled.unsafeOpen()
    this.onSettled()
  }

  private remove(part: Part): boolean {
    const at = this.parts.indexOf(part)
    if (at < 0) return false
    this.parts.splice(at, 1)
    return true
  }
}

const frozen = (records: NonEmptyReadonlyArray<Observation>): NonEmptyReadonlyArray<Observation> =>
  Object.freeze<NonEmptyReadonlyArray<Observation>>([...records])

const deathsBeforeSuspicion = 3

const failuresBeforeSuspicion = 3
const maxPutOff = 4
