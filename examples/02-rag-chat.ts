// A RAG chat: two turns of a conversation, with sources and an answer that comes token by token, and a third that fails.
// Everything that one turn does is one trace. Run it with `npx tsx examples/02-rag-chat.ts`.
import { PgClient } from "@effect/sql-pg"
import { Chunk, Config, Console, Data, Effect, Layer, Schedule, Stream } from "effect"
import {
  annotate,
  flush,
  logChatMessage,
  ObservabilityLive,
  withSpan,
  withSpanStream,
  withTrace
} from "effect-observability"
import * as EmbeddedPostgres from "effect-observability/EmbeddedPostgres"
import { randomUUID } from "node:crypto"

// The knowledge, and a model that can only read it out: replace them by a vector store and a provider.

const passages = [
  { id: "effects", text: "An Effect describes a program that may fail and may need services." },
  { id: "layers", text: "A Layer describes how services are built from other services, and shares what it built." },
  { id: "streams", text: "A Stream is an Effect that may give any number of values, one after the other." }
]

type Passage = (typeof passages)[number]

class NothingFound extends Data.TaggedError("NothingFound")<{ readonly message: string }> {}

/** The words that are long enough to be meaningful. */
const wordsOf = (text: string): ReadonlyArray<string> => text.toLowerCase().match(/\w{4,}/g) ?? []

/** The parrot's tokens are words. */
const tokensOf = (text: string) => text.split(/(?<= )/)

const readOut = (passage: Passage) =>
  Stream.fromIterable(tokensOf(`${passage.text} [1]`)).pipe(Stream.schedule(Schedule.spaced("10 millis")))

// The steps. Each is a span below its caller; nothing is passed from one step to the next for the sake of tracing.

const retrieve = (question: string) =>
  Effect.gen(function*() {
    const asked = wordsOf(question)
    const found = passages
      .map((passage) => ({ passage, score: wordsOf(passage.text).filter((word) => asked.includes(word)).length }))
      .filter(({ score }) => score > 0)
      .sort((left, right) => right.score - left.score)
    const [best] = found
    yield* annotate({ resultCount: found.length, topScore: best?.score })
    return best?.passage ?? (yield* new NothingFound({ message: `no passage about "${question}"` }))
  }).pipe(withSpan("retrieve", { type: "retrieval", input: question }))

// The span lasts until the last token, and also ends when the reader of the stream leaves early.
const generate = (question: string, passage: Passage) =>
  readOut(passage).pipe(
    Stream.concat(Stream.execute(annotate({
      model: "parrot",
      provider: "local",
      promptTokens: tokensOf(question).length + tokensOf(passage.text).length,
      completionTokens: tokensOf(passage.text).length + 1,
      finishReason: "stop"
    }))),
    withSpanStream("chat parrot", { type: "llm", input: { question, passage } })
  )

const turn = (sessionId: string, question: string, turnNumber: number) =>
  Effect.gen(function*() {
    yield* logChatMessage({ role: "user", content: question, turnNumber })
    const [responseTime, { answer, passage }] = yield* Effect.timed(Effect.gen(function*() {
      const passage = yield* retrieve(question)
      const tokens = yield* Stream.runCollect(
        Stream.tap(generate(question, passage), (token) => Effect.sync(() => process.stdout.write(token)))
      )
      return { passage, answer: Chunk.join(tokens, "") }
    }))
    yield* Console.log("")
    yield* logChatMessage({
      role: "assistant",
      content: answer,
      turnNumber,
      model: "parrot",
      responseTime,
      sources: [{ id: passage.id, text: passage.text }],
      citations: [{ source: 1, offset: answer.indexOf("[1]") }]
    })
  }).pipe(withTrace("chat", { operationType: "chat", userId: "ada", sessionId, kbId: "effect", input: question }))

const program = Effect.gen(function*() {
  const sessionId = randomUUID()
  const questions = ["What is a layer of services?", "And which one gives any number of values?", "Who wrote Faust?"]
  for (const [at, question] of questions.entries()) {
    yield* Console.log(`\n> ${question}`)
    // The application handles the error as without tracing; the trace records it, too.
    yield* turn(sessionId, question, at + 1).pipe(
      Effect.catchTag("NothingFound", (error) => Console.log(`(${error.message})`))
    )
  }
  yield* flush()

  const sql = yield* PgClient.PgClient
  yield* Console.table(
    yield* sql`select name, status, round(duration_ms::numeric, 1)::float8 as ms, input_tokens::int,
      output_tokens::int, error_type
      from observability.traces where session_id = ${sessionId} order by started_at`
  )
  yield* Console.table(
    yield* sql`select role, content_text, sources -> 0 ->> 'id' as source, response_time_ms
      from observability.chat_messages where session_id = ${sessionId} order by turn_number, sequence`
  )
})

// Both read DATABASE_URL. Where it is not set, a PostgreSQL server of this program's own is started.
const Live = Layer.merge(ObservabilityLive, PgClient.layerConfig({ url: Config.redacted("DATABASE_URL") })).pipe(
  Layer.provide(EmbeddedPostgres.layerDatabaseUrl())
)

Effect.runPromise(program.pipe(Effect.provide(Live)))
