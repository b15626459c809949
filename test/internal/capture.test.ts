import { HttpClientRequest } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { BigDecimal, Data, FastCheck, Option, Redacted } from "effect"
import type { CaptureLimits } from "../../src/internal/capture.ts"
import { capture, captureLimits, captureObject, cutString } from "../../src/internal/capture.ts"
import type { Json } from "../../src/Observation.ts"

const captured = (value: unknown, limits?: Partial<CaptureLimits>): Json => capture(value, captureLimits(limits)).value

const thrown = (): never => {
  throw new Error("hostile")
}

const cycle = (() => {
  const object: Record<string, unknown> = { name: "loop" }
  object["self"] = object
  return object
})()

const endlessJson = (): object => ({ toJSON: endlessJson })

const deep = (levels: number): unknown => levels === 0 ? "bottom" : { next: deep(levels - 1) }

const hostileValues: ReadonlyArray<unknown> = [
  cycle,
  { list: [cycle, cycle] },
  endlessJson(),
  deep(200),
  new Array(1e9),
  Array.from({ length: 5_000 }, (_, index) => index),
  new Map<unknown, unknown>([[{}, 1], ["a", new Map([["__proto__", 2]])]]),
  new Set([1, new Set([NaN])]),
  new Date(NaN),
  new Date(0),
  Redacted.make("canary"),
  { nested: [Redacted.make({ key: "canary" })] },
  new Uint8Array(1_000_000),
  new ArrayBuffer(8),
  new DataView(new ArrayBuffer(2)),
  JSON.parse("{\"__proto__\": {\"polluted\": true}, \"constructor\": 1}"),
  Object.create(null),
  Object.create({
    get inherited() {
      return thrown()
    }
  }),
  {
    get getter() {
      return thrown()
    }
  },
  { toJSON: thrown },
  { toString: thrown, valueOf: thrown },
  Object.assign(new Error("boom", { cause: cycle }), { status: 500 }),
  Object.defineProperty(new Error("boom"), "message", { get: thrown }),
  Object.defineProperty(new Error("boom"), "stack", { get: thrown }),
  new AggregateError([new Error("one")], "many"),
  Promise.resolve(1),
  new WeakMap(),
  /a+/g,
  Symbol("s"),
  { [Symbol("key")]: 1 },
  class Named {},
  () => {},
  10n ** 500n,
  BigDecimal.unsafeFromString("0.10"),
  Option.some(1),
  new URL("https://example.org/a?b"),
  new String("boxed"),
  "\ud800 lone",
  "\u0000"
]

const hostile = FastCheck.constantFrom(...hostileValues)

/** Not for a generator: that would look into them, and stumble. */
const hostileProxies: ReadonlyArray<unknown> = [
  new Proxy({}, { ownKeys: thrown }),
  new Proxy({}, { getPrototypeOf: thrown }),
  new Proxy({ a: 1 }, { get: thrown }),
  new Proxy({}, { has: thrown, get: () => thrown }),
  new Proxy([], { get: (_, key) => key === "length" ? "many" : thrown() }),
  new Proxy([], { get: (_, key) => key === "length" ? Infinity : 1 }),
  new Proxy([], { get: (_, key) => key === "length" ? "9".repeat(50_000) : 1 }),
  new Proxy(() => {}, { get: thrown }),
  Proxy.revocable({}, {}).proxy,
  (() => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    return proxy
  })()
]

const anything: FastCheck.Arbitrary<unknown> = FastCheck.oneof(
  hostile,
  FastCheck.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    withObjectString: true,
    withBoxedValues: true,
    withUnicodeString: true
  }),
  FastCheck.letrec<{ value: unknown }>((tie) => ({
    value: FastCheck.oneof(
      { depthSize: "small", withCrossShrink: true },
      hostile,
      FastCheck.dictionary(FastCheck.oneof(FastCheck.string(), FastCheck.constant("__proto__")), tie("value")),
      FastCheck.array(tie("value")),
      FastCheck.array(FastCheck.tuple(FastCheck.string(), tie("value"))).map((entries) => new Map(entries))
    )
  })).value
)

const limits: FastCheck.Arbitrary<CaptureLimits> = FastCheck.record({
  maxDepth: FastCheck.nat({ max: 6 }),
  maxEntries: FastCheck.nat({ max: 8 }),
  maxStringLength: FastCheck.nat({ max: 64 }),
  maxBytes: FastCheck.nat({ max: 2_000 })
})

const depthOf = (value: Json): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map((entry) => depthOf(entry as Json)))
    : 0

const visit = (value: Json, see: (value: Json) => void): void => {
  see(value)
  if (typeof value === "object" && value !== null) {
    for (const entry of Object.values(value)) visit(entry as Json, see)
  }
}

const isPlainData = (value: unknown): void => {
  const { size, value: plain } = capture(value, captureLimits())
  assert.isTrue(Number.isFinite(size) && size >= 0)
  const text = JSON.stringify(plain)
  assert.strictEqual(JSON.stringify(JSON.parse(text)), text)
  visit(plain, (part) => {
    if (typeof part === "object" && part !== null) {
      const prototype = Object.getPrototypeOf(part)
      assert.isTrue(prototype === Array.prototype || prototype === Object.prototype)
    } else {
      assert.isTrue(part === null || ["string", "number", "boolean"].includes(typeof part))
      if (typeof part === "number") assert.isTrue(Number.isFinite(part))
    }
  })
}

const isWithin = (value: unknown, bounds: CaptureLimits): void => {
  const { value: plain } = capture(value, bounds)
  assert.isAtMost(depthOf(plain), bounds.maxDepth)
  visit(plain, (part) => {
    if (typeof part === "string") assert.isAtMost(part.length, bounds.maxStringLength + 80)
    if (typeof part === "object" && part !== null) assert.isAtMost(Object.keys(part).length, bounds.maxEntries + 1)
  })
  // each level may go over by an entry and its notice
  assert.isAtMost(JSON.stringify(plain).length, 2 * bounds.maxBytes + 2_500 * (bounds.maxDepth + 1))
}

describe("capturing any value, however hostile,", () => {
  it.prop("never throws, and gives plain data that survives JSON", [anything], ([value]) => {
    isPlainData(value)
  }, { fastCheck: { numRuns: 300 } })

  it.prop("stays within the limits, but for the words that say what was cut", [anything, limits], ([value, bounds]) => {
    isWithin(value, bounds)
  }, { fastCheck: { numRuns: 300 } })

  it("holds both for proxies whose every trap may throw", () => {
    for (const proxy of hostileProxies) {
      for (const value of [proxy, [proxy], { proxy }, new Map([["proxy", proxy]]), new Error("", { cause: proxy })]) {
        isPlainData(value)
        for (const maxDepth of [0, 1, 3]) {
          isWithin(value, { maxDepth, maxEntries: 4, maxStringLength: 20, maxBytes: 500 })
        }
      }
    }
  })

  it.prop("charges at least what the copy holds", [FastCheck.jsonValue()], ([value]) => {
    const { size, value: plain } = capture(value, captureLimits())
    let characters = 0
    visit(plain, (part) => {
      if (typeof part === "string") characters += part.length
    })
    assert.isAtLeast(size, 2 * characters)
  })

  it("never lets out what is Redacted", () => {
    const value = {
      plain: Redacted.make("canary"),
      list: [Redacted.make("canary")],
      map: new Map([["key", Redacted.make("canary")]]),
      error: new Error("boom", { cause: Redacted.make("canary") }),
      json: { toJSON: () => ({ secret: Redacted.make("canary") }) },
      option: Option.some(Redacted.make("canary"))
    }
    const text = JSON.stringify(captured(value))
    assert.notInclude(text, "canary")
    assert.strictEqual(text.split("<redacted>").length - 1, 6)
  })

  it("shows what is Redactable as loggers do: the headers of a request without credentials", () => {
    const request = HttpClientRequest.get("https://example.org").pipe(HttpClientRequest.bearerToken("canary"))
    for (const value of [request, request.headers, { headers: [request.headers] }]) {
      const text = JSON.stringify(captured(value))
      assert.notInclude(text, "canary")
      assert.include(text, "\"authorization\":\"<redacted>\"")
    }
  })

  it("does not pollute a prototype", () => {
    const plain = captured(JSON.parse("{\"__proto__\": {\"polluted\": true}}"))
    assert.isUndefined(({} as Record<string, unknown>)["polluted"])
    assert.strictEqual(JSON.stringify(plain), "{\"__proto__\":{\"polluted\":true}}")
    assert.strictEqual(Object.getPrototypeOf(plain), Object.prototype)
  })
})

describe("capturing plain data", () => {
  it.prop("gives the same data", [FastCheck.jsonValue({ maxDepth: 4 })], ([value]) => {
    assert.deepStrictEqual(captured(value), value as Json)
  })

  it.prop(
    "is not affected by what happens to the data afterwards",
    [FastCheck.jsonValue({ maxDepth: 4 })],
    ([value]) => {
      const original = structuredClone(value)
      const plain = captured(value)
      const ruin = (part: unknown): void => {
        if (typeof part !== "object" || part === null) return
        for (const key of Object.keys(part)) {
          ruin((part as Record<string, unknown>)[key])
          delete (part as Record<string, unknown>)[key]
        }
        if (Array.isArray(part)) part.length = 0
      }
      ruin(value)
      assert.deepStrictEqual(plain, original as Json)
    }
  )

  it("is repeatable: what was captured is captured as itself", () => {
    const once = capture({ a: [1, "x", { b: null }], c: true }, captureLimits())
    assert.deepStrictEqual(capture(once.value, captureLimits()), once)
  })
})

describe("the form of", () => {
  class TaggedFailure extends Data.TaggedError("TaggedFailure")<{ readonly status: number }> {}

  const cases: ReadonlyArray<readonly [name: string, value: unknown, expected: Json]> = [
    ["undefined is null in a list, and nothing in an object", [undefined, { a: undefined, b: 1 }], [null, { b: 1 }]],
    ["a number that JSON has no word for is its text", [NaN, Infinity, -Infinity], ["NaN", "Infinity", "-Infinity"]],
    ["a bigint is its digits", 10n ** 20n, "100000000000000000000"],
    ["a decimal is its digits", BigDecimal.unsafeFromString("0.10"), "0.1"],
    ["a date is ISO 8601", [new Date(0), new Date(NaN)], ["1970-01-01T00:00:00.000Z", "Invalid Date"]],
    ["bytes is their number", [new Uint8Array(3), new ArrayBuffer(2)], [
      "[Uint8Array of 3 bytes]",
      "[ArrayBuffer of 2 bytes]"
    ]],
    ["a map with text for keys is an object", new Map([["a", 1]]), { a: 1 }],
    ["any other map is a list of pairs", new Map<unknown, unknown>([[1, "one"], ["b", 2]]), [[1, "one"], ["b", 2]]],
    ["a set is a list", new Set([1, 2]), [1, 2]],
    ["code and keys without a text is a word", [() => {}, function named() {}, Symbol("s"), /a+/g, Promise.resolve()], [
      "[Function anonymous]",
      "[Function named]",
      "Symbol(s)",
      "/a+/g",
      "[Promise]"
    ]],
    ["what knows its own JSON is that", [new URL("https://example.org/"), Option.some(1)], [
      "https://example.org/",
      { _id: "Option", _tag: "Some", value: 1 }
    ]],
    ["a value inside of itself is said", cycle, { name: "loop", self: "[Circular]" }],
    ["a value beside itself is kept twice", ((shared) => [shared, shared])({ a: 1 }), [{ a: 1 }, { a: 1 }]],
    [
      "what throws is said, and what is beside it kept",
      {
        before: 1,
        get getter() {
          return thrown()
        },
        json: { toJSON: thrown },
        after: 2
      },
      { before: 1, getter: "[Unreadable: hostile]", json: "[Unreadable: hostile]", after: 2 }
    ],
    ["a boxed primitive is the primitive", [Object(1), Object("text"), Object(true), Object(1n)], [
      1,
      "text",
      true,
      "1"
    ]],
    ["symbol keys is nothing", { [Symbol("key")]: 1, a: 2 }, { a: 2 }]
  ]

  for (const [name, value, expected] of cases) {
    it(name, () => assert.deepStrictEqual(captured(value), expected))
  }

  it("an error has name, message, own fields, stack and cause", () => {
    const error = Object.assign(new TypeError("boom", { cause: new Error("why") }), { status: 500 })
    const plain = captured(error) as Record<string, Json>
    assert.deepStrictEqual(Object.keys(plain), ["name", "message", "status", "stack", "cause"])
    assert.deepInclude(plain, { name: "TypeError", message: "boom", status: 500, stack: error.stack! })
    assert.deepInclude(plain["cause"] as object, { name: "Error", message: "why" })
    const several = captured(new AggregateError([new Error("one"), "two"], "both")) as { readonly errors: Json }
    assert.deepInclude((several.errors as ReadonlyArray<object>)[0], { name: "Error", message: "one" })
    assert.strictEqual((several.errors as ReadonlyArray<Json>)[1], "two")
    assert.deepInclude(captured(new TaggedFailure({ status: 503 })) as object, { _tag: "TaggedFailure", status: 503 })
  })
})

describe("a limit", () => {
  it("of depth leaves a text in the place of what is deeper", () => {
    assert.deepStrictEqual(captured({ a: { b: { c: 1, d: 2 } }, e: [[[1]]] }, { maxDepth: 2 }), {
      a: { b: "[Object with 2 keys, deeper than 2 levels]" },
      e: ["[Array of 1, deeper than 2 levels]"]
    })
  })

  it("of entries leaves a last one that says how many are missing", () => {
    const bounds = { maxEntries: 2 }
    assert.deepStrictEqual(captured([1, 2, 3], bounds), [1, 2, "[cut: 1 of 3 entries]"])
    assert.deepStrictEqual(captured({ a: 1, b: 2, c: 3 }, bounds), { a: 1, b: 2, "...": "[cut: 1 of 3 keys]" })
    assert.deepStrictEqual(captured(new Set([1, 2, 3]), bounds), [1, 2, "[cut: 1 of 3 entries]"])
    assert.deepStrictEqual(captured(new Map([["a", 1], ["b", 2], ["c", 3]]), bounds), {
      a: 1,
      b: 2,
      "...": "[cut: 1 of 3 keys]"
    })
    assert.deepStrictEqual(captured([1, 2], bounds), [1, 2])
    assert.deepStrictEqual(captured([1], { maxEntries: 0 }), ["[cut: 1 of 1 entries]"])
  })

  it("of a text keeps the beginning, and says how much is missing", () => {
    assert.strictEqual(captured("x".repeat(10), { maxStringLength: 4 }), "xxxx... [cut: 6 of 10 characters]")
    assert.strictEqual(captured("xxxx", { maxStringLength: 4 }), "xxxx")
  })

  it("of bytes keeps the beginning, and says how much is missing", () => {
    const list = captured(Array.from({ length: 100 }, (_, index) => `entry ${index}`), { maxBytes: 500 })
    assert.isArray(list)
    const entries = list as ReadonlyArray<string>
    assert.isAbove(entries.length, 5)
    assert.isBelow(entries.length, 15)
    assert.strictEqual(entries[0], "entry 0")
    assert.strictEqual(entries.at(-1), `[cut: ${100 - (entries.length - 1)} of 100 entries]`)
    assert.match(
      captured("x".repeat(1_000), { maxBytes: 100 }) as string,
      /^x{50}\.\.\. \[cut: 950 of 1000 characters\]$/
    )
  })

  it("of bytes may be as large as one likes", () => {
    for (const maxBytes of [2 ** 31, 2 ** 33, Number.MAX_SAFE_INTEGER, Infinity]) {
      assert.deepStrictEqual(captured({ text: "kept" }, { maxBytes }), { text: "kept" })
    }
  })

  it("of entries bounds the work, too: a source without an end is left", () => {
    let taken = 0
    class Endless extends Set<number> {
      override *[Symbol.iterator](): Generator<number> {
        for (;;) yield taken++
      }
    }
    assert.strictEqual((captured(new Endless(), { maxEntries: 10 }) as Array<Json>).length <= 11, true)
    assert.isAtMost(taken, 11)
  })

  it("of bytes bounds the work, too: what has no value is not looked at without end", () => {
    let read = 0
    const row = Object.defineProperties(
      {},
      Object.fromEntries(Array.from({ length: 500 }, (_, column) => [
        `column ${column}`,
        { enumerable: true, get: () => void read++ }
      ]))
    )
    captured(Array.from({ length: 100 }, () => row), { maxBytes: 10_000 })
    assert.isBelow(read, 1_000)
  })

  it("of depth holds for what toJSON gives, too", () => {
    assert.strictEqual(captured(endlessJson(), { maxDepth: 5 }), "[Object deeper than 5 levels]")
  })
})

describe("hostile code", () => {
  const withMessage = (message: unknown) => Object.defineProperty(new Error(), "message", { value: message })

  it("that throws an error whose message is no text does not get out", () => {
    for (const message of [Symbol("why"), { toString: thrown }, 5]) {
      const throwing = () => {
        throw withMessage(message)
      }
      const values = [new Proxy({}, { ownKeys: throwing }), { toJSON: throwing }, new Proxy([], { get: throwing })]
      for (const value of [...values, Object.defineProperty({}, "a", { get: throwing, enumerable: true })]) {
        assert.match(JSON.stringify(captured(value)), /^(\{"a":)?"\[Unreadable: .+\]"\}?$/)
      }
    }
  })

  it("that gives an object where text belongs has it replaced by text, not kept", () => {
    const given = { length: 0, secret: [1] }
    class When extends Date {
      override toISOString(): never {
        return given as never
      }
    }
    class Pattern extends RegExp {
      override toString(): never {
        return given as never
      }
    }
    for (const value of [new When(0), new Pattern("a")]) assert.isString(captured(value))
  })
})

describe("capturing an object", () => {
  it("makes one of what is none", () => {
    const object = (value: unknown) => captureObject(value, captureLimits()).value
    assert.deepStrictEqual(object({ a: 1 }), { a: 1 })
    assert.deepStrictEqual(object([1]), { value: [1] })
    assert.deepStrictEqual(object("x"), { value: "x" })
    assert.deepStrictEqual(object(null), { value: null })
  })
})

describe("a cut text", () => {
  it("is as it was when it fits", () => assert.strictEqual(cutString("abc", 3), "abc"))

  it("does not end with half of a character", () => {
    assert.strictEqual(cutString("ab\u{1F600}cd", 3), "ab... [cut: 4 of 6 characters]")
    assert.strictEqual(cutString("ab\u{1F600}cd", 4), "ab\u{1F600}... [cut: 2 of 6 characters]")
  })
})
