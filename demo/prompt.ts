/** The prompt for a model: the passages, numbered so that an answer can cite them, and the question. */
import type { Passage } from "./chunk.ts"
import { textOf } from "./chunk.ts"
import type { Query } from "./query.ts"

export interface Turn {
  readonly question: string
  readonly answer: string
}

export interface Prompt {
  readonly question: string
  readonly query: Query
  readonly history: ReadonlyArray<Turn>
  readonly passages: ReadonlyArray<Passage>
}

export const instructions =
  "Answer the question from the numbered passages alone, in at most three sentences. Cite what you use as [1], [2]. " +
  "If the passages do not answer it, say so."

export const render = ({ history, passages, question }: Prompt): string =>
  [
    ...passages.map((passage, at) =>
      `[${at + 1}] ${passage.documentId}, ${passage.headings.join(" > ")}\n${textOf(passage)}`
    ),
    ...history.map((turn) => `User: ${turn.question}\nAssistant: ${turn.answer}`),
    `Question: ${question}`
  ].join("\n\n")

export interface Citation {
  /** The number of the passage, from 1. */
  readonly source: number
  /** The position of the mark in the answer. */
  readonly offset: number
}

/** The marks in an answer that name an existing passage. */
export const citationsOf = (answer: string, passages: number): ReadonlyArray<Citation> =>
  Array.from(answer.matchAll(/\[(\d{1,3})\]/g), (mark) => ({ source: Number(mark[1]), offset: mark.index }))
    .filter(({ source }) => source >= 1 && source <= passages)
