import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Equal, FastCheck as fc, Hash, Option } from "effect"
import * as Baggage from "../src/Baggage.ts"

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const text = fc.string({ unit: "grapheme", maxLength: 20 })
const member: fc.Arbitrary<Baggage.Member> = fc.record({
  key: token,
  value: text,
  properties: fc.array(fc.record({ key: token, value: fc.option(text, { nil: undefined }) }), { maxLength: 3 })
})
const members = fc.uniqueArray(member, { maxLength: 10, selector: ({ key }) => key })

const made = (given: ReadonlyArray<Baggage.Member>) =>
  given.reduce(
    (baggage, { key, properties, value }) => Either.getOrThrow(Baggage.set(baggage, key, value, properties)),
    Baggage.empty
  )

const parsed = (header: string) => Baggage.parse(header).baggage
const pairs = ({ members }: Baggage.Baggage) => members.map(({ key, value }) => [key, value])
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=${index}`).join(",")

describe("reading and writing", () => {
  it("what is written is read again, whatever its values and properties", () => {
    fc.assert(fc.property(members, (given) => {
      const baggage = made(given)
      const header = Baggage.format(baggage, { maxBytes: Number.POSITIVE_INFINITY })
      assert.match(header, /^[\x21-\x7e]*$/)
      const { baggage: again, refused } = Baggage.parse(header, { maxBytes: Number.POSITIVE_INFINITY })
      assert.isTrue(Equal.equals(again, baggage))
      assert.strictEqual(Hash.hash(again), Hash.hash(baggage))
      assert.deepStrictEqual(again.members, given)
      assert.deepStrictEqual(refused, [])
    }))
  })

  it("reads the specification's examples", () => {
    assert.deepStrictEqual(
      parsed("key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=propertyValue").members,
      [
        {
          key: "key1",
          value: "value1",
          properties: [{ key: "property1", value: undefined }, { key: "property2", value: undefined }]
        },
        { key: "key2", value: "value2", properties: [] },
        { key: "key3", value: "value3", properties: [{ key: "propertyKey", value: "propertyValue" }] }
      ]
    )
    assert.deepStrictEqual(pairs(parsed("userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false")), [
      ["userId", "Amélie"],
      ["serverNode", "DF 28"],
      ["isProduction", "false"]
    ])
  })

  it("bytes that are no UTF-8 become U+FFFD, and a percent sign that is followed by no byte stands for itself", () => {
    assert.deepStrictEqual(pairs(parsed("a=%FF%41,b=100%,c=%zz,d=%")), [
      ["a", "\ufffdA"],
      ["b", "100%"],
      ["c", "%zz"],
      ["d", "%"]
    ])
  })

  it("what is not safe in a header is encoded: separators, quotes, controls, the percent sign, and all beyond ASCII", () => {
    const baggage = made([{ key: "k", value: "a b,c;d\"e\\f%g\n=ü\ud800", properties: [] }])
    assert.strictEqual(Baggage.format(baggage), "k=a%20b%2Cc%3Bd%22e%5Cf%25g%0A=%C3%BC%EF%BF%BD")
  })

  it("a malformed member goes alone", () => {
    const { baggage, refused } = Baggage.parse("a=1,b,=2,c d=3,e=f g,h=\"i\",j=1;k l,ü=1,z=26")
    assert.deepStrictEqual(pairs(baggage), [["a", "1"], ["z", "26"]])
    assert.deepStrictEqual(refused.map(({ message }) => message), ["baggage refused in part: 7 malformed members"])
  })

  it("of a key that occurs twice the last member stands, in the first's place", () => {
    assert.deepStrictEqual(pairs(parsed("a=1,b=2,a=3")), [["a", "3"], ["b", "2"]])
  })

  it("64 members are taken, and of more the first 64", () => {
    assert.deepStrictEqual(Baggage.parse(numbered(64)).refused, [])
    const { baggage, refused } = Baggage.parse(numbered(65))
    assert.strictEqual(baggage.members.length, 64)
    assert.strictEqual(refused.length, 1)
    assert.strictEqual(Baggage.format(parsed(numbered(64)), { maxMembers: 2 }), "k0=0,k1=1")
  })

  it("8,192 bytes are taken, and of more whole members", () => {
    const header = `a=${"x".repeat(8_186)},b=`
    assert.strictEqual(header.length, 8_191)
    assert.deepStrictEqual(Baggage.parse(`${header}1`).refused, [])
    const { baggage, refused } = Baggage.parse(`${header}12`)
    assert.deepStrictEqual(baggage.members.map(({ key }) => key), ["a"])
    assert.strictEqual(refused.length, 1)
    // a value of one character has three bytes when it is encoded
    const encoded = made([{ key: "a", value: "1", properties: [] }, { key: "b", value: " ", properties: [] }])
    assert.strictEqual(Baggage.format(encoded, { maxBytes: 9 }), "a=1,b=%20")
    assert.strictEqual(Baggage.format(encoded, { maxBytes: 8 }), "a=1")
  })

  it("lines in headers of any form are one list, and none is an empty one", () => {
    assert.deepStrictEqual(pairs(Baggage.fromHeaders({ Baggage: ["a=1", "b=2"] }).baggage), [["a", "1"], ["b", "2"]])
    assert.isTrue(Equal.equals(Baggage.fromHeaders({}).baggage, Baggage.empty))
  })

  it("no text makes it throw, and what it takes can be written and read", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.stringMatching(/^[ab=;, %0-9]*$/)),
        (header) => {
          const baggage = parsed(header)
          assert.isTrue(Equal.equals(parsed(Baggage.format(baggage)), baggage))
        }
      ),
      { numRuns: 1_000 }
    )
  })
})

describe("changing", () => {
  it("set replaces in place, get finds, remove takes out", () => {
    const baggage = parsed("a=1,b=2")
    const changed = Either.getOrThrow(baggage.pipe(Baggage.set("a", "9")))
    assert.deepStrictEqual(pairs(changed), [["a", "9"], ["b", "2"]])
    assert.deepStrictEqual(Baggage.get(changed, "a"), Option.some("9"))
    assert.deepStrictEqual(Baggage.get(changed, "c"), Option.none())
    assert.deepStrictEqual(pairs(Baggage.remove(changed, "a")), [["b", "2"]])
    assert.deepStrictEqual(pairs(baggage), [["a", "1"], ["b", "2"]])
    assert.isTrue(Object.isFrozen(baggage) && Object.isFrozen(baggage.members))
  })

  it("a key that is no token is refused, of a property, too", () => {
    for (const key of ["", "a b", "a=b", "ü", "a\n"]) {
      assert.isTrue(Either.isLeft(Baggage.set(Baggage.empty, key, "1")), key)
      assert.isTrue(Either.isLeft(Baggage.set(Baggage.empty, "a", "1", [{ key, value: undefined }])), key)
    }
  })
})

describe("the ambient baggage", () => {
  it.effect("is empty, and what was set inside, also in forked fibers", () =>
    Effect.gen(function*() {
      assert.isTrue(Equal.equals(yield* Baggage.current, Baggage.empty))
      const baggage = parsed("a=1")
      const seen = yield* Effect.all([Baggage.current, Baggage.current], { concurrency: "unbounded" }).pipe(
        Baggage.withBaggage(baggage)
      )
      assert.deepStrictEqual(seen, [baggage, baggage])
    }))
})
