/** The disk that a delivery may have, and which is open only a while after the delivery has begun. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Observation } from "../../Observation.ts"
import type { Spool } from "../spool/spool.ts"
import type { Warnings } from "../warnings.ts"
import type { Accounts } from "./accounts.ts"
import { diskTimeout, type Overflow } from "./overflow.ts"

export class Disk {
  private readonly workers: Scope.Scope
  private readonly accounts: Accounts
  private readonly warnings: Warnings
  private readonly overflowTo: (spool: Spool) => Overflow
  /** Present when the disk is open. */
  private overflow: Overflow | undefined
  /** Closed while it is not known yet whether there is a disk. */
  private readonly known = Effect.unsafeMakeLatch(true)

  constructor(options: {
    /** Where the fibers live that use the disk. */
    readonly workers: Scope.Scope
    readonly accounts: Accounts
    readonly warnings: Warnings
    readonly overflowTo: (spool: Spool) => Overflow
  }) {
    this.workers = options.workers
    this.accounts = options.accounts
    this.warnings = options.warnings
    this.overflowTo = options.overflowTo
  }

  /** Uses the disk as soon as it is open. Without one the delivery goes on, and says why. */
  attachWhenOpen(opening: Effect.Effect<Spool, { readonly message: string }>): Effect.Effect<void> {
    this.known.unsafeClose()
    return opening.pipe(
      Effect.disconnect,
      Effect.matchEffect({
        onFailure: ({ message }) =>
          this.warnings.warn("spool", `there is no spool, records wait in memory alone: ${message}`),
        onSuccess: (spool) => this.attach(spool)
      }),
      Effect.ensuring(this.known.open),
      Effect.interruptible,
      Effect.forkIn(this.workers),
      Effect.asVoid
    )
  }

  private attach(spool: Spool): Effect.Effect<void> {
    const overflow = this.overflowTo(spool)
    this.overflow = overflow
    // what came before the disk was there may be too much already
    overflow.entered()
    return Effect.asVoid(Effect.forkIn(overflow.run, this.workers))
  }

  /** To be told of every record that enters the queue. */
  entered(): void {
    this.overflow?.entered()
  }

  /** The sequence number of the oldest record on its way to the disk, `Infinity` when there is none. */
  get oldest(): number {
    return this.overflow?.oldest ?? Number.POSITIVE_INFINITY
  }

  /** Returns when it is known whether there is a disk, or when that takes too long. */
  get whenKnown(): Effect.Effect<unknown> {
    return Effect.timeoutOption(this.known.await, diskTimeout)
  }

  /**
   * To be run at the end, with what nobody else has: it goes to the disk, and what the disk does not take is dropped. It is
   * not asked again after it refused.
   */
  keepOrDrop(batches: ReadonlyArray<NonEmptyReadonlyArray<Observation>>): Effect.Effect<void> {
    return Effect.suspend(() => {
      let overflow = this.overflow
      return Effect.forEach(
        batches,
        (records) =>
          Effect.map(overflow?.keepForNext(records) ?? Effect.succeed(false), (kept) => {
            if (kept) return
            overflow = undefined
            this.accounts.drop(records, "closed")
          }),
        { discard: true }
      )
    })
  }
}
