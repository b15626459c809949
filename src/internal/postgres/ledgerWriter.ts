/**
 * Writes the ledger: what was noted since the last time, in one statement, a second after the first of it.
 *
 * It takes no part in writing batches and holds none of them up. What it cannot write waits within a bound, and what it
 * loses is taken for not delivered, which costs a replay something and nobody anything else.
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
  /** Writes whenever there is something to be written, for ever. */
  readonly run: Effect.Effect<never>
  /** Writes what there is now, unless it cannot. */
  readonly flush: Effect.Effect<void>
}

export const make = (options: {
  readonly schema: string
  readonly partitions: PartitionKeeper
  /** Runs on a store that is ready. */
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
  /** What has been sent, or not: it stays as it is until it is confirmed, so that it is added once. */
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
      // what PostgreSQL refuses it would refuse for ever
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

/** Traces, by provider, that are noted between two writes: some megabytes. */
const maxTraces = 10_000
