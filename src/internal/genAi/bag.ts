/** Reads attributes as any instrumentation may have written them: values of the wrong type count as missing. */
import { type Name, names } from "./names.ts"

/**
 * Attributes by name: those of an Effect span, or an object.
 *
 * @since 0.1.0
 * @category models
 */
export type Attributes = ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>

export class Bag {
  private readonly attributes: Attributes

  constructor(attributes: Attributes) {
    this.attributes = attributes
  }

  /** The value under the newest name that is present. */
  value(name: Name): unknown {
    for (const attribute of names[name]) {
      const value = this.get(attribute)
      if (value !== undefined && value !== null) return value
    }
    return undefined
  }

  text(name: Name): string | undefined {
    const value = this.value(name)
    return typeof value === "string" && value !== "" ? value : undefined
  }

  /** A number, including one written as text or as a bigint, as exporters do. */
  number(name: Name): number | undefined {
    const value = this.value(name)
    if (typeof value === "number") return value
    if (typeof value === "bigint") return Number(value)
    return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))
      ? Number(value)
      : undefined
  }

  flag(name: Name): boolean | undefined {
    const value = this.value(name)
    return typeof value === "boolean" ? value : undefined
  }

  /** A list of texts; a single text counts as a list of one. */
  texts(name: Name): ReadonlyArray<string> {
    const value = this.value(name)
    return typeof value === "string"
      ? [value]
      : Array.isArray(value)
      ? value.filter((each) => typeof each === "string")
      : []
  }

  private get(attribute: string): unknown {
    try {
      return this.attributes instanceof Map
        ? this.attributes.get(attribute)
        : (this.attributes as Readonly<Record<string, unknown>>)[attribute]
    } catch {
      // thrown by a getter or a proxy of the application
      return undefined
    }
  }
}
