/** Answers a question: retrieve, rank again, check the prompt, generate. Each question is a trace. */
import { Clock, Data, Duration, Effect, Either } from "effect"
import type { ObservabilityService } from "effect-observability"
import { annotate, logChatMessage, logLlmCall, withSpan, withTrace } from "effect-observability"
import { KnowledgeBase } from "./knowledgeBase.ts"
import type { GenerationFailed } from "./model.ts"
import { Model } from "./model.ts"
import type { Prompt, Turn } from "./prompt.ts"
import { citationsOf, instructions, render } from "./prompt.ts"
import type { Query } from "./query.ts"
import { queryOf } from "./query.ts"
import { countTokens } from "./tokens.ts"

export interface Question {
  readonly text: string
  /** How many passages the model is given. Default: 5. */
  readonly passages?: number | undefined
}

export interface Session {
  readonly sessionId: string
  readonly userId: string
  readonly kbId: string
}

export class PromptTooLong extends Data.TaggedError("PromptTooLong")<{ readonly message: string }> {}

export const answer = (
  session: Session,
  question: Question,
  history: ReadonlyArray<Turn>
): Effect.Effect<string, PromptTooLong | GenerationFailed, KnowledgeBase | Model | ObservabilityService> =>
  Effect.gen(function*() {
    const turnNumber = history.length + 1
    const started = yield* Clock.currentTimeNanos
    yield* logChatMessage({ role: "user", content: question.text, turnNumber, tokens: countTokens(question.text) })

    const query = queryOf(question.text, history.map((turn) => turn.question))
    const hits = yield* retrieve(query, question.passages ?? 5)
    const prompt = { question: question.text, query, history, passages: hits.map(({ passage }) => passage) }
    yield* check(prompt)
    const { model, text, usage } = yield* generate(prompt)

    yield* annotate({ output: text })
    yield* logChatMessage({
      role: "assistant",
      content: text,
      turnNumber,
      model,
      tokens: usage?.outputTokens,
      responseTime: Duration.nanos((yield* Clock.currentTimeNanos) - started),
      sources: hits.map(({ passage, score }) => ({
        document: passage.documentId,
        section: passage.headings.join(" > "),
        passage: passage.id,
        score
      })),
      citations: citationsOf(text, hits.length)
    })
    return text
  }).pipe(withTrace("chat", { ...session, operationType: "chat", input: question.text }))

// internal

/** Retrieves five times as many passages as wanted, and keeps the best of them. */
const retrieve = (query: Query, wanted: number) =>
  Effect.gen(function*() {
    const knowledgeBase = yield* KnowledgeBase
    const found = yield* knowledgeBase.retrieve(query, wanted * 5).pipe(
      Effect.tap((hits) => annotate({ resultCount: hits.length, topScore: hits[0]?.score })),
      withSpan("retrieve", { type: "retrieval", input: [...query.keys()], attributes: { method: "BM25" } })
    )
    return yield* knowledgeBase.rerank(query, found, wanted).pipe(
      Effect.tap((hits) => annotate({ resultCount: hits.length, topScore: hits[0]?.score })),
      withSpan("rerank", { type: "rerank", attributes: { method: "BM25 and cosine" } })
    )
  })

/** The largest prompt of a question, in tokens, for any model. */
const promptLimit = 8_000

const check = (prompt: Prompt) =>
  Effect.suspend(() => {
    const tokens = countTokens(render(prompt))
    return tokens > promptLimit
      ? new PromptTooLong({ message: `${tokens} tokens, at most ${promptLimit}` })
      : annotate({ attributes: { tokens, limit: promptLimit } })
  }).pipe(withSpan("check prompt", { type: "guardrail" }))

const generate = (prompt: Prompt) =>
  Effect.gen(function*() {
    const { generate, name: model, provider } = yield* Model
    const call = { model, provider, input: { instructions, prompt: render(prompt) } }
    const [latency, result] = yield* Effect.timed(Effect.either(generate(prompt)))
    if (Either.isLeft(result)) {
      yield* logLlmCall({ ...call, latency, error: result.left })
      return yield* result.left
    }
    const { costUsd, finishReason, text, usage } = result.right
    yield* logLlmCall({ ...call, latency, output: text, finishReason, usage, costUsd })
    return { model, text, usage }
  }).pipe(withSpan("generate", { type: "chain" }))
