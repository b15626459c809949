import { describe, expect, it } from "@effect/vitest"
import { FastCheck as fc } from "effect"
import { entryOf } from "../../../src/internal/langfuse/entryOf.ts"
import { fit } from "../../../src/internal/langfuse/fit.ts"
import { isoOf, nanosOf } from "../../../src/internal/langfuse/instants.ts"
import { content, cut, environmentName, identifier, label } from "../../../src/internal/langfuse/text.ts"
import { closedSpan } from "../../langfuse/records.ts"
import { run } from "../steps.ts"
import { sentJson } from "./bodies.ts"

const anyText = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 })
  .map((units) => String.fromCharCode(...units))

describe("text", () => {
  it("is cut to its limit, whole characters and with a mark", () => {
    expect(cut("short", 10)).toBe("short")
    const long = cut("😀".repeat(1_000), 101)
    expect(long.length).toBeLessThanOrEqual(101)
    expect(long.isWellFormed()).toBe(true)
    expect(long).toMatch(/\.\.\. \[cut, 2000 characters\]$/)
  })

  it("of one line has no control characters", () => {
    expect(label("a\r\n\tb\u0000c\u007f", 100)).toBe("a b c ")
  })

  it("is never one that a server loses", () => {
    fc.assert(fc.property(anyText, anyText, (key, value) => {
      const texts = [content(value), content({ [key]: [value] }), label(value, 20), identifier(value) ?? ""]
      for (const text of texts) {
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toContain("\0")
        expect(text).not.toMatch(/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/)
      }
    }))
  })

  it("that spells out an escape keeps it", () => {
    const text = "a \\u0000 and \\\\ud800 in a regular expression"
    expect(content(text)).toBe(text)
    expect(JSON.parse(content({ text }))).toEqual({ text })
  })
})

describe("identifiers", () => {
  it("that are long are cut, and stay different", () => {
    const [left, right] = ["a", "b"].map((end) => identifier("x".repeat(300) + end)!)
    expect(left!.length).toBe(200)
    expect(left).not.toBe(right)
    expect(identifier("x".repeat(300) + "a")).toBe(left)
  })

  it("that are nothing but control characters are none", () => {
    expect([identifier(""), identifier("\0\n"), identifier("a\nb")]).toEqual([undefined, undefined, "ab"])
  })
})

describe("environments", () => {
  it.each([
    ["Production", "production"],
    ["EU West (1)", "eu-west-1-"],
    ["Langfuse-PROD", "prod"],
    ["langfuse", undefined],
    ["", undefined],
    [undefined, undefined],
    ["x".repeat(50), "x".repeat(40)]
  ])("%s is %s", (given, expected) => {
    expect(environmentName(given)).toBe(expected)
  })
})

describe("instants", () => {
  it("are written to the microsecond", () => {
    expect(isoOf(1_772_359_200_123_456)).toBe("2026-03-01T10:00:00.123456Z")
    expect(nanosOf(1_772_359_200_123_456)).toBe("1772359200123456000")
  })

  it("that nobody can have meant are the nearest that a store holds", () => {
    expect(isoOf(Number.NaN)).toBe("1970-01-01T00:00:00.000000Z")
    expect(isoOf(-1)).toBe("1970-01-01T00:00:00.000000Z")
    expect(isoOf(Number.POSITIVE_INFINITY)).toBe("2262-01-01T00:00:00.000000Z")
    expect(nanosOf(1e300)).toMatch(/^\d{19}$/)
  })
})

describe("an entry that is too large", () => {
  const bytes = (value: unknown) => Buffer.byteLength(sentJson(value))
  const textOf = (value: unknown): string => JSON.parse(sentJson(value))
  const entry = run(entryOf(closedSpan({
    input: "é".repeat(20_000),
    output: "\"".repeat(10_000),
    attributes: { small: "kept", large: "\u0001".repeat(5_000) }
  })))

  /** Texts of one sort of character, and of several: they differ in bytes. */
  const texts = fc.array(
    fc.array(
      fc.tuple(fc.constantFrom("x", "é", "\"", "\u0001", "😀"), fc.integer({ min: 0, max: 100_000 })),
      { minLength: 1, maxLength: 3 }
    ).map((parts) => parts.map(([unit, length]) => unit.repeat(length / unit.length)).join("")),
    { minLength: 2, maxLength: 6 }
  )

  it.prop("fits, cut down to a common level, and wastes no room", [texts, fc.integer({ min: 2_000, max: 400_000 })], (
    [[input, output, ...others], maxBytes]
  ) => {
    const whole = { ...entry, input, output, metadata: others.map((text, at) => [`${at}`, text] as const) }
    const sizesOf = ({ input, metadata, output }: typeof entry) =>
      [input, output, ...metadata.map(([, text]) => text)].map(bytes)
    const before = sizesOf(whole)
    const after = sizesOf(run(fit(whole, maxBytes)))
    const wasCut = (_: number, at: number) => after[at] !== before[at]
    const level = Math.max(...after)
    const free = maxBytes - after.reduce((sum, size) => sum + size, 0)
    expect(free).toBeGreaterThanOrEqual(0)
    const cut = after.filter(wasCut)
    if (cut.length > 0) {
      expect(Math.min(...cut)).toBeGreaterThan(level - remainder)
      expect(Math.min(...before.filter(wasCut))).toBeGreaterThan(level - remainder)
      expect(free).toBeLessThan(cut.length * remainder)
    }
  }, { fastCheck: { numRuns: 50 } })

  /** Of the room for a mark and for a character, of which halves count more than the whole. */
  const remainder = 120

  it("of two large texts keeps as much of the one as of the other", () => {
    const large = { ...entry, input: "x".repeat(1_000_000), output: "y".repeat(950_000), metadata: [] }
    const { input, output } = run(fit(large, 900_000))
    for (const text of [input, output]) expect(Math.abs(bytes(text) - 450_000)).toBeLessThan(remainder)
  })

  it("says where it is cut, and how long it was", () => {
    const smaller = run(fit(entry, 60_000))
    expect(textOf(smaller.input)).toMatch(/^é+\.\.\. \[cut, 20000 characters\]$/)
    expect(smaller.metadata).toContainEqual(["small", "kept"])
  })

  it("is cut in several places where one is not enough", () => {
    const smallest = run(fit(entry, 2_000))
    expect(bytes([smallest.input, smallest.output, smallest.metadata])).toBeLessThan(2_500)
    expect(textOf(smallest.output)).toMatch(/\[cut, 10000 characters\]$/)
  })

  it("says how long it was, though it is cut again", () => {
    const again = run(fit(run(fit(entry, 60_000)), 2_000))
    expect(textOf(again.input)).toMatch(/^é+\.\.\. \[cut, 20000 characters\]$/)
  })

  it("is itself when it is not", () => {
    expect(run(fit(entry, 1_000_000))).toBe(entry)
  })

  it("is cut as it is made, where its record says that it is large", () => {
    const large = closedSpan({ input: "x".repeat(2_000_000), size: 4_000_000 })
    expect(bytes(run(entryOf(large)).input)).toBeLessThanOrEqual(900_000)
  })
})
