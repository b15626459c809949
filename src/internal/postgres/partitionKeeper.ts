/**
 * Remembers which partitions exist, so that a write asks PostgreSQL only about days that it has not seen.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Warnings } from "../warnings.ts"
import type { bounded } from "./bounded.ts"
import * as Partitions from "./partitions.ts"
import { describe, isForbidden } from "./sqlErrors.ts"
import type { Table } from "./table.ts"

export interface PartitionKeeper {
  /**
   * Creates the partitions that the rows need. If this role may not create them, the rows may still have a place, in a
   * partition of another extent: writing them will show.
   */
  readonly ensureFor: <Row>(
    table: Table<Row>,
    rows: ReadonlyArray<Row>
  ) => Effect.Effect<void, SqlError, SqlClient.SqlClient>
  /**
   * Creates the partitions of today and of the days ahead, the nearest first, so that no write pays for them at
   * midnight. A failure only causes a warning: a role that may not create partitions can write as long as somebody else
   * creates them.
   *
   * @param limited bounds the time of each step; partitions that earlier steps created stay
   */
  readonly keepAhead: (
    daysAhead: number,
    limited: ReturnType<typeof bounded>
  ) => Effect.Effect<void, never, SqlClient.SqlClient>
  /** Forgets all partitions, because one is missing: it was dropped, or never made. */
  readonly forget: Effect.Effect<void>
}

export const make = (options: { readonly schema: string }): PartitionKeeper => {
  const known = new Set<string>()
  const warnings = new Warnings(Duration.hours(1), { schema: options.schema })
  const unknownOf = (wanted: ReadonlyArray<Partitions.Partition>) =>
    wanted.filter((partition) => !known.has(Partitions.partitionName(partition)))
  const remember = (partitions: ReadonlyArray<Partitions.Partition>) =>
    partitions.forEach((partition) => known.add(Partitions.partitionName(partition)))
  const ensure = (wanted: ReadonlyArray<Partitions.Partition>) =>
    Effect.suspend(() => {
      const unknown = unknownOf(wanted)
      return unknown.length === 0
        ? Effect.void
        : Effect.tap(Partitions.createPartitions(options.schema, unknown), () => remember(unknown))
    })
  return {
    ensureFor: ({ name, partitionTime }, rows) => {
      if (partitionTime === undefined) return Effect.void
      const days = new Set<number>()
      for (const row of rows) days.add(Partitions.dayOf(partitionTime(row)))
      const wanted = Array.from(days, (day) => ({ table: name, day }))
      return Effect.catchIf(ensure(wanted), isForbidden, () => Effect.sync(() => remember(wanted)))
    },
    keepAhead: (daysAhead, limited) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.forEach(
          Arr.chunksOf(
            unknownOf(Partitions.partitionsFrom(Partitions.dayOf(now * 1000), daysAhead)),
            Partitions.partitionsPerStep
          ),
          (step) => limited(ensure(step)),
          { discard: true }
        )).pipe(
          Effect.catchAll((error) =>
            warnings.warn("partitions", `partitions for the days ahead could not be created: ${describe(error)}`)
          )
        ),
    forget: Effect.sync(() => known.clear())
  }
}
