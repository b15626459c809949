/** A cause as text, with the causes of its errors. */
import * as Cause from "effect/Cause"
import * as FiberRefs from "effect/FiberRefs"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import { capture, cutString } from "./capture.ts"
import { withoutBodies } from "./quotedBodies.ts"

/** `undefined` if the cause cannot be read: reading it runs code of the application, which may throw. */
export const printedCause = (cause: Cause.Cause<unknown>): string | undefined => {
  const known = printed.get(cause)
  if (known !== undefined) return known
  try {
    const text = print(cause)
    printed.set(cause, text)
    return text
  } catch {
    return undefined
  }
}

// internal

const maxCauseLength = 65_536
const maxErrors = 16
const maxDepth = 16

/** The printed texts, because every span through which a failure passes prints the same cause. */
const printed = new WeakMap<Cause.Cause<unknown>, string>()

/**
 * Prints the first errors only: an unbounded `forEach` may have thousands, and V8 makes their stacks when they are
 * read, which took 0.5 s for 3,000.
 */
const print = (cause: Cause.Cause<unknown>): string => {
  const first: Array<unknown> = []
  const count = Cause.reduce(cause, 0, (count, part) => {
    if (part._tag !== "Fail" && part._tag !== "Die") return Option.none()
    if (count < maxErrors) first.push(part._tag === "Fail" ? part.error : part.defect)
    return Option.some(count + 1)
  })
  const texts = first.map((error) => isModest(error) ? pretty(error) : chained(error))
  const text = cutString(withoutBodies(texts.join("\n")), maxCauseLength)
  return count > maxErrors ? `${text}\n[cut: ${count - maxErrors} of ${count} errors]` : text
}

/** Prints an error, with the headers of a request without credentials, as loggers show them. */
const pretty = (error: unknown): string =>
  Inspectable.withRedactableContext(
    FiberRefs.empty(),
    () => Cause.pretty(Cause.fail(error), { renderErrorCause: true })
  )

/**
 * Whether Effect can print the error. Effect indents each cause further than the one before, down to the last: a loop
 * that wraps what it caught makes very many causes, and an error that is its own cause has no last one. It prints texts
 * in full, and everything that is not an error in full as JSON: that of 300,000 rows took more than a minute, and that
 * of a bigint fails.
 */
const isModest = (error: unknown): boolean => {
  const parts = [...chain(error)]
  return parts.length <= maxDepth && parts.reduce<number>((sum, part) => sum + lengthOf(part), 0) <= maxCauseLength
}

const lengthOf = (part: unknown): number => {
  if (part instanceof Error) return String(part.message).length + String(part.stack).length
  return isData(part) ? Number.POSITIVE_INFINITY : String(part).length
}

const isData = (part: unknown): part is object => typeof part === "object" && part !== null

/** An error, its cause, the cause of that, and so on: at most one more than are printed. */
function* chain(error: unknown): Generator<unknown> {
  let at = error
  for (let depth = 0; at !== undefined && depth <= maxDepth; depth++) {
    yield at
    at = Predicate.hasProperty(at, "cause") ? at.cause : undefined
  }
}

const chained = (error: unknown): string =>
  Array.from(chain(error), (part) => cutString(textOf(part), maxCauseLength)).slice(0, maxDepth).join("\n[cause]: ")

const textOf = (part: unknown): string => {
  if (part instanceof Error) return part.stack ?? part.message
  return isData(part) ? JSON.stringify(capture(part, dataLimits).value) : String(part)
}

const dataLimits = { maxDepth: 8, maxEntries: 100, maxStringLength: 16_384, maxBytes: maxCauseLength }
