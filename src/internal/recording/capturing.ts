/**
 * Captures the values that a caller hands over into a record, within limits, and adds their cost to the record's size.
 */
import type * as Input from "../../Input.ts"
import type { ErrorDetails, Json, JsonObject } from "../../Observation.ts"
import type { CaptureLimits } from "../capture.ts"
import { capture, captureObject, cutString, sizeOfString } from "../capture.ts"
import { cutIdentifier } from "../identifierText.ts"
import { Entries } from "./entries.ts"
import { listedSize, maxNameLength, shortTextLength } from "./limits.ts"

/** A record that takes part of a delivery's budget, in estimated bytes of memory. */
export interface Sized {
  size: number
}

/** The attributes of an event or of a link. */
export interface Listed {
  readonly attributes: JsonObject
  /** In bytes, with the event or the link itself. */
  readonly size: number
  /** Whether the list has room for it; the limit is the same as for all attributes together, and for one value. */
  readonly fits: boolean
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

  /** Captures a value that replaces another, and subtracts the cost of the replaced one. */
  replacement(sized: Sized, known: Json | undefined, value: unknown): Json {
    if (known !== undefined) sized.size -= sizeOf(known)
    return this.value(sized, value)
  }

  /** Adds entries to the known ones, replacing those of the same name. */
  merged(sized: Sized, known: Entries | undefined, value: Input.Attributes): Entries {
    const { size, value: added } = captureObject(value, this.limits)
    if (known === undefined) {
      sized.size += size
      return new Entries(added, size)
    }
    for (const [key, entry] of Object.entries(added)) this.put(sized, known, key, entry, sizeOf(entry))
    return known
  }

  /**
   * As `merged`, for the single entry that a tracer sets at a time. An entry without a value is left out, as in JSON.
   */
  withEntry(sized: Sized, known: Entries | undefined, name: string, value: unknown): Entries | undefined {
    if (value === undefined) return known
    const captured = { size: 0 }
    const entry = this.value(captured, value)
    const entries = known ?? new Entries({}, 0)
    this.put(sized, entries, cutString(name, maxKeyLength), entry, captured.size)
    return entries
  }

  /** Takes a name or a word, replacing the known one, which stays if none is given. */
  text(sized: Sized, text: string, known?: string | undefined): string
  text(sized: Sized, text: string | undefined, known: string | undefined): string | undefined
  text(sized: Sized, text: string | undefined, known?: string | undefined): string | undefined {
    const kept = typeof text === "string" ? cutString(text, maxNameLength) : text ?? known
    sized.size += sizeOfText(kept) - sizeOfText(known)
    return kept
  }

  /** Takes an identifier; a cut one stays different from others. */
  identifier(sized: Sized, text: string): string {
    return this.text(sized, typeof text === "string" ? cutIdentifier(text) : text)
  }

  /** @returns the captured attributes, the estimated size, and whether the list still has room for them */
  listed(name: string | undefined, attributes: Input.Attributes | undefined, listedBytes: number): Listed {
    const sized = { size: listedSize + sizeOfText(name) }
    const captured = attributes === undefined ? {} : this.object(sized, attributes)
    return { attributes: captured, size: sized.size, fits: listedBytes + sized.size <= this.limits.maxBytes }
  }

  private put(sized: Sized, entries: Entries, key: string, value: Json, bytes: number): void {
    const replaced = entries.get(key)
    const growth = replaced === undefined ? bytes + entryCost + 2 * key.length : bytes - sizeOf(replaced)
    sized.size += entries.put(key, value, growth, this.limits)
  }
}

export const sizeOfError = (error: ErrorDetails | undefined): number =>
  error === undefined
    ? 0
    : sizeOfString(error.type) + sizeOfString(error.message) + sizeOfString(error.cause ?? "")

/** The size of a name or a word that a record's base size does not cover; short ones are covered. */
export const sizeOfText = (text: string | undefined): number =>
  typeof text === "string" && text.length > shortTextLength ? sizeOfString(text) : 0

// internal

/** The same as for the keys of captured objects. */
const maxKeyLength = 1_024
const entryCost = 24

/** The cost of a captured value: capturing it again costs as much. */
const sizeOf = (captured: Json): number =>
  typeof captured === "string" ? sizeOfString(captured) : capture(captured, unlimited).size

const unlimited: CaptureLimits = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxEntries: Number.POSITIVE_INFINITY,
  maxStringLength: Number.POSITIVE_INFINITY,
  maxBytes: Number.POSITIVE_INFINITY
}
