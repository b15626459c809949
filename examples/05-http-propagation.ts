// One trace through three programs: a front that calls a back over HTTP, and a worker that processes the jobs that the
// back puts into a queue, and ends the trace. Run it with `npx tsx examples/05-http-propagation.ts`.
//
// Here the three run in one process, each with its own service, as three processes would. They share only the network,
// a queue of texts, and the store.
import { HttpClient, HttpRouter, HttpServer, HttpServerResponse } from "@effect/platform"
import { NodeHttpClient, NodeHttpServer } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Config, Console, Effect, Layer, Queue, Schema } from "effect"
import { logLlmCall, ObservabilityService, TraceContext, withSpan, withTraceContext } from "effect-observability"
import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"
import * as HttpPropagation from "effect-observability/HttpPropagation"
import * as MessagePropagation from "effect-observability/MessagePropagation"
import * as Live from "effect-observability/ObservabilityLive"
import { createServer } from "node:http"

/** The layer that each program needs: a service with the program's name, on the same database. */
const observability = (serviceName: string) => Live.layerEnvironment({ serviceName })

// The back: it answers at once, and leaves the rest to the worker.

const Job = Schema.parseJson(Schema.Struct({
  document: Schema.String,
  headers: Schema.Record({ key: Schema.String, value: Schema.String })
}))

const enqueue = (jobs: Queue.Queue<string>) =>
  Effect.gen(function*() {
    const headers = yield* MessagePropagation.inject()
    yield* Queue.offer(jobs, yield* Schema.encode(Job)({ document: "manual.pdf", headers }))
  }).pipe(withSpan("enqueue"))

const back = (jobs: Queue.Queue<string>) =>
  HttpServer.serve(
    HttpRouter.empty.pipe(HttpRouter.post("/documents", Effect.as(enqueue(jobs), HttpServerResponse.text("accepted"))))
  ).pipe(
    // every request continues the trace that it came with
    Layer.provide(HttpPropagation.layerServer()),
    Layer.provide(observability("back"))
  )

// The worker: it continues the trace that the job came with, and ends the trace when all is done.

const work = (jobs: Queue.Queue<string>) =>
  Effect.gen(function*() {
    const { document, headers } = yield* Schema.decode(Job)(yield* Queue.take(jobs))
    yield* logLlmCall({
      model: "parrot",
      provider: "local",
      input: document,
      output: "a summary",
      latency: "40 millis"
    })
      .pipe(
        withSpan("summarize", { type: "chain" }),
        MessagePropagation.withMessage("process document", headers)
      )
    const { context } = MessagePropagation.extract(headers)
    const service = yield* ObservabilityService
    if (context !== undefined) yield* service.endTrace(context, { output: "a summary" })
  }).pipe(Effect.provide(observability("worker")))

// The front: it begins the trace, and does not end it.

const upload = (address: string) =>
  Effect.gen(function*() {
    const service = yield* ObservabilityService
    const trace = yield* service.startTrace({ name: "upload", userId: "ada", input: "manual.pdf" })
    yield* HttpClient.post(`${address}/documents`).pipe(
      Effect.flatMap((response) => response.text),
      Effect.tap((text) => Console.log(`the back: ${text}`)),
      withSpan("send"),
      withTraceContext(trace)
    )
    // only for the tables below: without this, the records would be written a little later
    yield* service.flush()
    return trace
  })

// Its calls pass the trace on to named hosts, or, as here, only to this machine.
const Front = Layer.provide(HttpPropagation.layerClient(), NodeHttpClient.layer).pipe(
  Layer.provideMerge(observability("front"))
)

const program = Effect.gen(function*() {
  const jobs = yield* Queue.unbounded<string>()
  const trace = yield* HttpServer.addressFormattedWith(upload).pipe(
    Effect.provide(
      Layer.provideMerge(back(jobs), NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
    )
  )
  yield* work(jobs)
  yield* Console.log(TraceContext.toTraceparent(trace))

  const sql = yield* PgClient.PgClient
  yield* Console.table(
    yield* sql`select service_name, name, status, input, output from observability.traces where trace_id = ${trace.traceId}`
  )
  yield* Console.table(
    yield* sql`select service_name, kind, name, span_id, parent_span_id from observability.spans
      where trace_id = ${trace.traceId} order by started_at`
  )
})

// DATABASE_URL says where the store is. Where it is not set, a PostgreSQL server of this program's own is started.
const Database = PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") }).pipe(
  Layer.provideMerge(EmbeddedPostgres.layerDatabaseUrl())
)

Effect.runPromise(program.pipe(Effect.provide(Layer.provideMerge(Front, Database))))
