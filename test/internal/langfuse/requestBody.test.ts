import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { requestBody } from "../../../src/internal/langfuse/requestBody.ts"
import { run } from "../steps.ts"

const bytesOf = (body: unknown): string => run(requestBody(body)).toString()

describe("the body of a request", () => {
  it("is what JSON.stringify makes of it", () => {
    const large = fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), fc.integer({ min: 65_530, max: 140_000 }))
      .map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length)))
    const text = fc.oneof(fc.string({ unit: "grapheme" }), large)
    const body = fc.array(
      fc.dictionary(
        fc.string(),
        fc.oneof(text, fc.constant(undefined), fc.integer(), fc.array(text, { maxLength: 2 }))
      ),
      { maxLength: 3 }
    )
    fc.assert(
      fc.property(body, (batch) => {
        expect(bytesOf({ batch })).toBe(JSON.stringify({ batch }))
      }),
      { numRuns: 50 }
    )
  })

  it("pauses within a large text", () => {
    expect(Array.from(requestBody({ text: "x".repeat(1_000_000) })).length).toBeGreaterThan(15)
  })
})
