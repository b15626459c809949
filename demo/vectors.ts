/**
 * The embedding: a sparse vector of term weights, `1 + ln(count)`, of length 1. No neural network is involved, and none
 * is claimed; the rarity of a term in the knowledge base counts when two vectors are compared.
 */
import { termsOf } from "./terms.ts"

export type Vector = ReadonlyMap<string, number>

export const method = "sparse term weights, 1 + ln(count), unit length"

export const embed = (text: string): Vector => {
  const counts = new Map<string, number>()
  for (const term of termsOf(text)) counts.set(term, (counts.get(term) ?? 0) + 1)
  return unit(new Map(Array.from(counts, ([term, count]) => [term, 1 + Math.log(count)])))
}

/** The cosine of two vectors, from 0 to 1, with each term weighted by `weight`. */
export const similarity = (left: Vector, right: Vector, weight: (term: string) => number): number => {
  let dot = 0
  for (const [term, value] of left) {
    const other = right.get(term)
    if (other !== undefined) dot += value * other * weight(term) ** 2
  }
  return dot === 0 ? 0 : dot / (norm(left, weight) * norm(right, weight))
}

// internal

const norm = (vector: Vector, weight: (term: string) => number = () => 1): number => {
  let sum = 0
  for (const [term, value] of vector) sum += (value * weight(term)) ** 2
  return Math.sqrt(sum)
}

const unit = (vector: Vector): Vector => {
  const length = norm(vector)
  return new Map(Array.from(vector, ([term, value]) => [term, value / length]))
}
