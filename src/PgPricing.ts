/**
 * The table `prices` in PostgreSQL, and the costs of stored calls.
 *
 * The shipped prices, and those that the program gives to `PgProvider`, are in the table from the start; more can be
 * added, by `addPrices` or by `insert`. A price is never changed: a row with a later `valid_from` supersedes it. Calls
 * are priced when they are recorded; after prices were added, `recomputeCosts` prices stored calls again.
 *
 * @example
 * ```ts
 * import { Pricing } from "effect-observability"
 * import * as PgPricing from "effect-observability/PgPricing"
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Redacted } from "effect"
 *
 * const repair = Effect.gen(function*() {
 *   // the contract says so since March, and nobody had told the program
 *   yield* PgPricing.addPrices(yield* Pricing.make([{
 *     vendor: "openai",
 *     model: "gpt-4o",
 *     validFrom: "2026-03-01",
 *     source: "our contract of February 2026",
 *     usdPerMillion: { input: "2.00", cacheRead: "1.00", output: "8.00" }
 *   }]))
 *   const changed = yield* PgPricing.recomputeCosts({ since: new Date("2026-03-01"), until: new Date() })
 *   yield* Effect.log(`${changed} calls cost something else now`)
 * })
 *
 * const url = Redacted.make("postgres://app:secret@localhost:5432/app")
 *
 * // there need not be a server: then it says so
 * await Effect.runPromise(
 *   repair.pipe(Effect.provide(PgClient.layer({ url })), Effect.catchAll((error) => Effect.log(error.message)))
 * )
 * ```
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type * as SqlClient from "@effect/sql/SqlClient"
import { SqlClient as Sql } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describeDate } from "./internal/postgres/describeDate.ts"
import { apart } from "./internal/postgres/isolation.ts"
import * as PriceTable from "./internal/postgres/priceTable.ts"
import { recomputeText } from "./internal/postgres/recompute.ts"
import { defaultSchema, isSchemaName } from "./internal/postgres/schemaName.ts"
import { describe } from "./internal/postgres/sqlErrors.ts"
import type { Table } from "./Pricing.ts"

/**
 * Why nothing was done:
 *
 * - `invalid-schema-name`: the name is not a plain lower-case identifier.
 * - `invalid-range`: `since` or `until` is an invalid date, or `since` is after `until`.
 * - `failed`: the statement failed, for example because the schema does not exist yet; `cause` is the error.
 *
 * @since 0.1.0
 * @category errors
 */
export class PgPricingError extends Schema.TaggedError<PgPricingError>("effect-observability/PgPricing/PgPricingError")(
  "PgPricingError",
  {
    reason: Schema.Literal("invalid-schema-name", "invalid-range", "failed"),
    message: Schema.String,
    cause: Schema.optional(Schema.Defect)
  }
) {}

/**
 * Recomputes the costs of the stored calls that began in the given time, from their tokens and the prices in the table
 * that held when they began. Returns the number of calls whose cost changed. Costs that the program stated stay as they
 * are, and so do spans that repeat the usage of others. A call that no longer has a price loses its cost.
 *
 * Runs as one statement: all of it happens, or none. A second run changes nothing. The totals of traces are views, and
 * follow.
 *
 * @since 0.1.0
 * @category costs
 */
export const recomputeCosts = (options: {
  /** The beginning of the time range, inclusive. */
  readonly since: Date
  /** The end of the time range, exclusive. */
  readonly until: Date
  /** The schema's name, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
}): Effect.Effect<number, PgPricingError, PgClient.PgClient> =>
  options.since.getTime() <= options.until.getTime()
    ? inSchema(options.schema, (schema) =>
      Effect.flatMap(Sql, (sql) =>
        Effect.map(
          sql.unsafe<{ readonly changed: string }>(recomputeText(schema), [options.since, options.until]),
          ([row]) => Number(row?.changed)
        )))
    // also if one of the dates is invalid
    : Effect.fail(
      new PgPricingError({
        reason: "invalid-range",
        message: `since is ${describeDate(options.since)} and until is ${
          describeDate(options.until)
        }; expected an earlier since`
      })
    )

/**
 * Adds the prices that are not in the table yet, and returns their number. Existing prices stay as they are.
 *
 * @since 0.1.0
 * @category prices
 */
export const addPrices = (table: Table, options?: {
  /** The schema's name, a plain lower-case identifier. Default: `observability`. */
  readonly schema?: string | undefined
}): Effect.Effect<number, PgPricingError, PgClient.PgClient> =>
  inSchema(options?.schema, (schema) => PriceTable.addPrices(schema, table.prices))

// internal

const inSchema = <A>(
  schema = defaultSchema,
  use: (schema: string) => Effect.Effect<A, SqlError, SqlClient.SqlClient>
): Effect.Effect<A, PgPricingError, PgClient.PgClient> =>
  isSchemaName(schema)
    ? Effect.flatMap(PgClient.PgClient, (client) =>
      use(schema).pipe(
        Effect.mapError((cause) => new PgPricingError({ reason: "failed", message: describe(cause), cause })),
        apart(client)
      ))
    : Effect.fail(
      new PgPricingError({
        reason: "invalid-schema-name",
        message: `the schema name ${JSON.stringify(schema)} is no plain lower-case identifier`
      })
    )
