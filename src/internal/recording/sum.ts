/**
 * A sum of figures that become known one by one and may be corrected. While none of them is known, the sum is unknown,
 * not zero.
 */
import * as Equal from "effect/Equal"

export class Sum<A> {
  private readonly plus: (left: A, right: A) => A
  private readonly minus: (left: A, right: A) => A
  private total: A
  /** The number of known figures. */
  private parts = 0

  constructor(zero: A, plus: (left: A, right: A) => A, minus: (left: A, right: A) => A) {
    this.total = zero
    this.plus = plus
    this.minus = minus
  }

  get value(): A | undefined {
    return this.parts === 0 ? undefined : this.total
  }

  /** Replaces what was known of a figure before. @returns whether the figure has changed */
  replace(before: A | undefined, figure: A | undefined): boolean {
    if (Equal.equals(before, figure)) return false
    if (before !== undefined) {
      this.total = this.minus(this.total, before)
      this.parts--
    }
    if (figure !== undefined) {
      this.total = this.plus(this.total, figure)
      this.parts++
    }
    return true
  }
}
