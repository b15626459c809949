/**
 * Rules for the names of providers. A provider is known by its name in receipts, and its folder in the spool is named
 * after it: of two providers with one name, each would hide the other, and one would get records that are meant for the
 * other.
 */
import type { Provider } from "../Provider.ts"
import type { Rule } from "./optionRules.ts"

/** A name that any file system takes for a folder, and that belongs to that folder alone. */
export const providerName: Rule = {
  expected: "expected a name of letters, digits, _, and single spaces, dots or hyphens in between",
  accepts: (value) => typeof value === "string" && /^\w+([ .-]\w+)*$/.test(value)
}

/** What is wrong with the names of providers that are used together, if anything. */
export const namesProblem = (providers: ReadonlyArray<Provider>): string | undefined => {
  const taken = new Set<string>()
  for (const { name } of providers) {
    if (!providerName.accepts(name)) return `${providerName.expected}, got ${JSON.stringify(name)}`
    // file systems differ in whether names that differ in case are the same
    const folder = name.toLowerCase()
    if (taken.has(folder)) return `expected a name of its own for each, got ${JSON.stringify(name)} twice`
    taken.add(folder)
  }
  return undefined
}
