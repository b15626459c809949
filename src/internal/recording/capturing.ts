/** Takes what a caller hands over into a record, within limits, and charges the record for it. */
import type * as Input from "../../Input.ts"
import type { ErrorDetails, Json, JsonObject } from "../../Observation.ts"
import type { CaptureLimits } from "../capture.ts"
import { capture, captureObject, cutString, sizeOfString } from "../capture.ts"

/** What costs of a delivery's budget, in estimated bytes of memory. */
export interface Sized {
  size: number
}

export class Capturing {
  private readonly limits: CaptureLimits

  constructor(limits: CaptureLimits) {
    this.limits = limits
  }

  value(sized: Sized, value: unknown): Json {
    if (
      typeof value === "string" && value.length <= this.limits.maxStringLength &&
      2 * value.length <= this.limits.maxBytes
    ) {
      sized.size += sizeOfString(value)
      return value
    }
    const captured = capture(value, this.limits)
    sized.size += captured.size
    return captured.value
  }

  object(sized: Sized, value: Input.Attributes): JsonObject {
    const captured = captureObject(value, this.limits)
    sized.size += captured.size
    return captured.value
  }

  /** Takes a value in the place of another, which costs nothing any more. */
  replacement(sized: Sized, known: Json | undefined, value: unknown): Json {
    if (known !== undefined) sized.size -= sizeOf(known)
    return this.value(sized, value)
  }

  /** Takes entries beside those that are there, and in the place of those of the same name. */
  merged(sized: Sized, known: JsonObject | undefined, value: Input.Attributes): JsonObject {
    const added = this.object(sized, value)
    if (known === undefined) return added
    // the object that the entries came in goes, too
    const replaced = Object.keys(added).filter((key) => Object.hasOwn(known, key)).map((key) => [key, known[key]!])
    sized.size -= sizeOf(Object.fromEntries(replaced))
    return { ...known, ...added }
  }

  /** As `merged`, for the one entry that a tracer tells at a time. One without a value is none, as in JSON. */
  withEntry(sized: Sized, known: JsonObject | undefined, name: string, value: unknown): JsonObject | undefined {
    if (value === undefined) return known
    const key = cutString(name, maxKeyLength)
    const replaced = known !== undefined && Object.hasOwn(known, key) ? known[key] : undefined
    if (replaced === undefined) sized.size += entryCost + 2 * key.length
    return { ...known, [key]: this.replacement(sized, replaced, value) }
  }
}

export const sizeOfError = (error: ErrorDetails | undefined): number =>
  error === undefined
    ? 0
    : sizeOfString(error.type) + sizeOfString(error.message) + sizeOfString(error.cause ?? "")

// internal

/** As for the keys of captured objects. */
const maxKeyLength = 1_024
const entryCost = 24

/** What was captured costs as much when it is captured again. */
const sizeOf = (captured: Json): number =>
  typeof captured === "string" ? sizeOfString(captured) : capture(captured, unlimited).size

const unlimited: CaptureLimits = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxEntries: Number.POSITIVE_INFINITY,
  maxStringLength: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY
}
