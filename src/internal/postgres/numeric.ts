/**
 * Decimals in PostgreSQL's binary format of `numeric`: digits in base 10,000, aligned to the decimal point.
 */
import type * as BigDecimal from "effect/BigDecimal"
import type { ByteWriter } from "../byteWriter.ts"

/** @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/adt/numeric.c `numeric_recv` */
export const writeNumeric = (out: ByteWriter, { scale, value }: BigDecimal.BigDecimal): void => {
  const isNegative = value < 0n
  const decimals = Math.max(scale, 0)
  // a negative scale stands for zeros in front of the point
  const digits = `${isNegative ? -value : value}${"0".repeat(Math.max(-scale, 0))}`
  const behindPoint = Math.ceil(decimals / 4) * 4
  const inFront = Math.max(Math.ceil((digits.length - decimals) / 4), 0) * 4
  const aligned = digits.padEnd(digits.length + behindPoint - decimals, "0").padStart(inFront + behindPoint, "0")
  let first = 0
  let last = aligned.length
  while (first < last && aligned.startsWith("0000", first)) first += 4
  while (last > first && aligned.startsWith("0000", last - 4)) last -= 4
  out.int16((last - first) / 4)
  // the power of 10,000 of the first digit
  out.int16((inFront - first) / 4 - 1)
  out.int16(isNegative ? 0x4000 : 0)
  out.int16(decimals)
  for (let at = first; at < last; at += 4) out.int16(Number(aligned.slice(at, at + 4)))
}
