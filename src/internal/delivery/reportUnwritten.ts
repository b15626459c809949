import * as Effect from "effect/Effect"
import { log } from "../warnings.ts"
import type { Accounts } from "./accounts.ts"

/** Logs at the end how many records were not written, if any. */
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
