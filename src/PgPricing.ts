/**
 * The table `prices` in PostgreSQL, and the costs of what is stored.
 *
 * The shipped prices, and those that the program gives to `PgProvider`, are there from the start; more can be added, here
 * or by `insert`. A price is never changed: a row with a later `valid_from` supersedes it. Calls are priced when they are
 * recorded; after prices were added, `recomputeCosts` does it again for those that are stored.
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
import { apart } from "./internal/postgres/isolation.ts"
import * as PriceTable from "./internal/postgres/priceTable.ts"
import { recomputeText } from "./internal/postgres/recompute.ts"
import { defaultSchema, isSchemaName } from "./internal/postgres/schemaName.ts"
import { describe } from "./internal/postgres/sqlErrors.ts"
import type { Table } from "./Pricing.ts"

/**
 * Why nothing was done:
 *
 * - `invalid-schema-name`: the name is no plain lower-case identifier.
 * - `invalid-range`: a moment is none, or `since` lies after `until`.
 * - `failed`: the statement failed, for one because the schema is not there yet; `cause` is the error.
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
 * Computes the costs of the stored calls that began in the given time again, from their tokens and the prices in the
 * table that held when they began, and says how many of them changed. A cost that the program stated stays, as do spans
 * that repeat the usage of others. A call that has no price any more has no cost any more.
 *
 * One statement: all of it happens, or none. Doing it twice changes nothing. The totals of traces are views, and follow.
 *
 * @since 0.1.0
 * @category costs
 */
export const recomputeCosts = (options: {
  /** The first moment. */
  readonly since: Date
  /** The moment after the last. */
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
    // also where one of them is no moment
    : Effect.fail(
      new PgPricingError({
        reason: "invalid-range",
        message: `expected a moment, and one that is not before it; got ${String(options.since)} and ${
          String(options.until)
        }`
      })
    )

/**
 * Adds the prices that are not there yet, and says how many. Those that are there stay as they are.
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
