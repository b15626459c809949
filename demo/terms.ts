/** The search terms of a text: its words in lower case, stemmed, without meaningless ones. */
import { stemmer } from "stemmer"

export const termsOf = (text: string): Array<string> => {
  const terms: Array<string> = []
  for (const word of text.match(/[\p{L}\p{N}_]+/gu) ?? []) {
    add(terms, word)
    // `disableNetConnect` is indexed as a whole and by its words
    const parts = word.split(/(?<=\p{Ll})(?=\p{Lu})|_+/u)
    if (parts.length > 1) { for (const part of parts) add(terms, part) }
  }
  return terms
}

// internal

const add = (terms: Array<string>, word: string): void => {
  const plain = word.toLowerCase()
  if (plain === "" || stopWords.has(plain)) return
  let stem = stems.get(plain)
  if (stem === undefined) stems.set(plain, stem = stemmer(plain))
  terms.push(stem)
}

const stems = new Map<string, string>()

const stopWords = new Set(
  ("a an and any are as at be been but by can could did do does for from get had has have how i if in into is it its me my " +
    "of on or our so than that the their them then there these they this those to us was we were what when where which " +
    "who whom why will with would you your about happen say tell use no not any some all also only more most many much")
    .split(" ")
)
