/**
 * The ledger: what became of each trace at the providers other than PostgreSQL.
 *
 * It has one row per trace, provider and writer, never one per record. A row's day is that of its trace, so that both
 * are dropped together. The figures are compared with `record_store`.
 *
 * Intervals are in hours, because the length of a day depends on the reader's time zone, where clocks change.
 */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { MigrationSchema } from "../src/internal/postgres/schemaName.ts"

/** An 8-byte id as a number. With the revision, it distinguishes a record, and a snapshot of it, from all others. */
const number = (id: string): string => `('x' || encode(${id}, 'hex'))::bit(64)::bigint::numeric`

/** Rows of replays, each of which tells the whole truth by itself; the figures of all other writers add up. */
const isReplay = "l.writer_id = '00000000-0000-0000-0000-000000000000'"

export default Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const schema = `"${yield* MigrationSchema}"`

  yield* sql.unsafe(`
    -- for a schema from before the first migration had it
    alter table ${schema}.trace_store add column if not exists stated_start_at timestamptz;

    create table ${schema}.delivery_store (
      trace_id uuid not null,
      provider text not null,
      writer_id uuid not null,
      day timestamptz not null,
      batch int8 not null,
      delivered int8 not null,
      refused int8 not null,
      dropped int8 not null,
      fingerprint numeric not null,
      last_reason text,
      last_settled_at timestamptz not null,
      primary key (trace_id, provider, writer_id, day)
    ) partition by range (day);

    create view ${schema}.record_store as
    select trace_id, started_at as at, true as is_root, status <> 0 as is_final, ${
    number("span_id")
  } + revision as fingerprint
    from ${schema}.trace_store
    union all
    select trace_id, started_at, false, status <> 0, ${number("span_id")} + revision
    from ${schema}.span_store where not (type = 'dropped' and status = 4)
    union all
    select trace_id, occurred_at, false, true, ${number("message_id")} from ${schema}.chat_message_store
    union all
    select trace_id, occurred_at, false, true, ${number("event_id")} from ${schema}.document_event_store;

    create view ${schema}.deliveries as
    select
      replace(t.trace_id::text, '-', '') as trace_id,
      t.trace_id as db_trace_id,
      t.provider,
      t.day,
      held.records,
      known.delivered,
      known.refused,
      known.dropped,
      known.last_reason,
      known.last_settled_at,
      known.settled,
      known.settled and known.refused = 0 as complete
    from (select distinct trace_id, provider, day from ${schema}.delivery_store) t
    cross join lateral (
      select count(*) as records, coalesce(sum(r.fingerprint), 0) as fingerprint
      from ${schema}.record_store r
      -- only the partitions in which records of the trace can lie: a vendor's batch, logged when
      -- it is back, began a day before, and clocks differ
      where r.trace_id = t.trace_id and r.at >= t.day - interval '48 hours' and r.is_final
    ) held
    cross join lateral (
      select
        sum(l.delivered)::int8 as delivered,
        sum(l.refused)::int8 as refused,
        sum(l.dropped)::int8 as dropped,
        (array_agg(l.last_reason order by l.last_settled_at desc) filter (where l.last_reason is not null))[1] as last_reason,
        max(l.last_settled_at) as last_settled_at,
        sum(l.delivered + l.refused) = held.records and sum(l.fingerprint) = held.fingerprint as settled
      from ${schema}.delivery_store l
      where l.trace_id = t.trace_id and l.provider = t.provider and l.day >= t.day - interval '24 hours'
      group by ${isReplay}, case when ${isReplay} then l.day end
      order by settled desc, last_settled_at desc
      limit 1
    ) known;

    comment on view ${schema}.deliveries is
      'What became of a trace at a provider other than PostgreSQL. Always bound day, too, or name the trace.';
    comment on column ${schema}.deliveries.records is 'Final records of the trace in PostgreSQL: what the provider should have.';
    comment on column ${schema}.deliveries.settled is 'Nothing is left to be sent: complete, or refused.';
    comment on column ${schema}.deliveries.complete is 'The provider has all that PostgreSQL has of the trace, as it is there now.';
  `)
})
