import { assert, describe, it } from "@effect/vitest"
import { Either, Equal, FastCheck as fc, Hash, Option, Schema } from "effect"
import * as TraceState from "../src/TraceState.ts"
import { traceStateText } from "./arbitraries.ts"

const parsed = (text: string) => Either.getOrThrow(TraceState.parse(text))
const isRefused = (text: string) => Either.isLeft(TraceState.parse(text))
const keys = (self: TraceState.TraceState) => self.members.map(([key]) => key)
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=${index}`)

describe("reading", () => {
  it("what is written is read again, to an equal list", () => {
    fc.assert(fc.property(traceStateText, (text) => {
      const state = parsed(text)
      const again = parsed(TraceState.format(state, { maxLength: Number.POSITIVE_INFINITY }))
      assert.strictEqual(again.text, text)
      assert.isTrue(Equal.equals(again, state))
      assert.strictEqual(Hash.hash(again), Hash.hash(state))
      assert.strictEqual(Schema.encodeSync(TraceState.schema)(Schema.decodeSync(TraceState.schema)(text)), text)
    }))
  })

  it("white space around members goes, and that at the start of a value stays", () => {
    assert.deepStrictEqual(parsed("a=1 \t , \t b=2,\t \tc=  3\t").members, [["a", "1"], ["b", "2"], ["c", "  3"]])
  })

  it("empty members count for nothing", () => {
    assert.strictEqual(parsed(" ,,a=1, ,").text, "a=1")
    assert.strictEqual(parsed([...numbered(32), "", " "].join(",")).members.length, 32)
    assert.isTrue(Equal.equals(parsed(""), TraceState.empty))
  })

  it("of a key that occurs twice the left member is kept", () => {
    assert.strictEqual(parsed("a=1,b=2,a=3").text, "a=1,b=2")
  })

  it("one bad member, or more than 32, refuse all of them", () => {
    assert.isFalse(isRefused(numbered(32).join(",")))
    assert.isTrue(isRefused(numbered(33).join(",")))
    const bad = ["a", "=1", "a=", "A=1", "a b=1", "a =1", "@a=1", "_a=1", "a.b=1", "ü=1", "a=ü", "a=b=c", "a=\u0001"]
    for (const member of bad) assert.isTrue(isRefused(`x=1,${member},y=2`), member)
    for (const member of ["a@=1", "a@@b=1", "0=1", "a_-*/@=!~"]) assert.isFalse(isRefused(`x=1,${member}`), member)
  })

  it("keys and values have up to 256 characters", () => {
    for (const [length, refused] of [[256, false], [257, true]] as const) {
      assert.strictEqual(isRefused(`${"k".repeat(length)}=1`), refused)
      assert.strictEqual(isRefused(`k=${"v".repeat(length)}`), refused)
    }
  })

  it("no text makes it throw, and what it takes is well-formed", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), traceStateText), (text) => {
        const read = TraceState.parse(text)
        if (Either.isRight(read)) assert.isTrue(Equal.equals(parsed(read.right.text), read.right))
      }),
      { numRuns: 1_000 }
    )
  })
})

describe("changing", () => {
  it("what is set stands at the left, once", () => {
    const state = parsed("a=1,b=2,c=3")
    assert.strictEqual(Either.getOrThrow(TraceState.set(state, "b", "9")).text, "b=9,a=1,c=3")
    assert.strictEqual(Either.getOrThrow(state.pipe(TraceState.set("d", "4"))).text, "d=4,a=1,b=2,c=3")
    assert.strictEqual(state.text, "a=1,b=2,c=3")
  })

  it("the 33rd member is dropped from the right", () => {
    const full = Either.getOrThrow(TraceState.set(parsed(numbered(32).join(",")), "own", "1"))
    assert.deepStrictEqual(keys(full), ["own", ...keys(parsed(numbered(31).join(",")))])
  })

  it("a bad key or value is refused", () => {
    for (const [key, value] of [["", "1"], ["K", "1"], ["k", ""], ["k", "1,x=2"], ["k", "1 "], ["k", "="]] as const) {
      assert.isTrue(Either.isLeft(TraceState.set(TraceState.empty, key, value)), `${key} ${value}`)
    }
  })

  it("get finds what set put there, and remove takes it out", () => {
    const state = Either.getOrThrow(TraceState.set(parsed("ab=1"), "a", "2"))
    assert.deepStrictEqual(TraceState.get(state, "a"), Option.some("2"))
    assert.deepStrictEqual(TraceState.get(state, "b"), Option.none())
    assert.strictEqual(TraceState.remove(state, "a").text, "ab=1")
    assert.isTrue(Equal.equals(TraceState.remove(parsed("a=1"), "a"), TraceState.empty))
  })
})

describe("writing", () => {
  it("512 characters are written, and of more only whole members", () => {
    const member = (key: string, length: number) => `${key}=${"x".repeat(length - key.length - 1)}`
    const fits = [member("a", 100), member("b", 100), member("c", 100), member("d", 100), member("e", 108)].join(",")
    assert.strictEqual(fits.length, 512)
    assert.strictEqual(TraceState.format(parsed(fits)), fits)
    assert.strictEqual(TraceState.format(parsed(`${fits},f=1`)), fits)
  })

  it("members of more than 128 characters go first, from the right, and then others from the right", () => {
    const large = (key: string) => `${key}=${"x".repeat(127)}`
    const state = parsed(`${large("a")},b=1,${large("c")},d=1`)
    assert.deepStrictEqual(keys(parsed(TraceState.format(state, { maxLength: 150 }))), ["a", "b", "d"])
    assert.deepStrictEqual(keys(parsed(TraceState.format(state, { maxLength: 20 }))), ["b", "d"])
    assert.deepStrictEqual(keys(parsed(TraceState.format(state, { maxLength: 3 }))), ["b"])
    assert.strictEqual(TraceState.format(state, { maxLength: 0 }), "")
    // exactly 128 is not more than 128
    assert.deepStrictEqual(keys(parsed(TraceState.format(parsed(`a=${"x".repeat(126)},b=1`), { maxLength: 128 }))), [
      "a"
    ])
  })

  it("never exceeds its limit, and writes a part of what there is, in its order", () => {
    fc.assert(fc.property(traceStateText, fc.nat(600), (text, maxLength) => {
      const written = TraceState.format(parsed(text), { maxLength })
      assert.isAtMost(written.length, maxLength)
      const rest = text.split(",")
      for (const member of parsed(written).text.split(",").filter(Boolean)) {
        const at = rest.indexOf(member)
        assert.isAtLeast(at, 0)
        rest.splice(0, at + 1)
      }
    }))
  })
})

it("is frozen, prints its members, and differs from a list in another order", () => {
  const state = parsed("a=1,b=2")
  assert.isTrue(Object.isFrozen(state))
  assert.include(String(state), "\"a\"")
  assert.isFalse(Equal.equals(state, parsed("b=2,a=1")))
})
