/**
 * The attributes of a span, or the metadata of a trace, while there may come more: entries are added in place, as copies of
 * all for each one that comes would take a time that grows with the square of them. What has been handed over is copied
 * before it changes.
 */
import type { Json, JsonObject } from "../../Observation.ts"
import type { CaptureLimits } from "../capture.ts"

export class Entries {
  private known: Record<string, Json>
  private count: number
  private bytes: number
  private leftOut = 0
  private isHandedOver = false

  /** @param known an object that nobody else has @param bytes what it is estimated to take */
  constructor(known: JsonObject, bytes: number) {
    this.known = known as Record<string, Json>
    this.count = Object.keys(known).length
    this.bytes = bytes
  }

  /** By now. */
  get values(): JsonObject {
    return this.known
  }

  get(key: string): Json | undefined {
    return Object.hasOwn(this.known, key) ? this.known[key] : undefined
  }

  /**
   * Takes an entry, in the place of one of its name, unless that is more than one captured value may have.
   *
   * @param growth in bytes, what it takes less what the one in its place has taken
   * @returns by how much all of them have grown
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

  /** Takes what the recorder itself has to say, however much there is. */
  add(values: JsonObject): this {
    for (const [key, value] of Object.entries(values)) this.set(key, value)
    return this
  }

  /** What nobody changes any more. */
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
    // an assignment would give the object another prototype
    if (key === "__proto__") Object.defineProperty(this.known, key, { value, ...ownProperty })
    else this.known[key] = value
  }
}

// internal

/** As OpenTelemetry calls what is beyond a limit. */
const leftOutKey = "observability.dropped_attributes"

const ownProperty = { enumerable: true, writable: true, configurable: true }
