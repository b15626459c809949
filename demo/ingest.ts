/** Ingests a document into the knowledge base, in five steps; each document is a trace. */
import { Effect, Ref } from "effect"
import type { ObservabilityService } from "effect-observability"
import { annotate, withTrace } from "effect-observability"
import { createHash } from "node:crypto"
import type { Passage } from "./chunk.ts"
import { chunk, textOf } from "./chunk.ts"
import type { Document } from "./documents.ts"
import { KnowledgeBase } from "./knowledgeBase.ts"
import { parse } from "./parse.ts"
import { skip, step } from "./step.ts"
import { embed, method } from "./vectors.ts"

export type Outcome = "indexed" | "skipped" | "failed"

/** Makes the function that ingests a document. It never fails: it returns the outcome, and the trace says why. */
export const makeIngest = (kbId: string) =>
  Effect.gen(function*() {
    const knowledgeBase = yield* KnowledgeBase
    const hashes = yield* Ref.make<ReadonlyMap<string, string>>(new Map())

    /** The earlier document with the same content, if any. */
    const twinOf = (document: Document, bytes: Uint8Array) => {
      const hash = createHash("sha256").update(bytes).digest("hex")
      return Ref.modify(hashes, (known) => [known.get(hash), new Map([[hash, document.id], ...known])])
    }

    const ingest = (document: Document) =>
      Effect.gen(function*() {
        const bytes = yield* step(document, "upload", document.bytes, ({ length }) => ({ bytes: length }))
        const twin = yield* twinOf(document, bytes)
        if (twin !== undefined) return yield* skip(document, "parse", `the same content as ${twin}`)

        const blocks = yield* step(document, "parse", parse(document.name, bytes), (found) => ({
          blocks: found.length,
          characters: sumOf(found, ({ text }) => text.length)
        }))
        const characters = sumOf(blocks, ({ text }) => text.length)
        if (characters < 100) return yield* skip(document, "chunk", `too short: ${characters} characters of text`)

        const passages = yield* step(document, "chunk", Effect.sync(() => chunk(document.id, blocks)), (cut) => ({
          chunkCount: cut.length,
          tokens: sumOf(cut, ({ tokens }) => tokens)
        }))
        const vectors = yield* step(document, "embed", Effect.sync(() => passages.map(vectorOf)), (made) => ({
          vectors: made.length,
          terms: sumOf(made, ({ size }) => size)
        })).pipe(Effect.tap(() => annotate({ attributes: { method } })))
        yield* step(document, "index", knowledgeBase.add(passages, vectors), (total) => ({
          chunkCount: passages.length,
          indexed: total
        }))
        return "indexed" as const
      })

    return (document: Document): Effect.Effect<Outcome, never, ObservabilityService> =>
      ingest(document).pipe(
        Effect.tap((outcome) => annotate({ output: outcome })),
        withTrace("ingest", { operationType: "ingest", kbId, input: document.id }),
        // Caught outside of the trace, so that the trace records the failure and its reason; other documents go on.
        Effect.catchAll(() => Effect.succeed<Outcome>("failed"))
      )
  })

// internal

const vectorOf = (passage: Passage) => embed([...passage.headings, textOf(passage)].join("\n"))

const sumOf = <A>(values: ReadonlyArray<A>, figure: (value: A) => number): number =>
  values.reduce((sum, value) => sum + figure(value), 0)
