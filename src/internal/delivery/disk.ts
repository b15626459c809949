/** The disk of a delivery, if it has one; it opens only a while after the delivery has begun. */
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
  /** Closed while it is unknown whether there is a disk. */
  private readonly known = Effect.unsafeMakeLatch(true)

  constructor(options: {
    /** The scope of the fibers that use the disk. */
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

  /** Uses the disk as soon as it is open. If it cannot be opened, the delivery goes on without it and logs why. */
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
    // the records that came before the disk was open may be too many already
    overflow.entered()
    return Effect.asVoid(Effect.forkIn(overflow.run, this.workers))
  }

  /** To be called whenever records enter the queue. */
  entered(): void {
    this.overflow?.entered()
  }

  /** The sequence number of the oldest record on its way to the disk, `Infinity` when there is none. */
  get oldest(): number {
    return this.overflow?.oldest ?? Number.POSITIVE_INFINITY
  }

  /** Returns when it is known whether there is a disk, or after `diskTimeout`. */
  get whenKnown(): Effect.Effect<unknown> {
    return Effect.timeoutOption(this.known.await, diskTimeout)
  }

  /**
   * To be run at the end, with records that exist nowhere else: they go to the disk, or are dropped if the disk does
   * not take them. After the first refusal the disk is not asked again.
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
