/**
 * Writes batches into the tables, and does the upkeep that this needs in the background.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { MigrationsError } from "../../PgMigrations.ts"
import { type Ledger, type Provider, ProviderError } from "../../Provider.ts"
import { idleSleep } from "../idleSleep.ts"
import type { Price } from "../pricing/price.ts"
import { inTimeSlices } from "../timeSlices.ts"
import { toTheEnd } from "../toTheEnd.ts"
import { sortBatch } from "./batch.ts"
import { bounded } from "./bounded.ts"
import { chatMessageTable } from "./chatMessageTable.ts"
import type { Connection } from "./connection.ts"
import { documentEventTable } from "./documentEventTable.ts"
import { apart, aside } from "./isolation.ts"
import * as LedgerWriter from "./ledgerWriter.ts"
import * as PartitionKeeper from "./partitionKeeper.ts"
import type { Partition } from "./partitions.ts"
import * as Preparation from "./preparation.ts"
import { addPrices } from "./priceTable.ts"
import * as ProcessLog from "./processLog.ts"
import { reap } from "./reaper.ts"
import { spanTable } from "./spanTable.ts"
import * as SqlErrors from "./sqlErrors.ts"
import * as TableWriter from "./tableWriter.ts"
import { traceTable } from "./traceTable.ts"
import { rejectionsOf, requireToday } from "./unplaced.ts"

export const make = (options: {
  readonly connection: Connection
  readonly schema: string
  readonly writeTimeout: Duration.DurationInput
  readonly partitionsAhead: number
  readonly processId: string | undefined
  readonly prices: ReadonlyArray<Price>
}): Effect.Effect<{ readonly write: Provider["write"]; readonly ledger: Ledger }, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { connection, schema } = options
    // A scope of its own, closed at this place among the caller's finalizers. The pool is created later, in the
    // background: in the caller's scope, it would be closed before resources that were built with this provider and
    // still have to write to it.
    const scope = yield* Effect.acquireRelease(Scope.make(), (own, exit) => Scope.close(own, exit))
    const limited = bounded(options.writeTimeout, connection.hangUp)

    const partitions = PartitionKeeper.make({ schema })
    const keepAhead = (daysAhead: number) => partitions.keepAhead(daysAhead, limited)
    const processes = ProcessLog.make(schema, options.processId, partitions)
    const writeTraces = TableWriter.make(schema, traceTable, partitions)
    const writeSpans = TableWriter.make(schema, spanTable, partitions)
    const writeMessages = TableWriter.make(schema, chatMessageTable, partitions)
    const writeEvents = TableWriter.make(schema, documentEventTable, partitions)

    const prepared = Preparation.make({
      connection,
      schema,
      writeTimeout: options.writeTimeout,
      afterwards: (client) =>
        keepAhead(Math.min(options.partitionsAhead, daysBeforeFirstWrite)).pipe(
          Effect.zipRight(Effect.ignore(limited(addPrices(schema, options.prices)))),
          // nobody waits for the remaining partitions: a year takes minutes
          Effect.zipRight(Effect.forkIn(keepAhead(options.partitionsAhead), scope)),
          apart(client)
        )
    }, scope)

    /** Runs an effect on the store once it is ready, isolated from the application, with a time limit. */
    const onStore = <A, E>(
      self: Effect.Effect<A, E | SqlError, SqlClient.SqlClient>
    ): Effect.Effect<A, E | SqlError | MigrationsError> =>
      Effect.flatMap(prepared.get, (client) => self.pipe(limited, apart(client)))

    /** Resets the state that an error has shown to be outdated, for the next attempt. */
    const learnFrom = (error: SqlError): Effect.Effect<void> =>
      SqlErrors.isUndefinedTable(error)
        ? Effect.all([prepared.forget, partitions.forget, processes.forget], { discard: true })
        : SqlErrors.isReadOnly(error)
        ? connection.hangUp
        : Effect.void

    /** The batches that were attempted before. A batch is the same array at each attempt. */
    const attempted = new WeakSet<object>()

    const write: Provider["write"] = (batch) =>
      Effect.gen(function*() {
        yield* prepared.get
        const isFirstAttempt = !attempted.has(batch)
        attempted.add(batch)
        const sorted = yield* inTimeSlices(() => sortBatch(batch))
        const missing = yield* onStore(Effect.gen(function*() {
          yield* processes.write(sorted.processes)
          const unplaced: Array<ReadonlyArray<Partition>> = []
          for (const round of sorted.traces) unplaced.push(yield* writeTraces(round, isFirstAttempt))
          unplaced.push(yield* writeSpans(sorted.spans, isFirstAttempt))
          unplaced.push(yield* writeMessages(sorted.messages, isFirstAttempt))
          unplaced.push(yield* writeEvents(sorted.events, isFirstAttempt))
          yield* processes.lookAgain(sorted.processes)
          const missing = unplaced.flat()
          yield* requireToday(missing)
          return missing
        }))
        const rejections = rejectionsOf(batch, sorted.refused, missing)
        if (rejections.length > 0) yield* ProviderError.rejected(rejections[0]!.message, { rejections })
      }).pipe(
        Effect.tapErrorTag("SqlError", learnFrom),
        Effect.catchTags({
          SqlError: (error) => SqlErrors.toProviderError(error),
          MigrationsError: (error) => ProviderError.transient(`PostgreSQL: ${error.message}`, { cause: error })
        })
      )

    yield* Effect.forkIn(
      aside(Effect.gen(function*() {
        // a server that is up is ready before the first batch comes; a server that is down is left to the first batch
        yield* Effect.ignore(prepared.get)
        let signsOfLife = 0
        for (let beat = 1;; beat++) {
          yield* idleSleep(ProcessLog.heartbeatInterval)
          if (!(yield* prepared.succeeded)) continue
          const alive = yield* Effect.isSuccess(onStore(processes.heartbeat))
          signsOfLife = alive ? signsOfLife + 1 : 0
          // Other processes could not give a sign of life, either, while the server was away: they get the time to give
          // one first. One step per beat, so that the next sign of life is not late, and batches get the connection in
          // between.
          if (signsOfLife >= signsBeforeReaping && !(yield* Effect.isSuccess(onStore(reap(schema))))) {
            // waits as long again for the cause of the failure to pass: a reaper may read a GiB for nothing
            signsOfLife = 0
          }
          if (beat % beatsPerPartitionCheck === 0) {
            // in a fiber of its own: the beat does not wait for it
            const kept = Effect.flatMap(prepared.get, (client) => apart(client)(keepAhead(options.partitionsAhead)))
            yield* Effect.forkIn(Effect.ignore(kept), scope)
          }
        }
      })),
      scope
    )

    const ledger = LedgerWriter.make({ schema, partitions, onStore })
    yield* Effect.forkIn(aside(ledger.run), scope)
    // Writes the remaining notes if the store is ready, for at most a second: closing the scope waits for this.
    yield* Effect.addFinalizer(() =>
      Effect.whenEffect(ledger.flush, prepared.succeeded).pipe(
        Effect.timeoutOption("1 second"),
        aside,
        toTheEnd
      )
    )

    return { write, ledger }
  })

/** More than the signs of life that a process may miss before it counts as dead. */
const signsBeforeReaping = 7

const daysBeforeFirstWrite = 7

/** One hour. */
const beatsPerPartitionCheck = 300
