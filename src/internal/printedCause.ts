/** A cause as text, with the causes of its errors. */
import * as Cause from "effect/Cause"
import * as FiberRefs from "effect/FiberRefs"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import { cutString } from "./capture.ts"
import { withoutBodies } from "./quotedBodies.ts"

/** `undefined` where it cannot be read: that runs code of the application, which may throw. */
export const printedCause = (cause: Cause.Cause<unknown>): string | undefined => {
  try {
    const errors = [...Cause.failures(cause), ...Cause.defects(cause)]
    const text = errors.some(isDeep)
      ? errors.map((error) => chained(error)).join("\n")
      // with this, an error that is plain data shows the headers of a request without credentials, as loggers do
      : Inspectable.withRedactableContext(FiberRefs.empty(), () => Cause.pretty(cause, { renderErrorCause: true }))
    return cutString(withoutBodies(text), maxCauseLength)
  } catch {
    return undefined
  }
}

// internal

const maxCauseLength = 65_536
const maxDepth = 16

/**
 * Effect prints each cause further in than the one before, down to the last. A loop that wraps what it caught makes very
 * many, and an error that is its own cause has no last one: printing it ran out of stack after 17 ms.
 */
const isDeep = (error: unknown): boolean => [...chain(error)].length > maxDepth

/** An error, its cause, the cause of that, and so on: one more than are printed, at most. */
function* chain(error: unknown): Generator<unknown> {
  let at = error
  for (let depth = 0; at !== undefined && depth <= maxDepth; depth++) {
    yield at
    at = Predicate.hasProperty(at, "cause") ? at.cause : undefined
  }
}

const chained = (error: unknown): string =>
  Array.from(chain(error), (each) => each instanceof Error ? each.stack ?? each.message : String(each))
    .slice(0, maxDepth).join("\n[cause]: ")
