/**
 * A model that needs no key: it answers with the sentences of the passages that say most about the question, word for
 * word. A sentence's worth is the rarity of the question's words in it; words in a heading count half, and a sentence
 * that repeats a chosen one is worth less (maximal marginal relevance). It understands nothing, and cannot make
 * anything up.
 */
import type { Passage } from "./chunk.ts"
import type { Query } from "./query.ts"
import { termsOf } from "./terms.ts"
import type { Vector } from "./vectors.ts"
import { embed, similarity } from "./vectors.ts"

export const nothingFound = "The documents do not answer this."

export const read = (
  query: Query,
  passages: ReadonlyArray<Passage>,
  rarity: (term: string) => number
): string => {
  const asked = Array.from(query, ([term, weight]) => ({ term, worth: weight * rarity(term) }))
  const whole = asked.reduce((sum, { worth }) => sum + worth, 0)
  const candidates = passages.flatMap((passage, at) => sentencesOf(passage, at, asked))
  const chosen: Array<Sentence> = []
  while (chosen.length < 3) {
    const value = (sentence: Sentence) =>
      sentence.worth * (1 - Math.max(0, ...chosen.map(({ vector }) => similarity(vector, sentence.vector, rarity))))
    const best = candidates.filter((sentence) => !chosen.includes(sentence))
      .reduce<Sentence | undefined>((left, right) => left && value(left) >= value(right) ? left : right, undefined)
    // The first sentence must be worth half of the whole question, and the others half of the first sentence.
    if (best === undefined || value(best) < (chosen[0] === undefined ? whole * 0.5 : chosen[0].worth * 0.5)) break
    chosen.push(best)
  }
  return chosen.length === 0
    ? nothingFound
    : chosen.map(({ passage, text }) => `${text} [${passage + 1}]`).join(" ")
}

// internal

interface Sentence {
  readonly text: string
  /** The number of its passage. */
  readonly passage: number
  readonly worth: number
  readonly vector: Vector
}

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" })

const sentencesOf = (
  passage: Passage,
  at: number,
  asked: ReadonlyArray<{ readonly term: string; readonly worth: number }>
): ReadonlyArray<Sentence> => {
  const above = new Set(termsOf(passage.headings.join("\n")))
  return passage.blocks.filter(({ kind }) => kind === "prose")
    .flatMap(({ text }) => Array.from(segmenter.segment(text), ({ segment }) => segment.trim()))
    .filter((text) => text.length >= 20 && text.length <= 320 && !text.endsWith(":"))
    .map((text) => {
      const vector = embed(text)
      const worth = asked.reduce(
        (sum, { term, worth }) => sum + worth * (vector.has(term) ? 1 : above.has(term) ? 0.5 : 0),
        0
      )
      // A later passage is less relevant, and a text without a full stop is seldom a sentence.
      return { text, passage: at, vector, worth: worth * (1 - at * 0.05) * (/[.!?]["')]?$/.test(text) ? 1 : 0.6) }
    })
}
