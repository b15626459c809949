/**
 * The views: what users, dashboards and tools read. Columns may be added at the end; none is removed or changes its
 * meaning within a major version.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { MigrationSchema } from "../src/internal/postgres/schemaName.ts"

const status = (column: string): string =>
  `case ${column} when 0 then 'in_progress' when 1 then 'success' when 2 then 'error' when 3 then 'interrupted' when 4 then 'lost' end`

const kind = (column: string): string =>
  `case ${column} when 1 then 'server' when 2 then 'client' when 3 then 'producer' when 4 then 'consumer' else 'internal' end`

const documentStatus = (column: string): string =>
  `case ${column} when 0 then 'started' when 1 then 'completed' when 2 then 'failed' when 3 then 'skipped' end`

const hex = (uuid: string): string => `replace(${uuid}::text, '-', '')`

const millis = (micros: string): string => `${micros}::float8 / 1000`

/** All input tokens, cached or not; null if nothing is known of them. */
const inputTokens = (span: string): string =>
  `case when coalesce(${span}.uncached_input_tokens, ${span}.cache_read_tokens, ${span}.cache_write_tokens) is not null
    then coalesce(${span}.uncached_input_tokens, 0) + coalesce(${span}.cache_read_tokens, 0)
      + coalesce(${span}.cache_write_tokens, 0) end`

/**
 * At most one day apart, so that only the partitions in which spans of one trace lie are read. Intervals are in hours,
 * here and below, because the length of a day depends on the reader's time zone, where clocks change.
 */
const isNear = (span: string, other: string): string =>
  `${span}.started_at >= ${other}.started_at - interval '24 hours'
    and ${span}.started_at <= ${other}.started_at + interval '24 hours'`

/** Whether a span is the entry of a trace that comes from outside, and not from another process that records here. */
const isOpenEntry = (schema: string, entry: string): string =>
  `${entry}.is_entry and not exists (
    select 1 from ${schema}.span_store parent
    where parent.trace_id = ${entry}.trace_id and parent.span_id = ${entry}.parent_span_id
      and ${isNear("parent", entry)}
  )`

export default Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const schema = `"${yield* MigrationSchema}"`

  yield* sql.unsafe(`
    create view ${schema}.processes as
    select p.process_id, p.service_name, p.environment, p.release, p.host_name, p.pid, p.started_at, p.last_seen_at
    from ${schema}.process_store p;

    create view ${schema}.traces as
    select
      ${hex("t.trace_id")} as trace_id,
      t.trace_id as db_trace_id,
      encode(t.span_id, 'hex') as span_id,
      encode(t.parent_span_id, 'hex') as parent_span_id,
      t.name,
      t.operation_type,
      ${status("t.status")} as status,
      t.started_at,
      coalesce(t.stated_start_at, t.started_at) + t.duration_us * interval '1 microsecond' as ended_at,
      ${millis("t.duration_us")} as duration_ms,
      t.user_id,
      t.session_id,
      t.kb_id,
      coalesce(t.input_tokens, recorded.input_tokens) as input_tokens,
      coalesce(t.output_tokens, recorded.output_tokens) as output_tokens,
      coalesce(t.cost_usd, recorded.cost_usd) as cost_usd,
      t.tags,
      t.metadata,
      t.input,
      t.output,
      t.error_type,
      t.error_message,
      t.error_cause,
      p.service_name,
      p.environment,
      p.release,
      t.process_id
    from (
      select
        trace_id, span_id, parent_span_id, name, operation_type, status, started_at, duration_us, user_id, session_id,
        kb_id, input_tokens, output_tokens, cost_usd, tags, metadata, input, output, error_type, error_message,
        error_cause, process_id, stated_start_at
      from ${schema}.trace_store
      union all
      -- Traces that were begun elsewhere, by a process that records nothing here. The span by which one comes in stands
      -- for it, and for the root the span that it names as its parent.
      select
        e.trace_id, e.parent_span_id, null, e.name, null, e.status, e.started_at, e.duration_us, e.user_id, e.session_id,
        e.kb_id, null, null, null, null, null, e.input, e.output, e.error_type, e.error_message,
        e.error_cause, e.process_id, e.started_at
      from ${schema}.span_store e
      where ${isOpenEntry(schema, "e")}
        and not exists (
          select 1 from ${schema}.trace_store o
          where o.trace_id = e.trace_id and o.started_at >= e.started_at - interval '744 hours'
            and o.started_at <= e.started_at + interval '24 hours'
        )
        and not exists (
          select 1 from ${schema}.span_store f
          where f.trace_id = e.trace_id and ${isNear("f", "e")}
            and (f.started_at, f.span_id) < (e.started_at, e.span_id) and ${isOpenEntry(schema, "f")}
        )
    ) t
    left join ${schema}.process_store p on p.process_id = t.process_id
    left join lateral (
      select
        sum(${inputTokens("s")})::int8 as input_tokens,
        sum(s.output_tokens)::int8 as output_tokens,
        sum(s.cost_usd) as cost_usd
      from ${schema}.span_store s
      where s.trace_id = t.trace_id
        -- only the partitions in which spans of the trace can lie: a vendor's batch, logged when
        -- it is back, began a day before, and clocks differ
        and s.started_at >= t.started_at - interval '48 hours'
        and s.is_subtotal is false
        and (t.input_tokens is null or t.output_tokens is null or t.cost_usd is null)
    ) recorded on true;

    create view ${schema}.spans as
    select
      ${hex("s.trace_id")} as trace_id,
      s.trace_id as db_trace_id,
      encode(s.span_id, 'hex') as span_id,
      encode(s.parent_span_id, 'hex') as parent_span_id,
      s.name,
      s.type,
      ${kind("s.kind")} as kind,
      ${status("s.status")} as status,
      s.started_at,
      s.started_at + s.duration_us * interval '1 microsecond' as ended_at,
      ${millis("s.duration_us")} as duration_ms,
      s.user_id,
      s.session_id,
      s.kb_id,
      s.provider,
      s.model,
      s.temperature,
      s.finish_reason,
      ${millis("s.time_to_first_token_us")} as time_to_first_token_ms,
      ${inputTokens("s")} as input_tokens,
      s.uncached_input_tokens,
      s.cache_read_tokens,
      s.cache_write_tokens,
      s.output_tokens,
      s.audio_input_tokens,
      s.image_input_tokens,
      s.audio_cache_read_tokens,
      s.long_cache_write_tokens,
      s.reasoning_tokens,
      s.audio_output_tokens,
      s.image_output_tokens,
      s.cost_usd,
      s.price_id,
      s.is_subtotal,
      s.result_count,
      s.top_score,
      s.page_count,
      s.chunk_count,
      s.links,
      s.events,
      s.attributes,
      s.input,
      s.output,
      s.error_type,
      s.error_message,
      s.error_cause,
      p.service_name,
      p.environment,
      p.release,
      s.process_id
    from ${schema}.span_store s
    left join ${schema}.process_store p on p.process_id = s.process_id;

    create view ${schema}.llm_calls as
    select
      ${hex("s.trace_id")} as trace_id,
      s.trace_id as db_trace_id,
      encode(s.span_id, 'hex') as span_id,
      encode(s.parent_span_id, 'hex') as parent_span_id,
      s.name,
      ${status("s.status")} as status,
      s.started_at,
      s.started_at + s.duration_us * interval '1 microsecond' as ended_at,
      ${millis("s.duration_us")} as latency_ms,
      ${millis("s.time_to_first_token_us")} as time_to_first_token_ms,
      s.provider,
      s.model,
      s.temperature,
      s.finish_reason,
      ${inputTokens("s")} as prompt_tokens,
      s.output_tokens as completion_tokens,
      case when ${inputTokens("s")} is null and s.output_tokens is null then null
        else coalesce(${inputTokens("s")}, 0) + coalesce(s.output_tokens, 0) end as total_tokens,
      s.cache_read_tokens as cached_tokens,
      s.cache_write_tokens,
      s.reasoning_tokens,
      s.cost_usd,
      s.price_id,
      s.is_subtotal,
      s.input as prompt,
      s.output as completion,
      s.user_id,
      s.session_id,
      s.kb_id,
      s.attributes,
      s.error_type,
      s.error_message,
      s.error_cause,
      p.service_name,
      p.environment,
      p.release,
      s.process_id
    from ${schema}.span_store s
    left join ${schema}.process_store p on p.process_id = s.process_id
    where s.type = 'llm';

    create view ${schema}.chat_messages as
    select
      ${hex("m.trace_id")} as trace_id,
      m.trace_id as db_trace_id,
      encode(m.message_id, 'hex') as message_id,
      encode(m.span_id, 'hex') as span_id,
      m.occurred_at,
      m.sequence,
      m.role,
      m.content,
      m.content #>> '{}' as content_text,
      m.turn_number,
      m.sources,
      m.citations,
      m.tokens,
      m.model,
      ${millis("m.response_time_us")} as response_time_ms,
      m.user_id,
      m.session_id,
      m.kb_id,
      m.metadata,
      p.service_name,
      p.environment,
      p.release,
      m.process_id
    from ${schema}.chat_message_store m
    left join ${schema}.process_store p on p.process_id = m.process_id;

    create view ${schema}.document_events as
    select
      ${hex("d.trace_id")} as trace_id,
      d.trace_id as db_trace_id,
      encode(d.event_id, 'hex') as event_id,
      encode(d.span_id, 'hex') as span_id,
      d.occurred_at,
      d.sequence,
      d.document_id,
      d.document_name,
      d.event_type,
      ${documentStatus("d.status")} as status,
      ${millis("d.duration_us")} as duration_ms,
      d.metrics,
      d.error_type,
      d.error_message,
      d.error_cause,
      d.error_retryable,
      d.error_retry_count,
      d.user_id,
      d.session_id,
      d.kb_id,
      d.metadata,
      p.service_name,
      p.environment,
      p.release,
      d.process_id
    from ${schema}.document_event_store d
    left join ${schema}.process_store p on p.process_id = d.process_id;

    comment on view ${schema}.processes is 'Processes that recorded something; last_seen_at is renewed every 12 s while one lives.';
    comment on view ${schema}.traces is 'One row per operation as a whole. Find one by db_trace_id (which takes the 32 digits) and started_at.';
    comment on view ${schema}.spans is 'The timed pieces of work within the traces, model calls included.';
    comment on view ${schema}.llm_calls is 'Spans of type llm. Leave out is_subtotal rows when summing tokens or cost.';
    comment on view ${schema}.chat_messages is 'Messages of conversations, in the order of occurred_at, sequence.';
    comment on view ${schema}.document_events is 'The steps of documents through the pipeline.';
    comment on column ${schema}.traces.db_trace_id is 'The same 128 bits as trace_id, indexed: use it in WHERE and JOIN.';
    comment on column ${schema}.traces.input_tokens is 'As stated by the caller, else the sum over the spans of the trace, subtotals left out.';
    comment on column ${schema}.traces.cost_usd is 'US dollars, exact; as stated by the caller, else the sum over the spans; null when no price is known.';
    comment on column ${schema}.spans.cost_usd is 'US dollars, exact; null when the price is not known.';
    comment on column ${schema}.spans.provider is 'gen_ai.provider.name of the OpenTelemetry GenAI conventions 0.1.0.';
    comment on column ${schema}.spans.model is 'gen_ai.request.model of the OpenTelemetry GenAI conventions 0.1.0.';
    comment on column ${schema}.spans.price_id is 'The row of prices that cost_usd was computed with; null when the program stated the cost.';
    comment on column ${schema}.spans.is_subtotal is 'True when a span below holds the usage too, so that a total leaves this one out; null without a model call.';
  `)
})
