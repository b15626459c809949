/**
 * A RAG chat, traced from end to end into PostgreSQL: `npm run demo`.
 *
 *     document --> upload --> parse --> chunk --> embed --> index          each document is a trace
 *     question --> retrieve --> rerank --> check prompt --> generate       each question is a trace
 *
 * It uses the library as an application does: the layer is provided once, below, and the calls that record are in
 * ingest.ts, step.ts and answer.ts. Then it reads PostgreSQL and shows what was stored.
 */
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { SqlError } from "@effect/sql/SqlError"
import { Array, Cause, Clock, ConfigError, Console, Data, Duration, Effect, Layer, Option } from "effect"
import { ObservabilityLive } from "effect-observability"
import * as Conversation from "./conversation.ts"
import * as Database from "./database.ts"
import * as Documents from "./documents.ts"
import { KnowledgeBase } from "./knowledgeBase.ts"
import * as Model from "./model.ts"
import * as Options from "./options.ts"
import * as Progress from "./progress.ts"
import { makeQueries } from "./queries.ts"
import { howToLook, report } from "./report.ts"
import * as Stages from "./stages.ts"
import { bold, dim } from "./terminal.ts"

const Live = Layer.mergeAll(
  ObservabilityLive,
  Database.client,
  Layer.provideMerge(Model.layer, KnowledgeBase.Default)
).pipe(Layer.provideMerge(Database.databaseUrl))

type ExpectedError = ConfigError.ConfigError | SqlError | { readonly message: string }

class NoAnswers extends Data.TaggedError("NoAnswers")<{ readonly message: string }> {}

const demo = (options: Options.Options) =>
  Effect.gen(function*() {
    yield* Console.log(`\n  ${bold("effect-observability")}: a RAG chat, traced into PostgreSQL\n`)
    const documents = yield* options.docs === undefined ? Documents.ofPackages : Documents.inFolder(options.docs)
    const started = yield* Clock.currentTimeMillis
    yield* Progress.show("  database   is starting")
    yield* run(options, documents, started).pipe(Effect.provide(Live))
  })

const run = (options: Options.Options, documents: ReadonlyArray<Documents.Document>, started: number) =>
  Effect.gen(function*() {
    const { where } = yield* Database.describe
    yield* Stages.fact("database", where, Duration.millis((yield* Clock.currentTimeMillis) - started))
    yield* Stages.ingest(documents)
    const held = yield* Stages.ask(yield* conversationsFor(options))
    yield* Stages.flush

    yield* Console.log(dim("\n  Everything below was read back from PostgreSQL."))
    yield* Effect.flatMap(makeQueries(held[0].sessionId), report)
    yield* howToLook
    if (held.every(({ answered }) => answered === 0)) {
      return yield* new NoAnswers({ message: `No question was answered: ${held[0].failures[0]}` })
    }
    if (options.keep) {
      yield* Console.log("  The server runs until Ctrl-C.")
      return yield* Effect.never
    }
  })

const conversationsFor = (options: Options.Options) =>
  Effect.gen(function*() {
    if (Array.isNonEmptyReadonlyArray(options.ask)) return [Conversation.about(options.ask)] as const
    if (options.docs === undefined) return Conversation.prepared
    const { topics } = yield* KnowledgeBase
    const questions = (yield* topics(4)).map((topic) => `What do the documents say about "${topic}"?`)
    return [Conversation.about(questions)] as const
  })

/** Runs one query on the data of earlier runs. */
const query = (text: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.PgClient
    yield* Effect.flatMap(sql.unsafe(text), (rows) => Console.table(rows))
  }).pipe(Effect.provide(Database.client.pipe(Layer.provideMerge(Database.databaseUrl))))

const main = Effect.gen(function*() {
  const options = yield* Options.parse(process.argv.slice(2))
  if (options.help) yield* Console.log(Options.usage)
  else if (options.sql !== undefined) yield* query(options.sql)
  else yield* demo(options)
})

const messageOf = (error: ExpectedError) =>
  ConfigError.isConfigError(error)
    ? String(error)
    : error instanceof SqlError && error.cause instanceof Error
    ? `PostgreSQL: ${error.cause.message}`
    : error.message

const explain = (cause: Cause.Cause<ExpectedError>) =>
  Cause.isInterruptedOnly(cause)
    ? Effect.void
    : Effect.zipRight(
      Progress.clear,
      Console.error(`\ndemo: ${
        Option.match(Cause.failureOption(cause), {
          onNone: () => Cause.pretty(cause),
          onSome: messageOf
        })
      }\n`)
    )

// A reader that takes only the beginning, as in `npm run demo | head`, must not stop the demo half way.
process.stdout.on("error", () => {})

main.pipe(
  Effect.provide(NodeContext.layer),
  Effect.tapErrorCause(explain),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
