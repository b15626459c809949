import { describe, expect, it } from "@effect/vitest"
import { BigDecimal, FastCheck as fc } from "effect"
import { crc32 } from "node:zlib"
import { headBytes, tailBytes } from "../../../src/internal/spool/frame.ts"
import { decode, encode, ResourcePool } from "../../../src/internal/spool/payload.ts"
import type { Json, Observation, Resource } from "../../../src/Observation.ts"
import { chatMessage, documentEvent, modelCall, resource, span, spanId, trace, usage, usd } from "../../observations.ts"
import { run } from "../steps.ts"

const payloadOf = (records: ReadonlyArray<Observation>): Buffer => {
  const { bytes } = run(encode(records as [Observation, ...Array<Observation>])).frame!
  return bytes.subarray(headBytes, bytes.length - tailBytes)
}

const read = (payload: Buffer, pool = new ResourcePool()) => run(decode(payload, crc32(payload), pool))

const roundTrip = (...records: ReadonlyArray<Observation>) => read(payloadOf(records))

/** Any text, lone surrogates, NUL and line separators included. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom("\u0000", "\ud800", "\udc00\ud800", "a\nb\r\u2028", "__proto__", "\ufeff")
)

/** Any number but minus zero: JSON writes that as zero, and every store that is filled from JSON does too. */
const number = (constraints?: fc.DoubleConstraints) => fc.double(constraints).map((value) => value === 0 ? 0 : value)

const json: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.boolean(),
    fc.constant(null),
    number({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(text, tie("json"), { maxKeys: 4 })
  )
})).json

const jsonObject = fc.dictionary(text, json, { maxKeys: 4 })
const orUndefined = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })
const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -20, max: 20 }))
  .map(([value, scale]) => BigDecimal.make(value, scale))

const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.record({
    name: orUndefined(text),
    userId: orUndefined(text),
    tags: orUndefined(fc.array(text)),
    metadata: orUndefined(jsonObject),
    input: orUndefined(json),
    costUsd: orUndefined(decimal)
  }).map(({ costUsd, ...fields }) =>
    trace({ ...fields, totals: { inputTokens: 3, outputTokens: undefined, costUsd, stated: true } })
  ),
  fc.record({
    name: text,
    type: text,
    attributes: orUndefined(jsonObject),
    input: orUndefined(json),
    output: orUndefined(json),
    error: orUndefined(fc.record({ type: text, message: text, cause: orUndefined(text) })),
    modelCall: orUndefined(decimal.map((costUsd) => modelCall({ costUsd, usage: usage({ outputTokens: 7 }) }))),
    durationMicros: orUndefined(number())
  }).map(span),
  fc.record({ role: text, content: json, sources: orUndefined(json), metadata: orUndefined(jsonObject) })
    .map(chatMessage),
  fc.record({
    documentId: text,
    metrics: orUndefined(jsonObject),
    error: orUndefined(fc.record({
      type: text,
      message: text,
      cause: orUndefined(text),
      retryable: orUndefined(fc.boolean()),
      retryCount: orUndefined(fc.nat())
    }))
  }).map(documentEvent)
)

describe("a payload", () => {
  it("gives back exactly what was written", () => {
    fc.assert(fc.property(fc.array(observation, { minLength: 1, maxLength: 5 }), (records) => {
      expect(roundTrip(...records)).toStrictEqual(records)
    }))
  })

  it("keeps the digits and the scale of a decimal", () => {
    const [read] = roundTrip(span({ modelCall: modelCall({ costUsd: BigDecimal.make(1100n, 4) }) }))!
    const cost = read?._tag === "Span" ? read.modelCall?.costUsd : undefined
    expect([cost?.value, cost?.scale]).toEqual([1100n, 4])
  })

  it("shares one object among the records of one resource, from batch to batch", () => {
    const other: Resource = { ...resource, release: undefined }
    const records = [span(), span({ resource: other }), span({ resource: { ...resource } })]
    const pool = new ResourcePool()
    const [first, second, third] = [...read(payloadOf(records), pool)!, ...read(payloadOf(records), pool)!]
    expect(first?.resource).toStrictEqual(resource)
    expect(second?.resource).toStrictEqual(other)
    expect(third?.resource).toBe(first?.resource)
    expect(new Set([...read(payloadOf(records), pool)!].map((record) => record.resource)).size).toBe(2)
  })

  it("leaves out what is no observation", () => {
    const whole = payloadOf([span({ spanId: spanId(1) }), span({ spanId: spanId(2) }), trace({ totals: undefined })])
    const lines = whole.toString().split("\n")
    const spoil = (change: (line: string) => string) =>
      read(Buffer.from([lines[0], lines[1], change(lines[2]!), lines[3], ""].join("\n")))?.length
    expect(spoil((line) => line)).toBe(3)
    expect(spoil(() => "null")).toBe(2)
    expect(spoil(() => "{")).toBe(2)
    expect(spoil(() => "[]")).toBe(2)
    expect(spoil((line) => line.replace("\"Span\"", "\"Spam\""))).toBe(2)
    expect(spoil((line) => line.replace("\"in_progress\"", "\"done\""))).toBe(2)
    expect(spoil((line) => line.replace("0000000000000002", "000000000000000g"))).toBe(2)
    expect(spoil((line) => line.replace("\"resource\":0", "\"resource\":1"))).toBe(2)
    expect(read(Buffer.from(["{}", ...lines.slice(1)].join("\n")))).toEqual([])
    expect(run(decode(whole, crc32(whole) ^ 1, new ResourcePool()))).toBeUndefined()
    expect(roundTrip(trace({ totals: { inputTokens: 1, outputTokens: 1, costUsd: usd("0.1"), stated: false } })))
      .toHaveLength(1)
  })
})
