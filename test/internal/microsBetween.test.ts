/** The difference of two times is what arithmetic without any rounding says. */
import { assert, describe, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { microsBetween } from "../../src/internal/recording/microsBetween.ts"

describe("microseconds between two times", () => {
  it("are those that have passed in full, and below zero where the second time is the earlier one", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }),
        // as times of a program are near each other, and as far apart as they can be
        fc.oneof(fc.bigInt({ min: -10_000n, max: 10_000n }), fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n })),
        (from, nanos) => {
          const micros = microsBetween(from, from + nanos)
          // above 2^53 nanoseconds, which are 104 days, a double has not all of them
          const slack = BigInt(Math.ceil(Math.abs(micros) / 2 ** 52))
          const exact = nanos / 1_000n - (nanos < 0n && nanos % 1_000n !== 0n ? 1n : 0n)
          const error = BigInt(micros) - exact
          assert.isTrue(error <= slack && error >= -slack, `${micros} for ${exact}`)
        }
      ),
      { numRuns: 10_000 }
    )
  })
})
