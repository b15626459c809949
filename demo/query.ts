/** The search terms: those of the question, and in a follow-up ("and what does it do?") also those it refers to. */
import { termsOf } from "./terms.ts"

export type Query = ReadonlyMap<string, number>

export const queryOf = (question: string, before: ReadonlyArray<string>): Query => {
  const query = new Map(termsOf(question).map((term) => [term, 1]))
  const previous = before.at(-1)
  if (previous !== undefined && /\b(it|its|that|this|they|them|those|these|there|one)\b/i.test(question)) {
    for (const term of termsOf(previous)) if (!query.has(term)) query.set(term, 0.5)
  }
  return query
}
