import { assert, describe, it } from "@effect/vitest"
import { Either, FastCheck, Schema } from "effect"
import type { TraceId } from "../src/Identifier.ts"
import * as Identifier from "../src/Identifier.ts"
import { hexadecimal } from "./arbitraries.ts"

describe("an id from outside", () => {
  it.prop("is accepted exactly when it is lower-case hexadecimal of the right length and not zero", [
    FastCheck.oneof(hexadecimal(32), hexadecimal(16), FastCheck.string(), FastCheck.string({ unit: "binary" }))
  ], ([text]) => {
    const isHexadecimal = Array.from(text).every((character) => "0123456789abcdef".includes(character))
    const isZero = Array.from(text).every((character) => character === "0")
    assert.strictEqual(Identifier.isTraceId(text), isHexadecimal && !isZero && text.length === 32)
    assert.strictEqual(Identifier.isSpanId(text), isHexadecimal && !isZero && text.length === 16)
  })

  it("is refused when it is zero, in upper case, too long, or no text", () => {
    const bad = ["0".repeat(32), "A".repeat(32), "a".repeat(33), `${"a".repeat(32)}\n`, "", undefined, null, 5, {}]
    for (const id of bad) assert.isFalse(Identifier.isTraceId(id), String(id))
    for (const id of ["0".repeat(16), "F".repeat(16), `\n${"a".repeat(16)}`]) assert.isFalse(Identifier.isSpanId(id))
  })

  it("is refused by its schema with a sentence that says what is expected", () => {
    const refused = Schema.decodeUnknownEither(Identifier.TraceId)("0".repeat(32))
    assert.isTrue(Either.isLeft(refused))
    assert.include(String(Either.getOrThrow(Either.flip(refused))), "32 lower-case hexadecimal digits, not all zero")
  })
})

describe("a trace id", () => {
  it("in uuid form has the same digits, hyphenated", () => {
    const id = "0195512f6c0070008000000000000001" as TraceId
    assert.strictEqual(Identifier.toUuid(id), "0195512f-6c00-7000-8000-000000000001")
  })

  it.prop("tells a time only when it has the version and variant bits of UUIDv7", [hexadecimal(32)], ([id]) => {
    const isUuidV7 = id[12] === "7" && "89ab".includes(id[16]!)
    assert.strictEqual(
      Identifier.unixMillisOf(id as TraceId),
      isUuidV7 ? Number(BigInt(`0x${id.slice(0, 12)}`)) : undefined
    )
  })
})
