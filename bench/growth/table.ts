/**
 * How long 20,000 more spans take from the program to committed rows, by the number of rows that exist already: in
 * schemas of one server, in alternating rounds. The server makes the existing rows, in the partition of the current
 * day, which also receives the new rows.
 */
import { Reactivity } from "@effect/experimental"
import { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import * as EmbeddedPostgres from "../../src/EmbeddedPostgres.ts"
import { ObservabilityService } from "../../src/ObservabilityService.ts"
import * as PgProvider from "../../src/PgProvider.ts"
import { withSpan, withTrace } from "../../src/Span.ts"
import type { Figure } from "../compare.ts"
import { median } from "../compare.ts"

const added = 20_000

const attributes = { tenant: "acme", query: "how does an effect describe a program? ".repeat(6), topK: 10 }

const step = Effect.void.pipe(withSpan("step", { type: "retrieval", attributes }))

const trace = Effect.replicateEffect(step, 10, { discard: true }).pipe(withTrace("bench"))

const turn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))

const ingest = Effect.gen(function*() {
  const service = yield* ObservabilityService
  for (let made = 0; made < added; made += 1_000) {
    yield* Effect.replicateEffect(trace, 100, { discard: true })
    yield* turn
  }
  const { accepted, written } = (yield* service.flush({ timeout: "5 minutes" }))["postgres"]!
  if (written !== accepted) return yield* Effect.dieMessage(`${written} of ${accepted} records were written`)
})

/** Traces of ten spans, spread over the day until now; ids ordered by time, like the library's. */
const fill = (schema: string, rows: number): string => `
  insert into ${schema}.span_store
    (trace_id, span_id, started_at, process_id, revision, parent_span_id, name, type, status, duration_us, attributes)
  select
    (lpad(to_hex((extract(epoch from at) * 1000)::int8), 12, '0') || '7' || substr(md5((number / 10)::text), 1, 3) || '8'
      || substr(md5((number / 10)::text), 4, 15))::uuid,
    decode(substr(md5(number::text), 1, 16), 'hex'),
    at + number % 10 * interval '1 microsecond',
    '0195512f-6c00-7000-8000-000000000001',
    9,
    decode(substr(md5((number / 10)::text), 1, 16), 'hex'),
    'step', 'retrieval', 1, 1000,
    jsonb_build_object('tenant', 'acme', 'topK', 10, 'query', repeat('how does an effect describe a program? ', 6))
  from generate_series(0, ${rows - 1}) as number,
    lateral (
      select date_trunc('day', now(), 'UTC')
        + (now() - date_trunc('day', now(), 'UTC')) * (number / 10 / ${rows / 10}::float8) as at
    ) as time`

/** One round. A table that has grown by more than half is refilled, so that its size still matches its name. */
const round = (sql: PgClient.PgClient, schema: string, rows: number) =>
  Effect.gen(function*() {
    const [{ count } = { count: 0 }] = yield* sql.unsafe<{ readonly count: number }>(
      `select count(*)::int4 as count from ${schema}.span_store`
    )
    if (count < rows || count > rows * 1.5) {
      yield* sql.unsafe(`truncate ${schema}.span_store`)
      yield* sql.unsafe(fill(schema, rows))
      yield* sql.unsafe(`vacuum analyze ${schema}.span_store`)
    }
    // the server must finish the work left from making the rows before the measurement
    yield* sql.unsafe("checkpoint")
    const begin = performance.now()
    yield* ingest
    return (performance.now() - begin) * 1_000 / added
  })

/** Microseconds of wall-clock time per span; the figures' names are the numbers of rows. */
export const tableGrowth = (
  sizes: ReadonlyArray<number>,
  rounds: number
): Effect.Effect<ReadonlyArray<Figure>, unknown> =>
  Effect.gen(function*() {
    const { url } = yield* EmbeddedPostgres.make({ durable: true })
    const sql = yield* PgClient.make({ url, maxConnections: 1 })
    const stores = yield* Effect.forEach(sizes, (rows) =>
      Effect.gen(function*() {
        const schema = `rows_${rows}`
        const postgres = yield* PgProvider.make({ url, schema })
        const service = yield* ObservabilityService.make({ providers: [postgres], closeDeadline: 0 })
        // creates the tables, and warms up the compiler
        yield* Effect.provideService(ingest, ObservabilityService, service)
        return { rows, schema, service, times: new Array<number>() }
      }))
    for (let number = 0; number < rounds; number++) {
      for (const { rows, schema, service, times } of stores) {
        times.push(yield* Effect.provideService(round(sql, schema, rows), ObservabilityService, service))
      }
    }
    return stores.map(({ rows, times }) => ({
      name: String(rows),
      median: median(times),
      min: Math.min(...times),
      max: Math.max(...times),
      bytes: 0
    }))
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
