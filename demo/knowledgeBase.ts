/** The ingested passages, in memory: retrieved by BM25 with MiniSearch, reranked by the cosine of the vectors. */
import { Array, Effect } from "effect"
import MiniSearch from "minisearch"
import { type Passage, textOf } from "./chunk.ts"
import type { Query } from "./query.ts"
import { termsOf } from "./terms.ts"
import type { Vector } from "./vectors.ts"
import { similarity } from "./vectors.ts"

export interface Hit {
  readonly passage: Passage
  readonly score: number
}

export class KnowledgeBase extends Effect.Service<KnowledgeBase>()("demo/KnowledgeBase", {
  sync: () => {
    const passages = new Map<string, { readonly passage: Passage; readonly vector: Vector }>()
    const frequencies = new Map<string, number>()
    const search = new MiniSearch<{ id: string; document: string; headings: string; text: string }>({
      fields: ["document", "headings", "text"],
      tokenize: termsOf,
      processTerm: (term) => term,
      searchOptions: { boost: { document: 0.5, headings: 2 } }
    })

    /** How significant a term is: the fewer passages contain it, the more. */
    const rarity = (term: string): number => Math.log(1 + passages.size / (1 + (frequencies.get(term) ?? 0)))

    return {
      rarity,

      /** Indexes passages, and returns how many there are now. */
      add: (added: ReadonlyArray<Passage>, vectors: ReadonlyArray<Vector>) =>
        Effect.sync(() => {
          added.forEach((passage, at) => {
            const vector = vectors[at]!
            passages.set(passage.id, { passage, vector })
            for (const term of vector.keys()) frequencies.set(term, (frequencies.get(term) ?? 0) + 1)
            search.add({
              id: passage.id,
              document: passage.documentId,
              headings: passage.headings.join("\n"),
              text: textOf(passage)
            })
          })
          return passages.size
        }),

      /** The topics of the longest documents: a heading of each, or its beginning. */
      topics: (limit: number): Effect.Effect<ReadonlyArray<string>> =>
        Effect.sync(() => {
          const documents = Array.groupBy(
            Array.map(Array.fromIterable(passages.values()), ({ passage }) => passage),
            ({ documentId }) => documentId
          )
          return Object.values(documents)
            .sort((left, right) => right.length - left.length)
            .slice(0, limit)
            .map((all) => {
              const headings = all.map((passage) => passage.headings.at(-1) ?? "")
              const heading = headings.find((title, at) => at > 0 && termsOf(title).length >= 2) ?? headings.at(0)
              return heading || textOf(all[0]).split(/[.!?\n]/)[0]!.slice(0, 60)
            })
        }),

      /** The passages that share rare terms with the query, best first. */
      retrieve: (query: Query, limit: number): Effect.Effect<ReadonlyArray<Hit>> =>
        Effect.sync(() =>
          search.search([...query.keys()].join(" "), {
            tokenize: (terms) => terms.split(" "),
            boostTerm: (term) => query.get(term) ?? 1
          }).slice(0, limit).map(({ id, score }) => ({ passage: passages.get(id)!.passage, score }))
        ),

      /** Ranks the passages again by relevance to the query: half the first score, half the cosine. */
      rerank: (query: Query, hits: ReadonlyArray<Hit>, keep: number): Effect.Effect<ReadonlyArray<Hit>> =>
        Effect.sync(() => {
          const best = hits[0]?.score ?? 1
          return hits
            .map(({ passage, score }) => ({
              passage,
              score: (score / best + similarity(query, passages.get(passage.id)!.vector, rarity)) / 2
            }))
            .sort((left, right) => right.score - left.score)
            .slice(0, keep)
        })
    }
  }
}) {}
