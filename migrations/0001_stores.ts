/**
 * The tables in which everything is stored. They are the library's own: users read the views.
 *
 * One text serves PostgreSQL 14 and later and its descendants: the trace id comes first in every key of records (for
 * distribution), the time is part of each of these (for partitioning), and there are no sequences, foreign keys, triggers,
 * enum types or generated columns. Ids are binary and ordered by time: with hexadecimal text, ingest fell to 0.81, with
 * a surrogate key to 0.69 to 0.83. There is no index on metadata: a GIN index there more than halves ingest.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { MigrationSchema } from "../src/internal/postgres/schemaName.ts"

export default Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const schema = `"${yield* MigrationSchema}"`

  yield* sql.unsafe(`
    create table ${schema}.process_store (
      process_id uuid primary key,
      service_name text not null,
      environment text,
      release text,
      host_name text,
      pid int8,
      started_at timestamptz not null,
      last_seen_at timestamptz not null,
      reaped_at timestamptz
    );

    create table ${schema}.trace_store (
      trace_id uuid not null,
      started_at timestamptz not null,
      process_id uuid not null,
      revision int8 not null,
      begun_revision int8 not null,
      known_at int8[],
      status int2 not null,
      duration_us int8,
      error_type text,
      error_message text,
      error_cause text,
      span_id bytea not null,
      parent_span_id bytea,
      name text,
      operation_type text,
      user_id text,
      session_id text,
      kb_id text,
      input_tokens int8,
      output_tokens int8,
      cost_usd numeric,
      tags jsonb,
      input jsonb,
      output jsonb,
      metadata jsonb,
      -- to the microsecond, where started_at is that which the trace's id carries: some stores know a trace by it
      stated_start_at timestamptz,
      primary key (trace_id, started_at)
    ) partition by range (started_at);
    create index trace_store_time on ${schema}.trace_store (started_at desc, trace_id desc);
    create index trace_store_session on ${schema}.trace_store (session_id, started_at) where session_id is not null;
    create index trace_store_user on ${schema}.trace_store (user_id, started_at) where user_id is not null;

    create table ${schema}.span_store (
      trace_id uuid not null,
      span_id bytea not null,
      started_at timestamptz not null,
      process_id uuid not null,
      revision int8 not null,
      parent_span_id bytea,
      is_entry bool,
      name text not null,
      type text not null,
      kind int2,
      status int2 not null,
      duration_us int8,
      error_type text,
      error_message text,
      error_cause text,
      user_id text,
      session_id text,
      kb_id text,
      provider text,
      model text,
      temperature float8,
      finish_reason text,
      time_to_first_token_us int8,
      uncached_input_tokens int8,
      cache_read_tokens int8,
      cache_write_tokens int8,
      output_tokens int8,
      audio_input_tokens int8,
      image_input_tokens int8,
      audio_cache_read_tokens int8,
      long_cache_write_tokens int8,
      reasoning_tokens int8,
      audio_output_tokens int8,
      image_output_tokens int8,
      cost_usd numeric,
      price_id text,
      is_subtotal bool,
      result_count int8,
      top_score float8,
      page_count int8,
      chunk_count int8,
      links jsonb,
      events jsonb,
      input jsonb,
      output jsonb,
      attributes jsonb,
      primary key (trace_id, span_id, started_at)
    ) partition by range (started_at);
    -- traces begun elsewhere have no row of their own: the view of traces finds them by their entry
    create index span_store_entry on ${schema}.span_store (started_at desc, trace_id desc) where is_entry;
    create index span_store_type on ${schema}.span_store (type, started_at);
    -- cost by model and day comes from this index alone: 75 ms, 455 without the included columns
    create index span_store_model on ${schema}.span_store (model, started_at)
      include (uncached_input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, cost_usd, is_subtotal)
      where model is not null;

    create table ${schema}.chat_message_store (
      trace_id uuid not null,
      message_id bytea not null,
      occurred_at timestamptz not null,
      process_id uuid not null,
      span_id bytea not null,
      sequence int8 not null,
      role text not null,
      content jsonb not null,
      turn_number int8,
      sources jsonb,
      citations jsonb,
      tokens int8,
      model text,
      response_time_us int8,
      user_id text,
      session_id text,
      kb_id text,
      metadata jsonb,
      primary key (trace_id, message_id, occurred_at)
    ) partition by range (occurred_at);
    create index chat_message_store_session on ${schema}.chat_message_store (session_id, occurred_at)
      where session_id is not null;

    create table ${schema}.document_event_store (
      trace_id uuid not null,
      event_id bytea not null,
      occurred_at timestamptz not null,
      process_id uuid not null,
      span_id bytea not null,
      sequence int8 not null,
      document_id text not null,
      document_name text,
      event_type text not null,
      status int2 not null,
      duration_us int8,
      metrics jsonb,
      error_type text,
      error_message text,
      error_cause text,
      error_retryable bool,
      error_retry_count int8,
      user_id text,
      session_id text,
      kb_id text,
      metadata jsonb,
      primary key (trace_id, event_id, occurred_at)
    ) partition by range (occurred_at);
    create index document_event_store_document on ${schema}.document_event_store (document_id, occurred_at);
  `)
})
