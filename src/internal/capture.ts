/**
 * Turns the values that a caller hands over into plain data, at the call.
 *
 * The copy is made now because the caller may change its objects later, and because a record that is held until it is
 * written must not hold the application's objects alive. Strings are immutable and taken by reference. The walk is
 * bounded in depth, keys and bytes, gives the size that the delivery's budget is charged, and never throws: a value
 * that cannot be read is replaced by a text that says so.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as FiberRefs from "effect/FiberRefs"
import * as Inspectable from "effect/Inspectable"
import * as Redacted from "effect/Redacted"
import type { Json, JsonObject } from "../Observation.ts"
import { isAiError, withoutBodies } from "./quotedBodies.ts"
import { beginningOf } from "./textPieces.ts"

/** Limits of one captured value. */
export interface CaptureLimits {
  /** Levels of nesting that are kept. */
  readonly maxDepth: number
  /** Entries of one object or array that are kept. */
  readonly maxEntries: number
  /** Characters of one string that are kept. */
  readonly maxStringLength: number
  /** Estimated bytes of one whole value that are kept. */
  readonly maxBytes: number
}

export const captureLimits = (
  options: { readonly [Name in keyof CaptureLimits]?: CaptureLimits[Name] | undefined } = {}
): CaptureLimits => ({
  maxDepth: options.maxDepth ?? 16,
  maxEntries: options.maxEntries ?? 1_000,
  maxStringLength: options.maxStringLength ?? 1_048_576,
  maxBytes: options.maxBytes ?? 4_194_304
})

/** A captured value and its cost, in estimated bytes of memory. */
export interface Captured<A extends Json = Json> {
  readonly value: A
  readonly size: number
}

/**
 * The estimated bytes of a string: V8 holds a string of Latin-1 in one byte per character, any other in two, and there
 * is no cheap way to ask which.
 */
export const sizeOfString = (text: string): number => 24 + 2 * text.length

export const capture = (value: unknown, limits: CaptureLimits): Captured => {
  const walk = new Walk(limits)
  return { value: walk.any(value, 0), size: walk.size }
}

/** Captures the entries of an object; any other value becomes an object with the single key `value`. */
export const captureObject = (value: unknown, limits: CaptureLimits): Captured<JsonObject> => {
  const captured = capture(value, limits)
  return isJsonObject(captured.value)
    ? { value: captured.value, size: captured.size }
    : { value: { value: captured.value }, size: captured.size + entryCost }
}

export const isJsonObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Cuts a text to `maxLength` characters and says how much is missing. */
export const cutString = (text: string, maxLength: number): string => {
  if (text.length <= maxLength) return text
  const kept = beginningOf(text, maxLength)
  return `${kept}... [cut: ${text.length - kept.length} of ${text.length} characters]`
}

// internal

/** The cost of an object besides its values: its header, and for each entry a pointer and its share of the key. */
const objectCost = 32
const entryCost = 24
const scalarCost = 8

interface Substituted {
  readonly toJSON: () => unknown
}

class Walk {
  size = 0
  /**
   * The cost charged for entries without a value. They take no memory and are not kept, but if they were free, millions
   * of them would be read.
   */
  private passedOver = 0
  private readonly limits: CaptureLimits
  /**
   * The objects that enclose the present one: an object met again inside of itself is a cycle; met again beside itself,
   * it is not.
   */
  private readonly enclosing: Array<object> = []

  constructor(limits: CaptureLimits) {
    this.limits = limits
  }

  any(value: unknown, depth: number): Json {
    switch (typeof value) {
      case "string":
        return this.text(value)
      case "number":
        this.size += scalarCost
        // JSON has no word for these, and `null` would say that nothing was there
        return Number.isFinite(value) ? value : String(value)
      case "boolean":
        this.size += scalarCost
        return value
      case "bigint":
        return this.text(value.toString())
      case "undefined":
        return null
      case "symbol":
        return this.text(value.toString())
      case "function":
        return this.text(`[Function ${nameOf(value)}]`)
      case "object":
        return value === null ? null : this.guarded(value, depth)
    }
  }

  private text(value: string): string {
    const kept = cutString(value, Math.min(this.limits.maxStringLength, Math.max(this.charactersLeft(), 0)))
    this.size += sizeOfString(kept)
    return kept
  }

  /** Charges a note of the walk's own about what is missing, which no limit may cut. */
  private note(words: string): string {
    this.size += sizeOfString(words)
    return words
  }

  private get isFull(): boolean {
    return this.size + this.passedOver >= this.limits.maxBytes
  }

  private charactersLeft(): number {
    return Math.floor((this.limits.maxBytes - this.size) / 2)
  }

  /** Getters, proxies and `toJSON` are the caller's code: errors that they throw are caught here. */
  private guarded(value: object, depth: number): Json {
    if (this.enclosing.includes(value)) return this.note("[Circular]")
    const entered = this.enclosing.length
    this.enclosing.push(value)
    try {
      return this.object(value, depth)
    } catch (error) {
      return this.text(`[Unreadable: ${messageOf(error)}]`)
    } finally {
      this.enclosing.length = entered
    }
  }

  private object(value: object, depth: number): Json {
    if (Array.isArray(value)) return this.array(value, depth)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) {
      return "toJSON" in value && typeof value.toJSON === "function"
        ? this.substitute(value as Substituted, depth)
        : this.entries(value, Object.keys(value), depth)
    }
    return this.instance(value, depth)
  }

  private instance(value: object, depth: number): Json {
    if (Redacted.isRedacted(value)) return this.note("<redacted>")
    if (BigDecimal.isBigDecimal(value)) return this.text(BigDecimal.format(value))
    if (value instanceof Date) {
      return this.text(Number.isNaN(value.getTime()) ? "Invalid Date" : String(value.toISOString()))
    }
    if (value instanceof Error) return this.error(value, depth)
    if (Inspectable.isRedactable(value)) return this.redacted(value, depth)
    if (value instanceof Map) return this.map(value, depth)
    if (value instanceof Set) return this.array(this.first(value), depth, value.size)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return this.text(`[${value.constructor.name} of ${value.byteLength} bytes]`)
    }
    if ("toJSON" in value && typeof value.toJSON === "function") return this.substitute(value as Substituted, depth)
    if (value instanceof RegExp || value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) {
      return this.text(value instanceof RegExp ? String(value) : `[${value.constructor.name}]`)
    }
    if (isBoxed(value)) return this.any(value.valueOf(), depth)
    return this.entries(value, Object.keys(value), depth)
  }

  /** The result of `toJSON` may have a `toJSON` of its own, without end. */
  private substitute(value: Substituted, depth: number): Json {
    return depth >= this.limits.maxDepth
      ? this.note(`[Object deeper than ${depth} levels]`)
      : this.any(value.toJSON(), depth + 1)
  }

  /** Captures a value as Effect's loggers show it: the headers of a request without credentials. */
  private redacted(value: Inspectable.Redactable, depth: number): Json {
    return this.substitute({ toJSON: () => value[Inspectable.symbolRedactable](FiberRefs.empty()) }, depth)
  }

  /** The first elements, as many as can be kept: a collection may hold millions. */
  private first<A>(elements: Iterable<A>): Array<A> {
    const first: Array<A> = []
    if (this.limits.maxEntries <= 0) return first
    for (const element of elements) {
      first.push(element)
      if (first.length >= this.limits.maxEntries) break
    }
    return first
  }

  /** @param length of the whole, of which `value` may be the beginning */
  private array(value: ReadonlyArray<unknown>, depth: number, length = Number(value.length)): Json {
    if (depth >= this.limits.maxDepth) return this.note(`[Array of ${length}, deeper than ${depth} levels]`)
    this.size += objectCost
    const kept: Array<Json> = []
    for (let index = 0; index < length; index++) {
      if (index >= this.limits.maxEntries || this.isFull) {
        kept.push(this.note(`[cut: ${length - index} of ${length} entries]`))
        break
      }
      this.size += scalarCost
      kept.push(this.any(value[index], depth + 1))
    }
    return kept
  }

  /** @param length of all keys, of which `keys` may be the first */
  private entries(value: object, keys: ReadonlyArray<string>, depth: number, length = keys.length): Json {
    if (depth >= this.limits.maxDepth) return this.note(`[Object with ${length} keys, deeper than ${depth} levels]`)
    this.size += objectCost
    const kept: Record<string, Json> = {}
    for (let index = 0; index < length; index++) {
      if (index >= this.limits.maxEntries || this.isFull) {
        kept["..."] = this.note(`[cut: ${length - index} of ${length} keys]`)
        break
      }
      const key = keys[index]!
      const entry = this.property(value, key, depth)
      if (entry === undefined) this.passedOver += entryCost
      else this.set(kept, key, entry)
    }
    return kept
  }

  private property(value: object, key: string, depth: number): Json | undefined {
    let entry: unknown
    try {
      entry = (value as Record<string, unknown>)[key]
    } catch (error) {
      entry = `[Unreadable: ${messageOf(error)}]`
    }
    // as JSON.stringify does: a key without a value is a key that is not there
    return entry === undefined ? undefined : this.any(entry, depth + 1)
  }

  private set(target: Record<string, Json>, key: string, value: Json): void {
    const kept = cutString(key, 1_024)
    this.size += entryCost + 2 * kept.length
    if (kept === "__proto__") {
      // an assignment would change the prototype instead of adding a key
      Object.defineProperty(target, kept, { value, enumerable: true, configurable: true, writable: true })
    } else {
      target[kept] = value
    }
  }

  private map(value: ReadonlyMap<unknown, unknown>, depth: number): Json {
    const entries = this.first(value)
    const keys = entries.map(([key]) => key)
    return keys.every((key) => typeof key === "string")
      ? this.entries(Object.fromEntries(entries), keys, depth, value.size)
      : this.array(entries, depth, value.size)
  }

  private error(value: Error, depth: number): Json {
    const own = Object.keys(value).filter((key) =>
      key !== "name" && key !== "message" && key !== "stack" && !(key === "body" && isAiError(value))
    )
    const hidden = ["cause", "errors"].filter((key) => key in value && !own.includes(key))
    const kept = this.entries(value, ["name", "message", ...own, "stack", ...hidden], depth)
    if (!isJsonObject(kept)) return kept
    return { ...kept, ...withoutBodiesIn(kept, "message"), ...withoutBodiesIn(kept, "stack") }
  }
}

const withoutBodiesIn = (kept: JsonObject, key: string): JsonObject => {
  const text = kept[key]
  return typeof text === "string" ? { [key]: withoutBodies(text) } : {}
}

const isBoxed = (value: object): boolean =>
  value instanceof Number || value instanceof String || value instanceof Boolean || value instanceof BigInt

const nameOf = (value: { readonly name: unknown }): string => {
  try {
    return String(value.name || "anonymous")
  } catch {
    return "anonymous"
  }
}

const messageOf = (error: unknown): string => {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return "unknown"
  }
}
