/** A sum of figures that become known, and may be corrected: not known, which is not zero, while none of them is. */
import * as Equal from "effect/Equal"

export class Sum<A> {
  private readonly plus: (left: A, right: A) => A
  private readonly minus: (left: A, right: A) => A
  private total: A
  /** Of how many figures it is. */
  private parts = 0

  constructor(zero: A, plus: (left: A, right: A) => A, minus: (left: A, right: A) => A) {
    this.total = zero
    this.plus = plus
    this.minus = minus
  }

  get value(): A | undefined {
    return this.parts === 0 ? undefined : this.total
  }

  /** Takes a figure in the place of what was known of it before. @returns whether it is another one */
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
