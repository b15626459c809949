import { describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { isLarge, jsonPieces, pieceLength } from "../../src/internal/jsonPieces.ts"
import { jsonText } from "../../src/internal/jsonText.ts"
import type { Json } from "../../src/Observation.ts"

const anyText = FastCheck.string({
  unit: FastCheck.constantFrom("a", "\"", "\\", "\n", "\0", "é", "\uD83D", "\uDE00", "😀")
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

describe("JSON in pieces", () => {
  it("is the same text, wherever it is taken apart", () => {
    FastCheck.assert(
      FastCheck.property(anyJson, FastCheck.integer({ min: 1, max: 12 }), (value, length) => {
        expect([...jsonPieces(value, length)].join("")).toBe(jsonText(value))
      }),
      { numRuns: 500 }
    )
  })

  it("is one piece where it is small, and has none that is much larger than asked for", () => {
    const small = { role: "user", content: "what is an effect?" }
    expect(isLarge(small)).toBe(false)
    expect([...jsonPieces(small)]).toEqual([jsonText(small)])
    const large = [small, { role: "assistant", content: "a description of a program; ".repeat(40_000) }, small]
    expect(isLarge(large)).toBe(true)
    const pieces = [...jsonPieces(large)]
    expect(pieces.join("")).toBe(jsonText(large))
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(pieceLength * 1.1)
  })

  it("says so where a wrong cast has let in what has no end", () => {
    const cyclic: Record<string, unknown> = { text: "x".repeat(100_000), below: [1n] }
    cyclic["self"] = [cyclic, cyclic]
    const text = [...jsonPieces(cyclic as Json)].join("")
    expect(text).toContain("the value is no JSON")
    expect(JSON.parse(text)).toMatchObject({ text: cyclic["text"] })
  })
})
