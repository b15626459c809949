/** What a delivery has left when its time is up. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import type { Observation } from "../../Observation.ts"
import { log } from "../warnings.ts"
import type { Accounts } from "./accounts.ts"
import type { Overflow } from "./overflow.ts"

/** Goes to the disk, and what the disk does not take is dropped. It is not asked again after it refused. */
export const keepOrDrop = (
  batches: ReadonlyArray<NonEmptyReadonlyArray<Observation>>,
  overflow: Overflow | undefined,
  accounts: Accounts
): Effect.Effect<void> =>
  Effect.suspend(() => {
    let disk = overflow
    return Effect.forEach(
      batches,
      (records) =>
        Effect.map(disk?.keepForNext(records) ?? Effect.succeed(false), (kept) => {
          if (kept) return
          disk = undefined
          accounts.drop(records, "closed")
        }),
      { discard: true }
    )
  })

/** Says what was not written, if anything. */
export const reportUnwritten = (provider: string, accounts: Accounts): Effect.Effect<void> =>
  Effect.suspend(() => {
    accounts.meterDrops()
    const { accepted, dropped, rejected, spooled, written } = accounts.receipt()
    return dropped + rejected + spooled === 0 ? Effect.void : log("closed with records that were not written", {
      provider,
      accepted,
      written,
      spooled,
      dropped,
      rejected,
      ...accounts.droppedByReason
    })
  })
