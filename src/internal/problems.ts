/**
 * The problems of a record: sentences that are stored with it, so that nothing is left out silently.
 */
import type { Json, JsonObject } from "../Observation.ts"

/** The key under which a record's attributes or metadata hold the sentences. */
const key = "observability.problems"

/** The most sentences for a record: a program that is wrong in a loop says nothing new after these. */
const maxProblems = 16

/** The field to merge into attributes or metadata, with the sentences appended to those that are there already. */
export const problemsBeside = (known: JsonObject | undefined, sentences: ReadonlyArray<string>): JsonObject => {
  const earlier = known?.[key]
  const all: ReadonlyArray<Json> = Array.isArray(earlier) ? [...earlier, ...sentences] : sentences
  return { [key]: all.slice(0, maxProblems) }
}
