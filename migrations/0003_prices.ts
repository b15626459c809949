/**
 * Prices of model calls. The table is for users, too: they add prices of their own, and look up which price a cost was
 * computed with. A price is never changed, because stored costs refer to it; a price with a later `valid_from`
 * supersedes it.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { addPrices } from "../src/internal/postgres/priceTable.ts"
import { MigrationSchema } from "../src/internal/postgres/schemaName.ts"
import { shippedPrices } from "../src/internal/pricing/shipped.ts"

export default Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const name = yield* MigrationSchema
  const schema = `"${name}"`

  yield* sql.unsafe(`
    create table ${schema}.prices (
      price_id text primary key default gen_random_uuid()::text,
      vendor text not null,
      model text not null,
      valid_from timestamptz not null,
      valid_until timestamptz check (valid_until > valid_from),
      above_input_tokens int8 not null default 0 check (above_input_tokens >= 0),
      input numeric not null check (input >= 0),
      audio_input numeric check (audio_input >= 0),
      image_input numeric check (image_input >= 0),
      cache_read numeric check (cache_read >= 0),
      audio_cache_read numeric check (audio_cache_read >= 0),
      cache_write numeric check (cache_write >= 0),
      long_cache_write numeric check (long_cache_write >= 0),
      output numeric check (output >= 0),
      audio_output numeric check (audio_output >= 0),
      image_output numeric check (image_output >= 0),
      source text,
      is_shipped bool not null default false,
      added_at timestamptz not null default now()
    );
    create index prices_model on ${schema}.prices (model);

    comment on table ${schema}.prices is 'US dollars per million tokens. Add rows, do not change them: stored costs refer to them, and a later valid_from supersedes. Null is no price, not a price of 0.';
    comment on column ${schema}.prices.vendor is 'Who bills it, as spans.provider has it.';
    comment on column ${schema}.prices.model is 'The model''s own name; a call''s is also looked up without what names its version or the place it is served from.';
    comment on column ${schema}.prices.above_input_tokens is 'Above how many input tokens, cached ones included, the row holds for the whole call; 0 for every call.';
    comment on column ${schema}.prices.is_shipped is 'True for the rows that came with the library; all others go before them.';
  `)
  yield* addPrices(name, shippedPrices)
})
