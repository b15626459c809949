// An existing program that traces only with Effect's own API, and knows nothing of this library. One layer at its end
// records all of its spans. Run it with `npx tsx examples/06-existing-program.ts`.
import { SqlClient } from "@effect/sql"
import { PgClient } from "@effect/sql-pg"
import { Config, Console, Data, Effect, Layer, Schedule, Stream } from "effect"
import { flush, ObservabilityLive } from "effect-observability"
import * as EffectTracer from "effect-observability/EffectTracer"
import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"

// ---- the program, as it was

const fetchPage = Effect.fn("fetchPage")(function*(page: number) {
  yield* Effect.annotateCurrentSpan("page", page)
  yield* Effect.sleep("10 millis")
  return [`document ${2 * page}`, `document ${2 * page + 1}`]
})

class IndexBusy extends Data.TaggedError("IndexBusy")<{ readonly message: string }> {}

let refusals = 1

const store = (document: string) =>
  Effect.gen(function*() {
    if (document === "document 1" && refusals-- > 0) return yield* new IndexBusy({ message: "try again" })
    const sql = yield* SqlClient.SqlClient
    yield* sql`insert into documents ${sql.insert({ name: document })}`
  }).pipe(
    Effect.withSpan("store", { attributes: { document } }),
    Effect.retry({ times: 3, schedule: Schedule.spaced("20 millis") })
  )

const ingest = Stream.range(0, 1).pipe(
  Stream.mapEffect(fetchPage),
  Stream.flattenIterables,
  Stream.runForEach(store),
  Effect.withSpan("ingest")
)

// ---- what is new: the layer, and a look at what it recorded

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists documents (name text)`
  yield* ingest
  yield* flush()
  yield* Console.table(
    yield* sql`
      select name, kind, status, round(duration_ms) as ms, coalesce(
        attributes ->> 'page', attributes ->> 'document', attributes ->> 'db.query.text') as about,
        attributes ->> 'schedule.error' as after
      from observability.spans s
      where trace_id = (select trace_id from observability.traces where name = 'ingest' order by started_at desc limit 1)
      order by started_at`
  )
})

const Recorded = EffectTracer.layer().pipe(Layer.provideMerge(ObservabilityLive))

const Live = Layer.merge(Recorded, PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })).pipe(
  Layer.provide(EmbeddedPostgres.layerDatabaseUrl())
)

Effect.runPromise(program.pipe(Effect.provide(Live)))
