/**
 * What the names of providers have to be. By its name a provider is known in receipts, and has its folder in the spool: two
 * of one name would hide each other, and one would get what is meant for the other.
 */
import type { Provider } from "../Provider.ts"
import type { Rule } from "./optionRules.ts"

/** One that is a folder's on any file system, and of that folder alone. */
export const providerName: Rule = {
  expected: "expected a name of letters, digits, _, and single spaces, dots or hyphens in between",
  accepts: (value) => typeof value === "string" && /^\w+([ .-]\w+)*$/.test(value)
}

/** What is wrong with the names of providers that are used together, if anything. */
export const namesProblem = (providers: ReadonlyArray<Provider>): string | undefined => {
  const taken = new Set<string>()
  for (const { name } of providers) {
    if (!providerName.accepts(name)) return `${providerName.expected}, got ${JSON.stringify(name)}`
    // file systems differ in whether these are one
    const folder = name.toLowerCase()
    if (taken.has(folder)) return `expected a name of its own for each, got ${JSON.stringify(name)} twice`
    taken.add(folder)
  }
  return undefined
}
