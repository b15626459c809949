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

/** The text of a `tracestate`, as it is written: of up to 32 members, each key once. */
export const traceStateText: FastCheck.Arbitrary<string> = FastCheck.uniqueArray(
  FastCheck.tuple(
    FastCheck.stringMatching(/^[a-z0-9][a-z0-9_\-*/@]{0,20}$/),
    FastCheck.stringMatching(/^[ !-+\--<>-~]{0,20}[!-+\--<>-~]$/)
  ),
  { maxLength: 32, selector: ([key]) => key }
).map((members) => members.map(([key, value]) => `${key}=${value}`).join(","))
