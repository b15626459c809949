/**
 * Writes the ledger: everything noted since the last write, in one statement, a second after the first note.
 *
 * It takes no part in writing batches and delays none of them. Notes that it cannot write wait in bounded memory. Notes
 * that it loses count as not delivered, which costs a replay something and nobody else anything.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import type { MigrationsError } from "../../PgMigrations.ts"
import type { Ledger } from "../../Provider.ts"
import { idleSleep } from "../idleSleep.ts"
import { Tally } from "../ledger/tally.ts"
import { Warnings } from "../warnings.ts"
import type { LedgerRow } from "./ledgerTable.ts"
import { ledgerTable } from "./ledgerTable.ts"
import type { PartitionKeeper } from "./partitionKeeper.ts"
import { describe, toProviderError } from "./sqlErrors.ts"
import * as TableWriter from "./tableWriter.ts"
import { describeMissing, requireToday } from "./unplaced.ts"

export interface LedgerWriter extends Ledger {
  /** Writes whenever something was noted, for ever. */
  readonly run: Effect.Effect<never>
  /** Writes everything noted so far; failures are ignored. */
  readonly flush: Effect.Effect<void>
}

export const make = (options: {
  readonly schema: string
  readonly partitions: PartitionKeeper
  /** Runs an effect on the store once it is ready. */
  readonly onStore: (
    self: Effect.Effect<void, SqlError, SqlClient.SqlClient>
  ) => Effect.Effect<void, SqlError | MigrationsError>
}): LedgerWriter => {
  const tally = new Tally(maxTraces)
  const noted = Effect.unsafeMakeLatch(false)
  const turn = Effect.unsafeMakeSemaphore(1)
  const warnings = new Warnings(Duration.hours(1), { schema: options.schema })
  const writeRows = TableWriter.make(options.schema, ledgerTable, options.partitions)
  const writerId = randomUUID()
  let batch = 0
  /**
   * The rows of a write that is not confirmed, whether they arrived or not. They stay unchanged until then, so that
   * they are added once.
   */
  let unconfirmed: ReadonlyArray<LedgerRow> = []

  const rowsOf = (settledAtUnixMicros: number): ReadonlyArray<LedgerRow> => {
    batch++
    return Array.from(tally.take(), (entry) => ({ ...entry, writerId, batch, settledAtUnixMicros }))
  }

  const writeNext = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    if (unconfirmed.length === 0) unconfirmed = rowsOf(now * 1_000)
    const confirmed = () => {
      unconfirmed = []
    }
    const written = Effect.flatMap(writeRows(unconfirmed), (missing) =>
      Effect.zipRight(
        requireToday(missing),
        missing.length === 0 ? Effect.void : warn(describeMissing(missing[0]!))
      ))
    return options.onStore(written).pipe(
      // rows that PostgreSQL refuses would be refused for ever
      Effect.catchIf(isRefusal, (error) => warn(describe(error))),
      Effect.tap(confirmed)
    )
  })

  const warn = (reason: string) =>
    warnings.warn("ledger", `what other providers got is not noted in PostgreSQL: ${reason}`)

  const write = turn.withPermits(1)(
    Effect.suspend(() => {
      noted.unsafeClose()
      return Effect.whileLoop({
        while: () => unconfirmed.length > 0 || !tally.isEmpty,
        body: () => writeNext,
        step: () => {}
      })
    })
  )

  return {
    note: (settlement) => {
      tally.note(settlement)
      if (!tally.isEmpty) noted.unsafeOpen()
    },
    flush: Effect.ignore(write),
    run: noted.await.pipe(
      Effect.zipRight(Effect.sleep(window)),
      Effect.zipRight(write),
      Effect.catchAll((error) => Effect.zipRight(warn(describe(error)), idleSleep(retryInterval))),
      Effect.tap(() => {
        if (unconfirmed.length > 0) noted.unsafeOpen()
      }),
      Effect.forever
    )
  }
}

const isRefusal = (error: SqlError | MigrationsError): boolean =>
  error._tag === "SqlError" && toProviderError(error).reason === "rejected"

/** How long a row waits for further records of its trace. */
const window = Duration.seconds(1)
const retryInterval = Duration.seconds(10)

/** The most traces, counted per provider, that are noted between two writes: some megabytes. */
const maxTraces = 10_000
