/** Adds prices to PostgreSQL; existing ones stay as they are. */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import type { Bucket } from "../../Usage.ts"
import { buckets, type Price } from "../pricing/price.ts"

/** The column of `prices` for a bucket. */
export const columnOf = (bucket: Bucket): string => bucket.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** @returns how many of the prices were not there before */
export const addPrices = (
  schema: string,
  prices: ReadonlyArray<Price>
): Effect.Effect<number, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    sql.unsafe<{ readonly added: string }>(
      `with added as (
        insert into "${schema}".prices (${names.join(", ")})
        select ${names.join(", ")} from jsonb_to_recordset($1::jsonb)
          as given(${columns.map(([name, type]) => `${name} ${type}`).join(", ")})
        on conflict (price_id) do nothing
        returning 1
      ) select count(*) as added from added`,
      [JSON.stringify(prices.map(rowOf))]
    ).pipe(Effect.map(([row]) => Number(row?.added))))

// internal

const columns: ReadonlyArray<readonly [name: string, type: string]> = [
  ["price_id", "text"],
  ["vendor", "text"],
  ["model", "text"],
  ["valid_from", "timestamptz"],
  ["valid_until", "timestamptz"],
  ["above_input_tokens", "int8"],
  ...buckets.map((bucket) => [columnOf(bucket), "numeric"] as const),
  ["source", "text"],
  ["is_shipped", "bool"]
]

const names = columns.map(([name]) => name)

const rowOf = (price: Price): Record<string, unknown> => ({
  price_id: price.id,
  vendor: price.vendor,
  model: price.model,
  valid_from: isoOf(price.validFromUnixMicros),
  valid_until: price.validUntilUnixMicros === undefined ? null : isoOf(price.validUntilUnixMicros),
  above_input_tokens: price.aboveInputTokens,
  // as text: a JSON number would be parsed as a number on the way
  ...Object.fromEntries(buckets.map((bucket) => {
    const rate = price.usdPerMillion[bucket]
    return [columnOf(bucket), rate === undefined ? null : BigDecimal.format(rate)]
  })),
  source: price.source,
  is_shipped: price.isShipped
})

const isoOf = (unixMicros: number): string => new Date(unixMicros / 1_000).toISOString()
