/** The queries that read the records back, through the views that `docs/schema.md` describes. */
import { PgClient } from "@effect/sql-pg"
import { Config, Effect } from "effect"

export interface TraceRow {
  readonly db_trace_id: string
  readonly trace_id: string
  readonly span_id: string
  readonly name: string
  readonly operation_type: string
  readonly status: string
  readonly duration_ms: number | null
  readonly user_id: string | null
  readonly session_id: string | null
  readonly input: string
  readonly output: string | null
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly cost_usd: string | null
  readonly error_type: string | null
  readonly error_message: string | null
}

export interface SpanRow {
  readonly span_id: string
  readonly parent_span_id: string | null
  readonly name: string
  readonly type: string
  readonly status: string
  readonly duration_ms: number | null
  readonly model: string | null
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly cost_usd: string | null
  readonly result_count: number | null
  readonly top_score: number | null
  readonly chunk_count: number | null
  readonly error_type: string | null
  readonly error_message: string | null
}

export interface MessageRow {
  readonly role: string
  readonly content_text: string
  readonly turn_number: number
  readonly tokens: number | null
  readonly model: string | null
  readonly response_time_ms: number | null
  readonly sources: ReadonlyArray<{ readonly document: string; readonly section: string }> | null
  readonly citations: ReadonlyArray<{ readonly source: number }> | null
}

export interface EventRow {
  readonly occurred_at: Date
  readonly document_id: string
  readonly event_type: string
  readonly status: string
  readonly duration_ms: number | null
  readonly metrics: Readonly<Record<string, number>> | null
  readonly metadata: { readonly reason?: string } | null
  readonly error_type: string | null
  readonly error_message: string | null
}

export interface TotalRow {
  readonly type: string
  readonly count: number
  readonly errors: number
  readonly median_ms: number | null
  readonly slowest_ms: number | null
  readonly input_tokens: number | null
  readonly output_tokens: number | null
  readonly cost_usd: string | null
}

/** The schema in which the views are. */
export const schemaName = Config.string("OBSERVABILITY_SCHEMA").pipe(Config.withDefault("observability"))

/** The queries for everything stored by the process that held a session: one run of the demo. */
export const makeQueries = (sessionId: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.PgClient
    const schema = yield* schemaName
    const view = (name: string) => sql(`${schema}.${name}`)
    const ofThisRun = sql`process_id = (select process_id from ${
      view("traces")
    } where session_id = ${sessionId} limit 1)`

    return {
      /** All traces, in the order in which they began. */
      traces: sql<TraceRow>`
        select db_trace_id, trace_id, span_id, name, operation_type, status, duration_ms, user_id, session_id,
          input #>> '{}' as input, output #>> '{}' as output, input_tokens::float8, output_tokens::float8,
          cost_usd::text, error_type, error_message
        from ${view("traces")} where ${ofThisRun} order by started_at, trace_id`,

      spansOf: (trace: TraceRow) =>
        sql<SpanRow>`
          select span_id, parent_span_id, name, type, status, duration_ms, model, input_tokens::float8,
            output_tokens::float8, cost_usd::text, result_count::float8, top_score, chunk_count::float8,
            error_type, error_message
          from ${view("spans")} where db_trace_id = ${trace.db_trace_id} order by started_at, span_id`,

      /** The messages of a conversation, in order. */
      messages: sql<MessageRow>`
        select role, content_text, turn_number::float8, tokens::float8, model, response_time_ms, sources, citations
        from ${view("chat_messages")} where session_id = ${sessionId} order by turn_number, sequence`,

      /** The events of a document, in order. */
      eventsOf: (documentId: string) =>
        sql<EventRow>`
          select occurred_at, document_id, event_type, status, duration_ms, metrics, metadata, error_type, error_message
          from ${view("document_events")} where document_id = ${documentId} and ${ofThisRun}
          order by occurred_at, sequence`,

      totals: sql<TotalRow>`
        select type, count(*)::int as count, count(*) filter (where status = 'error')::int as errors,
          percentile_cont(0.5) within group (order by duration_ms) as median_ms, max(duration_ms) as slowest_ms,
          sum(input_tokens) filter (where not is_subtotal)::float8 as input_tokens,
          sum(output_tokens) filter (where not is_subtotal)::float8 as output_tokens,
          sum(cost_usd) filter (where not is_subtotal)::text as cost_usd
        from ${view("spans")} where ${ofThisRun} group by type order by count(*) desc, type`,

      /** Rows of this run, by view. */
      rows: Effect.forEach(["traces", "spans", "chat_messages", "document_events"], (name) =>
        Effect.map(
          sql<{ readonly count: number }>`select count(*)::int as count from ${view(name)} where ${ofThisRun}`,
          ([row]) => ({ view: `${schema}.${name}`, count: row?.count ?? 0 })
        ))
    }
  })

export type Queries = Effect.Effect.Success<ReturnType<typeof makeQueries>>
