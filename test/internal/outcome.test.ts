import * as AiError from "@effect/ai/AiError"
import { Headers } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Deferred, Effect, Exit, FastCheck, Fiber, FiberId, Option, Schema } from "effect"
import { inspect } from "node:util"
import { errorDetails, fromError, fromExit } from "../../src/internal/outcome.ts"

class NotFound extends Data.TaggedError("NotFound")<{ readonly message: string }> {}

class Teapot extends Error {
  override readonly name = "Teapot"
}

const outcomeOf = (cause: Cause.Cause<unknown>) => fromExit(Exit.failCause(cause))

const interruption = Cause.interrupt(FiberId.none)

/** A cause, and which of the three it holds. */
const causes: FastCheck.Arbitrary<Cause.Cause<unknown>> = FastCheck.letrec<{ cause: Cause.Cause<unknown> }>((tie) => ({
  cause: FastCheck.oneof(
    { depthSize: "small", withCrossShrink: true },
    FastCheck.constant(Cause.fail(new NotFound({ message: "gone" }))),
    FastCheck.constant(Cause.die(new Teapot("short"))),
    FastCheck.constant(interruption),
    FastCheck.tuple(tie("cause"), tie("cause")).map(([left, right]) => Cause.parallel(left, right)),
    FastCheck.tuple(tie("cause"), tie("cause")).map(([left, right]) => Cause.sequential(left, right))
  )
})).cause

describe("how something ended", () => {
  it("is success when it succeeded", () => {
    assert.deepStrictEqual(fromExit(Exit.succeed(1)), { status: "success", error: undefined })
  })

  it.prop("is the failure if there is one, then the defect, and interruption only when there is nothing else", [
    causes
  ], ([cause]) => {
    const { error, status } = outcomeOf(cause)
    const isFailure = Array.from(Cause.failures(cause)).length > 0
    const isDefect = Array.from(Cause.defects(cause)).length > 0
    assert.strictEqual(status, isFailure || isDefect ? "error" : "interrupted")
    assert.strictEqual(error?.type, isFailure ? "NotFound" : isDefect ? "Teapot" : undefined)
    assert.strictEqual(error?.message, isFailure ? "gone" : isDefect ? "short" : undefined)
  })

  it.effect("is the failure when a sibling was interrupted because of it", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(
        Effect.all([Effect.never, Effect.fail(new NotFound({ message: "gone" }))], { concurrency: "unbounded" })
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterrupted(exit.cause))
      assert.deepInclude(fromExit(exit), { status: "error" })
    }))

  it.effect("is interruption when a fiber is interrupted", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const fiber = yield* Effect.fork(Effect.zipRight(Deferred.succeed(started, undefined), Effect.never))
      yield* Deferred.await(started)
      assert.deepStrictEqual(fromExit(yield* Fiber.interrupt(fiber)), { status: "interrupted", error: undefined })
    }))

  it("keeps the whole cause, with causes of causes", () => {
    const { error } = outcomeOf(
      Cause.parallel(Cause.fail(new Teapot("short", { cause: new Error("stout") })), Cause.die("also this"))
    )
    for (const text of ["Teapot: short", "stout", "also this"]) assert.include(error!.cause!, text)
  })

  it("keeps what a cause says that is its own, or one of very many", () => {
    const endless = new Teapot("endless")
    endless.cause = endless
    assert.include(outcomeOf(Cause.parallel(Cause.die(endless), Cause.fail("also this"))).error!.cause!, "endless")
    let deep = new Error("attempt 0")
    for (let attempt = 1; attempt <= 10_000; attempt++) deep = new Error(`attempt ${attempt}`, { cause: deep })
    const { error } = outcomeOf(Cause.parallel(Cause.die(deep), Cause.fail("also this")))
    for (const text of ["attempt 10000", "[cause]: Error: attempt 9990", "also this"]) {
      assert.include(error!.cause!, text)
    }
    assert.notInclude(error!.cause!, "attempt 9980")
  })

  /** Errors that say how many of their stacks are asked for. */
  const counting = () => {
    const counter = { read: 0 }
    const error = (message: string) =>
      Object.defineProperty(new Error(message), "stack", { get: () => `Error: ${message} ${++counter.read}` })
    return { counter, error }
  }

  it("keeps the first of very many errors, reads no others, and says how many there are", () => {
    const { counter, error } = counting()
    const many = Array.from({ length: 3_000 }, (_, index) => Cause.fail(error(`lost ${index}`)))
    const { cause } = outcomeOf(many.reduce((left, right) => Cause.parallel(left, right))).error!
    for (const text of ["lost 0", "lost 15", "[cut: 2984 of 3000 errors]"]) assert.include(cause!, text)
    assert.notInclude(cause!, "lost 16")
    assert.isBelow(counter.read, 100)
  })

  it("is read once, however many spans it passes through", () => {
    const { counter, error } = counting()
    const exit = Exit.fail(error("lost"))
    const first = fromExit(exit)
    const { read } = counter
    assert.deepStrictEqual([fromExit(exit), counter.read], [first, read])
  })

  it("keeps what an error carries that is data and no error, as far as it is captured", () => {
    const rows = Array.from({ length: 10_000 }, (_, id) => ({ id, touch: () => id }))
    let asked = 0
    const large = { toJSON: () => rows.map((row) => ({ toJSON: () => ++asked && row })) }
    for (const error of [new Error("outer", { cause: { id: 1n, large } }), { _tag: "outer", id: 1n, large }]) {
      const { cause } = outcomeOf(Cause.fail(error)).error!
      for (const text of ["outer", "\"id\":\"1\""]) assert.include(cause!, text)
    }
    assert.isBelow(asked, 1_000)
  })

  it("with an empty cause is an error that says so, not an interruption", () => {
    assert.deepInclude(outcomeOf(Cause.empty), { status: "error" })
  })
})

describe("the description of an error", () => {
  const cases: ReadonlyArray<readonly [string, unknown, type: string, message: string]> = [
    ["with a tag takes it as the type", new NotFound({ message: "gone" }), "NotFound", "gone"],
    [
      "that is plain data with a tag shows its fields",
      { _tag: "Refused", status: 403 },
      "Refused",
      "{\"_tag\":\"Refused\",\"status\":403}"
    ],
    ["of a class takes its name", new TypeError("no"), "TypeError", "no"],
    ["of a class with a name of its own takes that", new Teapot("short"), "Teapot", "short"],
    ["without a message repeats its type", new RangeError(), "RangeError", "RangeError"],
    [
      "of several without a message has theirs, each once",
      new AggregateError([new Error("no"), "not", new Error("no"), new AggregateError([new Error("deep")])]),
      "AggregateError",
      "no; not; AggregateError"
    ],
    ["of several with a message has that", new AggregateError([new Error("no")], "none"), "AggregateError", "none"],
    ["of several that are none repeats its type", new AggregateError([]), "AggregateError", "AggregateError"],
    [
      "whose name is no text takes that of its class",
      Object.assign(new TypeError("no"), { name: 5 }),
      "TypeError",
      "no"
    ],
    ["whose name is a list, too", Object.assign(new Error("no"), { name: ["a"] }), "Error", "no"],
    ["whose class has no name is an object", { constructor: { name: 7 } }, "Object", "{\"constructor\":{\"name\":7}}"],
    ["that is a text is the message", "went wrong", "string", "went wrong"],
    ["that is a number is its digits", 42, "number", "42"],
    ["that is nothing says so", undefined, "undefined", "undefined"],
    ["that is a plain object shows its fields", { status: 500 }, "Object", "{\"status\":500}"],
    ["that is an object without a prototype is readable", Object.create(null), "Object", "{}"],
    ["that is a cause is that of the cause", Cause.fail(new NotFound({ message: "gone" })), "NotFound", "gone"],
    ["that is an interruption says so", interruption, "Interrupt", "interrupted"]
  ]
  for (const [name, error, type, message] of cases) {
    it(name, () => {
      const details = errorDetails(error)
      assert.deepStrictEqual([details.type, details.message], [type, message])
    })
  }

  it("is bounded", () => {
    const huge = "x".repeat(1_000_000)
    const details = fromError({ _tag: huge, message: huge })
    assert.isBelow(details.type.length, 400)
    assert.isBelow(details.message.length, 17_000)
    assert.isBelow(details.cause!.length, 66_000)
  })

  it("of a hostile value is given, whatever reading it does", () => {
    const thrown = (): never => {
      throw new Error("hostile")
    }
    const hostile: ReadonlyArray<unknown> = [
      new Proxy({}, { get: thrown, has: thrown }),
      Object.defineProperty(new Error(), "message", { get: thrown }),
      Object.defineProperty(new Error("x"), "stack", { get: thrown }),
      Object.defineProperty(new Error("x"), "name", { value: 5 }),
      { toString: thrown, toJSON: thrown },
      { constructor: { name: 5 } },
      Object.defineProperty(new Error("x"), "cause", { get: thrown }),
      Symbol("s"),
      () => {}
    ]
    for (const error of hostile) {
      for (const details of [errorDetails(error), fromError(error), outcomeOf(Cause.die(error)).error]) {
        assert.deepStrictEqual([typeof details!.type, typeof details!.message], ["string", "string"])
      }
    }
  })
})

describe("an error that quotes the body of a vendor's answer", () => {
  const refused = (body: unknown) =>
    new AiError.HttpResponseError({
      module: "OpenAiClient",
      method: "createResponse",
      reason: "StatusCode",
      request: {
        method: "POST",
        url: "https://api.openai.com/v1/responses",
        urlParams: [],
        hash: Option.none(),
        headers: Headers.fromInput({ authorization: "Bearer sk-secret" })
      },
      response: { status: 502, headers: {} },
      body: JSON.stringify(body, null, 2)
    }, { disableValidation: true })

  const unread = refused({ request: { headers: { authorization: "Bearer sk-secret" }, body: "my diagnosis" } })

  class SummaryFailed extends Schema.TaggedError<SummaryFailed>()("SummaryFailed", { reason: Schema.Defect }) {}

  const quoting: ReadonlyArray<readonly [string, unknown]> = [
    ["itself", unread],
    ["as the cause of another", new Error("summary", { cause: new Error("step", { cause: unread }) })],
    [
      "above very many others",
      new Error(unread.message, { cause: Array.from({ length: 32 }).reduce((cause) => new Error("again", { cause })) })
    ],
    ["in its own message", new NotFound({ message: `no summary: ${unread.message}` })],
    ["in its own message as JSON", new NotFound({ message: `no summary: ${JSON.stringify(unread)}` })],
    [
      "in its own message as JSON within JSON",
      new NotFound({ message: JSON.stringify({ why: JSON.stringify(unread) }) })
    ],
    ["in its own message as Node prints it", new NotFound({ message: `no summary: ${inspect(unread)}` })],
    ["in a message that is JSON", new NotFound({ message: JSON.stringify({ why: unread.message }) })],
    ["in JSON within JSON", new NotFound({ message: JSON.stringify(JSON.stringify({ why: unread.message })) })],
    ["in a field that is its message", new SummaryFailed({ reason: unread })],
    ["as one of several", new AggregateError([unread, new Error("other")])],
    ["as a field of plain data", { _tag: "SummaryFailed", error: unread }],
    ["as a text", unread.message],
    ["as a text that it was turned into", String(unread)]
  ]
  for (const [where, error] of quoting) {
    it(`leaves it out, ${where}`, () => {
      for (const details of [fromError(error), outcomeOf(Cause.die(error)).error, errorDetails(Cause.fail(error))]) {
        const text = JSON.stringify(details)
        assert.include(text, "https://api.openai.com/v1/responses")
        assert.notInclude(text, "sk-secret")
        assert.notInclude(text, "my diagnosis")
      }
    })
  }

  it("is none of a program's own that speaks of a body", () => {
    const message = "no weather. Response Body: {\"error\": \"closed\"}"
    assert.strictEqual(fromError(new Error(message)).message, message)
  })

  it("goes on with what stands behind it: frames, causes and other errors", () => {
    const { cause } = outcomeOf(
      Cause.parallel(Cause.fail(new Error("summary", { cause: unread })), Cause.die(new Teapot("short")))
    ).error!
    assert.match(cause!, /summary[^]*HttpResponseError[^]* at [^]*Teapot: short/)
  })

  it("keeps the sentence in which the vendor says why it refuses", () => {
    const { cause, message } = fromError(
      refused({ error: { type: "tokens", message: "Say \"less\"." }, echo: "sk-secret" })
    )
    for (const text of [message, cause]) {
      assert.include(text, "Say \\\"less\\\".")
      assert.notInclude(text, "sk-secret")
    }
  })
})
