/**
 * The attributes of a span, or the metadata of a trace, while more may come. Entries are added in place: copying all of
 * them for each new one would take quadratic time. An object that has been handed over is copied before it changes.
 */
import type { Json, JsonObject } from "../../Observation.ts"
import type { CaptureLimits } from "../capture.ts"

export class Entries {
  private known: Record<string, Json>
  private count: number
  private bytes: number
  private leftOut = 0
  private isHandedOver = false

  /** @param known an object that nobody else holds @param bytes its estimated size */
  constructor(known: JsonObject, bytes: number) {
    this.known = known as Record<string, Json>
    this.count = Object.keys(known).length
    this.bytes = bytes
  }

  /** The current entries. */
  get values(): JsonObject {
    return this.known
  }

  get(key: string): Json | undefined {
    return Object.hasOwn(this.known, key) ? this.known[key] : undefined
  }

  /**
   * Sets an entry, replacing one of the same name, unless that exceeds the limits of one captured value.
   *
   * @param growth the bytes that it takes, less those of the entry that it replaces
   * @returns the bytes by which all entries together have grown
   */
  put(key: string, value: Json, growth: number, { maxBytes, maxEntries }: CaptureLimits): number {
    const isNew = !Object.hasOwn(this.known, key)
    if (isNew && this.count >= maxEntries || this.bytes + growth > maxBytes) {
      this.set(leftOutKey, ++this.leftOut)
      return 0
    }
    this.set(key, value)
    this.bytes += growth
    return growth
  }

  /** Sets entries of the recorder itself, regardless of the limits. */
  add(values: JsonObject): this {
    for (const [key, value] of Object.entries(values)) this.set(key, value)
    return this
  }

  /** Returns the current entries, which do not change any more: later changes go to a copy. */
  handOver(): JsonObject {
    this.isHandedOver = true
    return this.known
  }

  private set(key: string, value: Json): void {
    if (this.isHandedOver) {
      this.known = { ...this.known }
      this.isHandedOver = false
    }
    if (!Object.hasOwn(this.known, key)) this.count++
    // an assignment would change the object's prototype
    if (key === "__proto__") Object.defineProperty(this.known, key, { value, ...ownProperty })
    else this.known[key] = value
  }
}

// internal

/** Named after OpenTelemetry's count of attributes beyond a limit. */
const leftOutKey = "observability.dropped_attributes"

const ownProperty = { enumerable: true, writable: true, configurable: true }
