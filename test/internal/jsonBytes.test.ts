import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { ByteWriter } from "../../src/internal/byteWriter.ts"
import { pieceLength, writeJson } from "../../src/internal/jsonBytes.ts"
import { jsonText } from "../../src/internal/jsonText.ts"
import type { Json } from "../../src/Observation.ts"

const anyText = FastCheck.string({
  unit: FastCheck.constantFrom("a", "\"", "\\", "\n", "\u001f", "\u007f", "\0", "é", "€", "\uD83D", "\uDE00", "😀"),
  maxLength: 40
})

const { tree: anyJson } = FastCheck.letrec<{ readonly tree: Json }>((tie) => ({
  tree: FastCheck.oneof(
    { maxDepth: 4 },
    anyText,
    FastCheck.constantFrom(null, true, -1.5, 1e300),
    FastCheck.array(tie("tree")),
    FastCheck.dictionary(anyText, tie("tree"))
  )
}))

/** The text, and how much of it each step wrote. */
const written = (value: Json, length?: number): { readonly text: string; readonly steps: ReadonlyArray<number> } => {
  const out = new ByteWriter(0)
  // something stands in front of it, as in a row
  out.int32(-1)
  const steps: Array<number> = []
  let from = out.length
  const rest = writeJson(out, value, length)
  if (rest !== undefined) {
    for (const _ of rest) {
      steps.push(out.length - from)
      from = out.length
    }
  }
  return { text: out.slice(4, out.length).toString(), steps }
}

describe("JSON as bytes", () => {
  it("is the same text, wherever it is taken apart", () => {
    FastCheck.assert(
      FastCheck.property(anyJson, FastCheck.integer({ min: 1, max: 12 }), (value, length) => {
        expect(written(value, length).text).toBe(jsonText(value))
        expect(written(value).text).toBe(jsonText(value))
      }),
      { numRuns: 500 }
    )
  })

  it("knows every character", () => {
    const all = Array.from({ length: 0x300 }, (_, code) => String.fromCharCode(code))
    for (const each of all) expect(written(`abc${each}`).text).toBe(jsonText(`abc${each}`))
    expect(written(all.join("")).text).toBe(jsonText(all.join("")))
    for (let at = 0; at < 9; at++) {
      const text = `${"x".repeat(at)}"${"y".repeat(9 - at)}`
      expect(written(text).text).toBe(jsonText(text))
    }
  })

  it("holds text that is nothing but escapes, or of three bytes a character, at every length of a piece", () => {
    for (const character of ["\u0001", "€", "é", "a", "😀"]) {
      for (const length of [16_383, 16_384, 16_385, 65_536, 65_537, 200_001]) {
        const text = `'${character.repeat(length)}`
        expect(written(text).text === jsonText(text)).toBe(true)
      }
    }
  })

  it("is one step where it is small, and has none that is much larger than asked for", () => {
    const small = { role: "user", content: "what is an effect?" }
    expect(written(small)).toEqual({ text: jsonText(small), steps: [] })
    const large = [small, { role: "assistant", content: "a description of a program; ".repeat(40_000) }, small]
    const { steps, text } = written(large)
    expect(text === jsonText(large)).toBe(true)
    expect(Math.max(...steps)).toBeLessThan(pieceLength * 1.1)
  })

  it("says so where a wrong cast has let in what has no end", () => {
    const cyclic: Record<string, unknown> = { text: "x".repeat(100_000), below: [1n] }
    cyclic["self"] = [cyclic, cyclic]
    const { text } = written(cyclic as Json)
    expect(text).toContain("the value is no JSON")
    expect(JSON.parse(text)).toMatchObject({ text: cyclic["text"] })
  })
})
