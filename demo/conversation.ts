/** Conversations: questions of one user, one after the other, each with the previous turns as its history. */
import { Effect, Either } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import { randomUUID } from "node:crypto"
import type { Question, Session } from "./answer.ts"
import { answer } from "./answer.ts"
import type { Turn } from "./prompt.ts"

export interface Conversation {
  readonly name: string
  readonly userId: string
  readonly questions: ReadonlyArray<Question>
}

/** Conversations about the documents in the installed packages. */
export const prepared: NonEmptyReadonlyArray<Conversation> = [
  {
    name: "http",
    userId: "ada",
    questions: [
      { text: "What does the xForwardedHeaders middleware do?" },
      { text: "How do I add errors to an HttpApiEndpoint?" },
      { text: "And how do I set its status code?" }
    ]
  },
  {
    name: "versions",
    userId: "grace",
    questions: [
      { text: "How do prerelease tags affect semver ranges?" },
      { text: "And what do caret ranges allow there?" },
      // So many passages that the prompt is too long: this one fails.
      { text: "Quote everything that the documents say about errors.", passages: 120 },
      { text: "What do tilde ranges allow?" }
    ]
  },
  {
    name: "testing",
    userId: "linus",
    questions: [
      { text: "How do I assert that MockAgent has no pending interceptors?" },
      { text: "Can glob patterns match dot files?" },
      // No document says anything about this, and the answer should say so.
      { text: "Who won the football game yesterday?" }
    ]
  }
]

/** A conversation about any documents. */
export const about = (questions: ReadonlyArray<string>): Conversation => ({
  name: "questions",
  userId: "you",
  questions: questions.map((text) => ({ text }))
})

/** Asks all questions. One that fails has no answer, and the conversation goes on. */
export const hold = (conversation: Conversation, kbId: string, advance: (question: string) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    const session: Session = {
      sessionId: `${conversation.name}-${randomUUID().slice(0, 8)}`,
      userId: conversation.userId,
      kbId
    }
    const history: Array<Turn> = []
    const failures: Array<string> = []
    for (const question of conversation.questions) {
      const result = yield* Effect.either(answer(session, question, history))
      if (Either.isRight(result)) history.push({ question: question.text, answer: result.right })
      else failures.push(result.left.message)
      yield* advance(question.text)
    }
    return { sessionId: session.sessionId, answered: history.length, failures }
  })
