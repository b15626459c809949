import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { ByteWriter } from "../../../src/internal/byteWriter.ts"
import { frameOf, writeBody } from "../../../src/internal/langfuse/requestBody.ts"
import { CutText } from "../../../src/internal/langfuse/text.ts"
import { run } from "../steps.ts"
import { sentJson } from "./bodies.ts"

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
        expect(sentJson({ batch })).toBe(JSON.stringify({ batch }))
      }),
      { numRuns: 50 }
    )
  })

  it("has a cut text as one", () => {
    const text = "\"quoted\" ".repeat(20_000)
    expect(JSON.parse(sentJson([{ text: new CutText(text, 100_000) }, new CutText("short", 2)]))).toEqual([
      { text: `${text.slice(0, 100_000)}... [cut, 180000 characters]` },
      "sh... [cut, 5 characters]"
    ])
  })

  it("pauses within a large text, cut or not", () => {
    const text = "x".repeat(1_000_000)
    const pauses = (body: unknown) => Array.from(writeBody(new ByteWriter(0), frameOf(body))).length
    expect(pauses({ text })).toBeGreaterThan(15)
    expect(pauses({ text: new CutText(text, 900_000) })).toBeGreaterThan(13)
  })

  it("has room from the start for all that English text needs", () => {
    const frame = frameOf({ text: "\"It is so,\" she said.\n".repeat(50_000) })
    const out = new ByteWriter(frame.bytes)
    const { capacity } = out
    run(writeBody(out, frame))
    expect(out.capacity).toBe(capacity)
  })
})
