import { assert, describe, it } from "@effect/vitest"
import { Effect, FastCheck as fc } from "effect"
import * as Identifier from "../src/Identifier.ts"
import { cryptographic, IdGenerator, sequential } from "../src/IdGenerator.ts"
import { TraceContext } from "../src/TraceContext.ts"

describe("cryptographic", () => {
  it("draws ids of the right form that are never zero and never twice the same", () => {
    const traceIds = new Set<string>()
    const spanIds = new Set<string>()
    // more than several refills of the pool of random bytes
    for (let index = 0; index < 20_000; index++) {
      const traceId = cryptographic.traceId(index)
      const spanId = cryptographic.spanId()
      assert.isTrue(Identifier.isTraceId(traceId), traceId)
      assert.isTrue(Identifier.isSpanId(spanId), spanId)
      // the random part alone: the time differs anyway
      traceIds.add(traceId.slice(12))
      spanIds.add(spanId)
    }
    assert.strictEqual(traceIds.size, 20_000)
    assert.strictEqual(spanIds.size, 20_000)
  })

  it("trace ids are UUIDv7 and carry the time they were drawn for", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (millis) => {
      const id = cryptographic.traceId(millis)
      assert.match(Identifier.toUuid(id), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.strictEqual(Identifier.unixMillisOf(id), millis)
    }))
  })

  it("trace ids sort by time", () => {
    const millis = fc.integer({ min: 0, max: 2 ** 48 - 1 })
    fc.assert(fc.property(millis, millis, (one, other) => {
      fc.pre(one < other)
      assert.isTrue(cryptographic.traceId(one) < cryptographic.traceId(other))
    }))
  })

  it("every digit of an id that is not fixed takes every value", () => {
    const seen = Array.from({ length: 32 + 16 }, () => new Set<string>())
    for (let index = 0; index < 2_000; index++) {
      const digits = cryptographic.traceId(0) + cryptographic.spanId()
      for (let place = 0; place < digits.length; place++) seen[place]!.add(digits[place]!)
    }
    const varieties = seen.map((digits) => digits.size)
    assert.deepStrictEqual(varieties, [
      ...Array.from({ length: 12 }, () => 1),
      1,
      16,
      16,
      16,
      4,
      ...Array.from({ length: 15 + 16 }, () => 16)
    ])
  })

  it("any number for a time gives an id that is valid", () => {
    fc.assert(fc.property(fc.oneof(fc.double(), fc.constantFrom(-1, -0, 1.5, 2 ** 48, 1e300, NaN)), (millis) => {
      const id = cryptographic.traceId(millis)
      assert.isTrue(Identifier.isTraceId(id), `${millis}: ${id}`)
      assert.isNumber(Identifier.unixMillisOf(id))
    }))
  })
})

describe("identifiers", () => {
  it("carry a time only when they are UUIDv7", () => {
    const read = (id: string) => Identifier.unixMillisOf(id as Identifier.TraceId)
    assert.strictEqual(read("0000000000017000" + "8000000000000000"), 1)
    assert.strictEqual(read("0000000000017000" + "bfffffffffffffff"), 1)
    for (const variant of "01234567cdef") assert.isUndefined(read("0000000000017000" + variant + "fffffffffffffff"))
    for (const version of "012345689abcdef") {
      assert.isUndefined(read(`000000000001${version}000` + "8000000000000000"))
    }
    assert.isUndefined(read("1".padStart(32, "0")))
  })

  it("are told from everything else", () => {
    fc.assert(fc.property(fc.anything(), (value) => {
      assert.isFalse(Identifier.isTraceId(value))
      assert.isFalse(Identifier.isSpanId(value))
    }))
    assert.isFalse(Identifier.isTraceId("0".repeat(32)))
    assert.isFalse(Identifier.isSpanId("0".repeat(16)))
    assert.isFalse(Identifier.isSpanId("A".repeat(16)))
    assert.isTrue(Identifier.isTraceId("0".repeat(31) + "1"))
    assert.isTrue(Identifier.isSpanId("1" + "0".repeat(15)))
  })
})

describe("sequential", () => {
  it("counts traces and spans, each on its own, from 1, and every generator from the start", () => {
    const generator = sequential()
    const draw = () => [generator.traceId(0), generator.spanId(), generator.spanId()]
    assert.deepStrictEqual(draw(), ["1".padStart(32, "0"), "1".padStart(16, "0"), "2".padStart(16, "0")])
    assert.deepStrictEqual(draw(), ["2".padStart(32, "0"), "3".padStart(16, "0"), "4".padStart(16, "0")])
    assert.strictEqual(sequential().traceId(0), "1".padStart(32, "0"))
    for (let index = 0; index < 300; index++) generator.spanId()
    assert.isTrue(Identifier.isSpanId(generator.spanId()))
  })
})

describe("IdGenerator", () => {
  it.effect("is cryptographic without a layer, and provideService replaces it for what it wraps alone", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* IdGenerator, cryptographic)
      const generator = sequential()
      const counted = yield* Effect.provideService(TraceContext.root(), IdGenerator, generator)
      assert.strictEqual(counted.spanId, "1".padStart(16, "0"))
      assert.notStrictEqual((yield* TraceContext.root()).spanId, "2".padStart(16, "0"))
    }))
})
