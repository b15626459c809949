/** Generators that several tests share. */
import { FastCheck } from "effect"

/** Text of so many lower-case hexadecimal digits; now and then all of them are zero. */
export const hexadecimal = (length: number): FastCheck.Arbitrary<string> =>
  FastCheck.oneof(
    {
      weight: 20,
      arbitrary: FastCheck.string({
        unit: FastCheck.constantFrom(..."0123456789abcdef"),
        minLength: length,
        maxLength: length
      })
    },
    { weight: 1, arbitrary: FastCheck.constant("0".repeat(length)) }
  )
