/**
 * What was wrong with a record: sentences that are stored with it, so that nothing is left out in silence.
 */
import type { Json, JsonObject } from "../Observation.ts"

/** The key under which a record's attributes or metadata hold the sentences. */
const key = "observability.problems"

/** A program that is wrong in a loop says nothing new after these. */
const maxProblems = 16

/** What there is to be merged into attributes or metadata, so that the sentences come behind those that are there. */
export const problemsBeside = (known: JsonObject | undefined, sentences: ReadonlyArray<string>): JsonObject => {
  const earlier = known?.[key]
  const all: ReadonlyArray<Json> = Array.isArray(earlier) ? [...earlier, ...sentences] : sentences
  return { [key]: all.slice(0, maxProblems) }
}
