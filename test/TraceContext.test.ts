import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, Equal, FastCheck as fc, Hash, Option, Schema, Tracer } from "effect"
import * as Identifier from "../src/Identifier.ts"
import { IdGenerator, sequential } from "../src/IdGenerator.ts"
import * as Testing from "../src/Testing.ts"
import { Current, placeOfSpan, TraceContext } from "../src/TraceContext.ts"
import type { Fields, Headers, SpanPlace } from "../src/TraceContext.ts"
import * as TraceState from "../src/TraceState.ts"
import { traceStateText } from "./arbitraries.ts"

const hex = (length: number) =>
  fc.array(fc.constantFrom(..."0123456789abcdef"), { minLength: length, maxLength: length }).map((digits) =>
    digits.join("")
  )

const hexId = (length: number) => hex(length).filter((id) => /[^0]/.test(id))

const fields: fc.Arbitrary<Fields> = fc.record({
  traceId: hexId(32),
  spanId: hexId(16),
  parentSpanId: hexId(16),
  sampled: fc.boolean(),
  random: fc.boolean(),
  traceState: traceStateText,
  userId: fc.string(),
  sessionId: fc.string(),
  kbId: fc.string(),
  isRemote: fc.boolean()
}, { requiredKeys: ["traceId", "spanId"] })

const contextOf = (given: Fields): TraceContext => Either.getOrThrow(TraceContext.make(given))

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const header = (flags: string, version = "00", rest = "") => `${version}-${traceId}-${spanId}-${flags}${rest}`

const refusal = (text: string): string =>
  Either.match(TraceContext.fromTraceparent(text), {
    onLeft: (error) => {
      assert.strictEqual(error._tag, "TraceContextError")
      assert.strictEqual(error.field, "traceparent")
      return error.message
    },
    onRight: () => "accepted"
  })

describe("a root", () => {
  it.effect("has fresh ids of the right form, no parent, and what the caller said", () =>
    Effect.gen(function*() {
      const root = yield* TraceContext.root({ userId: "ada", sessionId: "s", kbId: "kb", sampled: false })
      const other = yield* TraceContext.root()
      assert.match(root.traceId, /^[0-9a-f]{32}$/)
      assert.match(root.spanId, /^[0-9a-f]{16}$/)
      assert.deepStrictEqual({ ...root }, {
        traceId: root.traceId,
        spanId: root.spanId,
        parentSpanId: undefined,
        sampled: false,
        random: true,
        traceState: undefined,
        userId: "ada",
        sessionId: "s",
        kbId: "kb",
        isRemote: false
      })
      assert.strictEqual(other.sampled, true)
      assert.notStrictEqual(other.traceId, root.traceId)
      assert.notStrictEqual(other.spanId, root.spanId)
    }))

  it.effect("draws its ids from the generator in the context, and the time from the clock", () =>
    Effect.gen(function*() {
      const times: Array<number> = []
      const counting = sequential()
      const root = yield* TraceContext.root().pipe(
        Effect.provideService(IdGenerator, {
          ...counting,
          traceId: (unixMillis) => {
            times.push(unixMillis)
            return counting.traceId(unixMillis)
          }
        })
      )
      assert.strictEqual(root.traceId, "1".padStart(32, "0"))
      assert.strictEqual(root.spanId, "1".padStart(16, "0"))
      assert.deepStrictEqual(times, [0])
      assert.strictEqual(Identifier.unixMillisOf((yield* TraceContext.root()).traceId), 0)
    }))
})

describe("what a root is for", () => {
  it.effect("is text, whatever a program without types says", () =>
    Effect.gen(function*() {
      const said: object = { userId: 42, sessionId: null, kbId: { id: "kb" } }
      const { kbId, sessionId, userId } = yield* TraceContext.root(said)
      assert.deepStrictEqual([userId, sessionId, kbId], ["42", undefined, undefined])
    }))
})

describe("a child", () => {
  it.effect("keeps everything of its parent but the span id, links to it, and is not remote", () =>
    Effect.gen(function*() {
      for (const given of fc.sample(fields, 200)) {
        const parent = contextOf(given)
        const child = yield* TraceContext.child(parent)
        assert.deepStrictEqual({ ...child }, {
          ...parent,
          spanId: child.spanId,
          parentSpanId: parent.spanId,
          isRemote: false
        })
        assert.notStrictEqual(child.spanId, parent.spanId)
        assert.isTrue(Identifier.isSpanId(child.spanId))
      }
    }))
})

describe("a trace context as a value", () => {
  it("is frozen", () => {
    const context = contextOf({ traceId, spanId, userId: "ada" })
    assert.isTrue(Object.isFrozen(context))
    assert.throws(() => Object.assign(context, { userId: "eve" }), TypeError)
    assert.strictEqual(context.userId, "ada")
  })

  it("is equal to another with the same fields, and has the same hash", () => {
    fc.assert(fc.property(fields, (given) => {
      const one = contextOf(given)
      const other = contextOf({ ...given })
      assert.notStrictEqual(one, other)
      assert.isTrue(Equal.equals(one, other))
      assert.strictEqual(Hash.hash(one), Hash.hash(other))
    }))
  })

  it("differs from another in which any one field differs", () => {
    const all: Required<Fields> = {
      traceId,
      spanId,
      parentSpanId: "1111111111111111",
      sampled: true,
      random: true,
      traceState: "a=1",
      userId: "u",
      sessionId: "s",
      kbId: "k",
      isRemote: false
    }
    const changes: Required<Fields> = {
      traceId: "1".repeat(32),
      spanId: "1".repeat(16),
      parentSpanId: "2222222222222222",
      sampled: false,
      random: false,
      traceState: "a=2",
      userId: "v",
      sessionId: "t",
      kbId: "l",
      isRemote: true
    }
    for (const name of Object.keys(changes) as Array<keyof Fields>) {
      assert.isFalse(Equal.equals(contextOf(all), contextOf({ ...all, [name]: changes[name] })), name)
    }
    assert.isFalse(Equal.equals(contextOf(all), { ...all }))
  })

  it("has the trace id as a uuid for its id in the database", () => {
    fc.assert(fc.property(hexId(32), (id) => {
      const { dbTraceId } = contextOf({ traceId: id, spanId })
      assert.match(dbTraceId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      assert.strictEqual(dbTraceId.replaceAll("-", ""), id)
    }))
  })

  it("prints its fields, and can be piped", () => {
    const context = contextOf({ traceId, spanId })
    assert.include(String(context), traceId)
    assert.strictEqual(context.pipe((self) => self.spanId), spanId)
  })
})

describe("make and schema", () => {
  it("what is encoded, sent as JSON and decoded is what it was", () => {
    const encode = Schema.encodeSync(TraceContext.schema)
    const decode = Schema.decodeUnknownSync(TraceContext.schema)
    fc.assert(fc.property(fields, (given) => {
      const context = contextOf(given)
      assert.isTrue(Equal.equals(decode(encode(context)), context))
      assert.isTrue(Equal.equals(decode(JSON.parse(JSON.stringify(encode(context)))), context))
      assert.strictEqual(Object.getPrototypeOf(encode(context)), Object.prototype)
    }))
  })

  it("claims nothing that was not said: sampled by default, random not", () => {
    const context = contextOf({ traceId, spanId })
    assert.strictEqual(context.sampled, true)
    assert.strictEqual(context.random, false)
    assert.strictEqual(context.parentSpanId, undefined)
  })

  const badIds: ReadonlyArray<readonly [keyof Fields, unknown]> = [
    ["traceId", "0".repeat(32)],
    ["traceId", traceId.toUpperCase()],
    ["traceId", traceId.slice(1)],
    ["traceId", `${traceId}0`],
    ["traceId", ` ${traceId.slice(1)}`],
    ["traceId", `${traceId}\n`],
    ["traceId", "g".repeat(32)],
    ["traceId", undefined],
    ["traceId", 7],
    ["spanId", "0".repeat(16)],
    ["spanId", spanId.toUpperCase()],
    ["spanId", `${spanId}\n`],
    ["spanId", ""],
    ["parentSpanId", "0".repeat(16)],
    ["parentSpanId", ""],
    ["sampled", "yes"],
    ["traceState", "no member"],
    ["userId", 7]
  ]

  it("refuse a field that is wrong, with a message that names it and says what is expected", () => {
    for (const [name, value] of badIds) {
      const given = { traceId, spanId, [name]: value } as Fields
      const made = TraceContext.make(given)
      if (Either.isRight(made)) return assert.fail(`accepted ${name} ${String(value)}`)
      assert.strictEqual(made.left._tag, "TraceContextError")
      assert.strictEqual(made.left.field, "fields")
      assert.include(made.left.message, `["${name}"]`)
      const decoded = Schema.decodeUnknownEither(TraceContext.schema)(given)
      assert.isTrue(Either.isLeft(decoded), `${name} ${String(value)}`)
      if (Either.isLeft(decoded)) assert.include(decoded.left.message, `["${name}"]`)
    }
    const zero = TraceContext.make({ traceId: "0".repeat(32), spanId })
    if (Either.isLeft(zero)) assert.include(zero.left.message, "32 lower-case hexadecimal digits, not all zero")
  })
})

describe("traceparent", () => {
  it("what is written is read again", () => {
    fc.assert(fc.property(hexId(32), hexId(16), fc.boolean(), fc.boolean(), (traceId, spanId, sampled, random) => {
      const context = contextOf({ traceId, spanId, sampled, random, isRemote: true })
      const written = TraceContext.toTraceparent(context)
      assert.match(written, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/)
      assert.isTrue(Equal.equals(Either.getOrThrow(TraceContext.fromTraceparent(written)), context))
    }))
  })

  it.effect("a child of what was read has the caller's span as its parent", () =>
    Effect.gen(function*() {
      const received = yield* TraceContext.fromTraceparent(header("01"))
      const child = yield* TraceContext.child(received)
      assert.strictEqual(received.parentSpanId, undefined)
      assert.strictEqual(child.parentSpanId, spanId)
      assert.strictEqual(child.traceId, traceId)
    }))

  it("of the flags, the lowest bit is sampled and the next one random, and all others are ignored", () => {
    for (let bits = 0; bits < 256; bits++) {
      const flags = bits.toString(16).padStart(2, "0")
      const context = Either.getOrThrow(TraceContext.fromTraceparent(header(flags)))
      assert.strictEqual(context.sampled, bits % 2 === 1, flags)
      assert.strictEqual(context.random, Math.floor(bits / 2) % 2 === 1, flags)
    }
  })

  it("a later version is read as far as it is known, whatever follows after a dash", () => {
    for (const version of ["01", "02", "0f", "cc", "fe"]) {
      for (const rest of ["", "-", "-what the future brings", "-00-ff"]) {
        const context = Either.getOrThrow(TraceContext.fromTraceparent(header("01", version, rest)))
        assert.strictEqual(context.traceId, traceId)
        assert.strictEqual(context.spanId, spanId)
        assert.strictEqual(context.sampled, true)
        assert.strictEqual(TraceContext.toTraceparent(context), header("01"))
      }
      for (const rest of ["0", ".", " ", "a-b"]) assert.notStrictEqual(refusal(header("01", version, rest)), "accepted")
    }
  })

  it("version ff, trailing data in version 00, and ids that are all zero are refused, each with its reason", () => {
    assert.include(refusal(header("01", "ff")), "version ff is forbidden")
    assert.include(refusal(header("01", "00", "-")), "version 00 ends after the flags")
    assert.include(refusal(header("01", "00", "-extra")), "version 00 ends after the flags")
    assert.include(refusal(`00-${"0".repeat(32)}-${spanId}-01`), "the trace id is all zero")
    assert.include(refusal(`00-${traceId}-${"0".repeat(16)}-01`), "the span id is all zero")
  })

  it("anything of another form is refused: upper case, white space, missing and misplaced parts", () => {
    const bad = [
      "",
      "00",
      header("01").toUpperCase(),
      header("0A"),
      header("01", "0A"),
      ` ${header("01")}`,
      `${header("01")} `,
      `${header("01")}\n`,
      `\t${header("01")}`,
      header("1"),
      header("001"),
      header("01", "0"),
      header("01", "000"),
      header("zz"),
      `00-${traceId}-${spanId}`,
      `00-${traceId}-${spanId}-`,
      `00-${traceId}${spanId}-01`,
      `00-${traceId.slice(2)}-${spanId}-01`,
      `00-${traceId}0-${spanId}-01`,
      `00-${traceId}-${spanId}0-01`,
      `00_${traceId}_${spanId}_01`,
      `${header("01")},${header("01")}`
    ]
    for (const text of bad) assert.include(refusal(text), "version-traceid-spanid-flags", JSON.stringify(text))
  })

  it("no text whatever makes reading throw", () => {
    const near = fc.tuple(hex(2), hex(32), hex(16), hex(2), fc.string({ maxLength: 4 })).map(
      ([version, traceId, spanId, flags, rest]) => `${version}-${traceId}-${spanId}-${flags}${rest}`
    )
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: "binary" }), near), (text) => {
        const read = TraceContext.fromTraceparent(text)
        if (Either.isRight(read)) {
          assert.isTrue(Identifier.isTraceId(read.right.traceId))
          assert.isTrue(Identifier.isSpanId(read.right.spanId))
        } else {
          assert.strictEqual(read.left._tag, "TraceContextError")
        }
      }),
      { numRuns: 1_000 }
    )
  })
})

describe("headers", () => {
  const received = (headers: unknown) => TraceContext.fromHeaders(headers as Headers)
  const refusedFields = (headers: unknown) => received(headers).refused.map(({ field }) => field)

  it("what is written is read again, wherever it is put", () => {
    fc.assert(fc.property(fields, (given) => {
      const context = contextOf(given)
      const written = TraceContext.toHeaders(context, { maxTraceStateLength: Number.POSITIVE_INFINITY })
      const expected = contextOf({
        traceId: context.traceId,
        spanId: context.spanId,
        sampled: context.sampled,
        random: context.random,
        traceState: context.traceState?.text,
        isRemote: true
      })
      const carriers = [
        written,
        new Map(Object.entries(written)),
        new Headers(written),
        Object.fromEntries(Object.entries(written).map(([name, value]) => [name.toUpperCase(), [value]])),
        Object.fromEntries(Object.entries(written).map(([name, value]) => [name, Buffer.from(value)]))
      ]
      for (const carrier of carriers) {
        const { context, refused } = received(carrier)
        assert.isTrue(Equal.equals(context, expected))
        assert.deepStrictEqual(refused, [])
      }
    }))
  })

  it("without a traceparent there is no context, and a tracestate alone is refused", () => {
    assert.deepStrictEqual(received({}), { context: undefined, refused: [] })
    assert.deepStrictEqual(received({ traceparent: undefined }), { context: undefined, refused: [] })
    assert.strictEqual(received({ tracestate: "a=1" }).context, undefined)
    assert.deepStrictEqual(refusedFields({ tracestate: "a=1" }), ["tracestate"])
    assert.strictEqual(received({ "trace-parent": header("01"), "trace.parent": header("01") }).context, undefined)
  })

  it("white space around a traceparent is none of it", () => {
    for (const text of [` ${header("01")}`, `\t${header("01")}`, `${header("01")} \t`]) {
      assert.strictEqual(received({ traceparent: text }).context?.traceId, traceId)
    }
    assert.deepStrictEqual(refusedFields({ traceparent: `\u00a0${header("01")}` }), ["traceparent"])
  })

  it("a second traceparent refuses both, as lines, in other cases of letters, or joined by a server", () => {
    const twice = [
      { traceparent: [header("01"), header("01")] },
      { traceparent: header("01"), TraceParent: header("01") },
      { traceparent: `${header("01")}, ${header("01")}` },
      { traceparent: `${header("01", "01", "-more")}, ${header("01")}` }
    ]
    for (const headers of twice) {
      assert.strictEqual(received({ ...headers, tracestate: "a=1" }).context, undefined)
      assert.deepStrictEqual(refusedFields(headers), ["traceparent"])
    }
  })

  it("lines of tracestate are one list, and a list that is refused leaves the traceparent", () => {
    const whole = received({ traceparent: header("01"), tracestate: ["a=1,b=2", "", "c=3"] })
    assert.strictEqual(whole.context?.traceState?.text, "a=1,b=2,c=3")
    const refused = received({ traceparent: header("01"), tracestate: ["a=1", "B=2"] })
    assert.strictEqual(refused.context?.traceId, traceId)
    assert.strictEqual(refused.context?.traceState, undefined)
    assert.deepStrictEqual(refused.refused.map(({ field }) => field), ["tracestate"])
    assert.strictEqual(received({ traceparent: header("01"), tracestate: " , " }).context?.traceState, undefined)
  })

  it("flags are passed on as far as they are known: those that are set stay, those that are not stay clear", () => {
    for (const [flags, passed] of [["ff", "03"], ["fc", "00"], ["02", "02"], ["01", "01"], ["00", "00"]] as const) {
      const { context } = received({ traceparent: header(flags) })
      assert.strictEqual(TraceContext.toHeaders(context!).traceparent, header(passed))
    }
  })

  it("a tracestate is written within its limit, and not at all when nothing is left of it", () => {
    const context = contextOf({ traceId, spanId, traceState: `a=${"x".repeat(200)},b=1` })
    assert.strictEqual(TraceContext.toHeaders(context, { maxTraceStateLength: 100 }).tracestate, "b=1")
    assert.notProperty(TraceContext.toHeaders(context, { maxTraceStateLength: 2 }), "tracestate")
    assert.notProperty(TraceContext.toHeaders(context.withTraceState(TraceState.empty)), "tracestate")
  })

  it("nothing whatever makes reading throw, and no refusal repeats what was refused", () => {
    const line = fc.oneof(fc.string({ unit: "binary" }), fc.string(), traceStateText, fc.constant(header("01")))
    const value = fc.oneof(line, fc.array(line), fc.uint8Array(), fc.anything())
    fc.assert(
      fc.property(fc.record({ traceparent: value, tracestate: value }, { requiredKeys: [] }), (headers) => {
        for (const { message } of received(headers).refused) {
          assert.match(message, /^trace(parent|state) refused: [ -~]+$/)
        }
      }),
      { numRuns: 1_000 }
    )
    const hostile = new Proxy({}, {
      ownKeys: () => {
        throw new Error("no")
      }
    })
    for (const headers of [null, undefined, 7, "traceparent", [1], hostile]) {
      assert.deepStrictEqual(received(headers), { context: undefined, refused: [] })
    }
  })
})

describe("the ambient context", () => {
  const spanAt = (place?: SpanPlace) =>
    Object.assign(Tracer.externalSpan({ traceId, spanId }), place === undefined ? {} : { [placeOfSpan]: place })

  it.effect("is that of the nearest native span that is recorded, unless it was set inside of that", () =>
    Effect.gen(function*() {
      const outer = contextOf({ traceId, spanId, userId: "outer" })
      const inner = contextOf({ traceId, spanId, userId: "inner" })
      const seen = <A, E, R>(self: Effect.Effect<A, E, R>) =>
        Effect.withParentSpan(self, spanAt({ context: outer, ambient: undefined }))
      assert.deepStrictEqual(yield* seen(TraceContext.current), Option.some(outer))
      // two spans further in, of which only the native tracer knows
      const nested = TraceContext.current.pipe(Effect.withSpan("b"), Effect.withSpan("a"))
      assert.deepStrictEqual(yield* seen(nested), Option.some(outer))
      assert.deepStrictEqual(yield* seen(Effect.provideService(nested, Current, inner)), Option.some(inner))
      assert.deepStrictEqual(yield* seen(Effect.withSpan(TraceContext.current, "c", { root: true })), Option.none())
    }))

  it.effect("is none outside of any trace, and what was provided inside, also in forked fibers", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* TraceContext.current, Option.none())
      const context = contextOf({ traceId, spanId })
      const seen = yield* Effect.all([TraceContext.current, TraceContext.current], { concurrency: "unbounded" }).pipe(
        Effect.provideService(Current, context)
      )
      assert.deepStrictEqual(seen, [Option.some(context), Option.some(context)])
    }))

  it.effect("ids of the test kit count, and are the same in every run", () =>
    Effect.gen(function*() {
      const root = yield* TraceContext.root()
      const child = yield* TraceContext.child(root)
      assert.deepStrictEqual([root.traceId, root.spanId, child.spanId].map((id) => Number.parseInt(id, 16)), [1, 1, 2])
    }).pipe(Effect.provide(Testing.layer())))
})
