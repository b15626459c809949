// The quick start: a traced chat, stored in PostgreSQL and read back. Run it with `npx tsx examples/01-quickstart.ts`.
import { PgClient } from "@effect/sql-pg"
import { Config, Console, Effect, Layer } from "effect"
import { flush, logLlmCall, ObservabilityLive, withSpan, withTrace } from "effect-observability"
import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"
import { randomUUID } from "node:crypto"

const sessionId = randomUUID()

const retrieve = Effect.succeed(["Effect is a TypeScript library."]).pipe(
  Effect.delay("20 millis"),
  withSpan("retrieve", { type: "retrieval", attributes: { topK: 1 } })
)

const generate = ([passage]: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const [latency, output] = yield* Effect.timed(Effect.succeed(passage).pipe(Effect.delay("50 millis")))
    yield* logLlmCall({ model: "parrot", provider: "local", promptTokens: 13, completionTokens: 7, latency, output })
    return output
  }).pipe(withSpan("generate", { type: "chain" }))

const answer = retrieve.pipe(
  Effect.flatMap(generate),
  withTrace("chat", { userId: "ada", sessionId, input: "What is Effect?" })
)

const program = Effect.gen(function*() {
  yield* Console.log(yield* answer)
  yield* Console.log(yield* flush())

  const sql = yield* PgClient.PgClient
  yield* Console.table(
    yield* sql`select name, type, status, duration_ms, input_tokens::int, output_tokens::int
      from observability.spans where session_id = ${sessionId} order by started_at`
  )
})

// Both read DATABASE_URL. Where it is not set, a PostgreSQL server of this program's own is started.
const Live = Layer.merge(ObservabilityLive, PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })).pipe(
  Layer.provide(EmbeddedPostgres.layerDatabaseUrl())
)

Effect.runPromise(program.pipe(Effect.provide(Live)))
