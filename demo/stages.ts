/** The stages of a run, each with a line of output: ingest all documents, ask all questions, flush the records. */
import type { Duration } from "effect"
import { Array, Console, Data, Effect } from "effect"
import * as Observability from "effect-observability"
import type { Conversation } from "./conversation.ts"
import { hold } from "./conversation.ts"
import type { Document } from "./documents.ts"
import { NoDocuments } from "./documents.ts"
import type { Outcome } from "./ingest.ts"
import { makeIngest } from "./ingest.ts"
import { Model } from "./model.ts"
import { clear, seconds, withProgress } from "./progress.ts"
import { dim } from "./terminal.ts"

const kbId = "documentation"

export class NotStored extends Data.TaggedError("NotStored")<{ readonly message: string }> {}

/** Prints a line about a finished stage. */
export const fact = (name: string, value: string, duration: Duration.Duration) =>
  Effect.zipRight(clear, Console.log(`  ${name.padEnd(10)} ${value}  ${dim(seconds(duration))}`))

export const ingest = (documents: ReadonlyArray<Document>) =>
  Effect.gen(function*() {
    const ingestOne = yield* makeIngest(kbId)
    const [duration, outcomes] = yield* withProgress("ingest", documents.length, (advance) =>
      Effect.timed(Effect.forEach(
        documents,
        (document) => Effect.tap(ingestOne(document), () => advance(document.id)),
        { concurrency: 4 }
      )))
    const count = (outcome: Outcome) => Array.filter(outcomes, (each) => each === outcome).length
    yield* fact(
      "ingest",
      `${documents.length} document${documents.length === 1 ? "" : "s"}: ${count("indexed")} indexed, ${
        count("skipped")
      } skipped, ${count("failed")} failed`,
      duration
    )
    if (count("indexed") === 0) {
      return yield* new NoDocuments({
        message: "None of the documents could be used; the view document_events says why"
      })
    }
  })

export const ask = (conversations: Array.NonEmptyReadonlyArray<Conversation>) =>
  Effect.gen(function*() {
    const model = yield* Model
    const questions = conversations.flatMap((conversation) => conversation.questions)
    const [duration, held] = yield* withProgress("questions", questions.length, (advance) =>
      Effect.timed(
        Effect.forEach(conversations, (conversation) => hold(conversation, kbId, advance), {
          concurrency: 2
        })
      ))
    const answered = held.reduce((sum, each) => sum + each.answered, 0)
    yield* fact(
      "questions",
      `${questions.length} to ${model.name}: ${answered} answered, ${questions.length - answered} failed`,
      duration
    )
    return held
  })

/** Flushes the queued records, and reports the outcome of every record. */
export const flush = Effect.gen(function*() {
  const [duration, receipt] = yield* Effect.timed(Observability.flush())
  for (const [provider, { accepted, dropped, pending, rejected, spooled, written }] of Object.entries(receipt)) {
    yield* fact(
      "flush",
      `${provider}: ${accepted} records = ${written} written + ${spooled} spooled + ${dropped} dropped + ${rejected} rejected + ${pending} pending`,
      duration
    )
  }
  const { postgres } = receipt
  if (postgres === undefined || postgres.written < postgres.accepted) {
    return yield* new NotStored({ message: "PostgreSQL did not take every record: the line above counts them" })
  }
})
