/** What becomes of each kind of record in Langfuse, by both protocols. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck as fc, Runtime } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import type { TraceId } from "../../../src/Identifier.ts"
import type { Json, JsonObject, Observation } from "../../../src/Observation.ts"
import { closedRevision } from "../../../src/Observation.ts"
import { mockLangfuse } from "../../langfuse/mockLangfuse.ts"
import { readBack } from "../../langfuse/readBack.ts"
import type { Shown } from "../../langfuse/readBack.ts"
import { closedSpan, closedTrace, providerOf } from "../../langfuse/records.ts"
import * as Records from "../../observations.ts"

const write = (mode: "3" | "4", ...records: ReadonlyArray<Observation>) =>
  Effect.gen(function*() {
    const mock = yield* mockLangfuse(mode)
    yield* (yield* providerOf(mock)).write(records as unknown as NonEmptyReadonlyArray<Observation>)
    return mock
  })

/** The first record as each of the two protocols stores it. */
const shown = (id: string, ...records: ReadonlyArray<Observation>) =>
  Effect.map(
    Effect.forEach(["3", "4"] as const, (mode) => Effect.map(write(mode, ...records), readBack)),
    (all) => all.map((rows) => rows.get(id)!)
  )

const spanId = Records.spanId(2)

const expectShown = (all: ReadonlyArray<Shown>, expected: Partial<Shown>) => {
  for (const one of all) expect(one).toMatchObject(expected)
}

describe("a trace", () => {
  const trace = closedTrace({
    userId: "ada",
    sessionId: "session-1",
    kbId: "kb",
    operationType: "chat",
    tags: ["b", "a"],
    metadata: { tenant: "acme", depth: { n: 1 } },
    input: { q: 1 },
    output: "done"
  })

  it.scopedLive("is the root observation of its tree, and the spans at the top are below it", () =>
    Effect.gen(function*() {
      const root = yield* shown(trace.spanId, trace, closedSpan())
      expectShown(root, {
        type: "SPAN",
        name: "answer",
        parent: undefined,
        start: "2026-03-01 10:00:00.000",
        end: "2026-03-01 10:00:02.000",
        input: "{\"q\":1}",
        output: "done",
        level: "DEFAULT",
        environment: "test"
      })
      expectShown(yield* shown(spanId, trace, closedSpan()), { parent: trace.spanId, traceId: trace.traceId })
    }))

  const foreign = "0af7651916cd43dd8448eb211c80319c" as TraceId

  it.scopedLive("that was begun elsewhere is shown by the span through which it came in", () =>
    Effect.gen(function*() {
      const caller = Records.spanId(7)
      const entry = {
        traceId: foreign,
        parentSpanId: caller,
        parentIsRemote: true,
        userId: "ada",
        sessionId: "session-1"
      }
      const records = [
        closedSpan({ ...entry, spanId, name: "GET /users/:id" }),
        closedSpan({ ...entry, spanId: Records.spanId(3), name: "GET /login" }),
        closedSpan({ traceId: foreign, spanId: Records.spanId(4), parentSpanId: spanId })
      ]
      const [v3, v4] = [yield* write("3", ...records), yield* write("4", ...records)]
      expect(v3.ingestion.traces).toMatchObject([{ id: foreign, user_id: "ada", session_id: "session-1" }])
      expect(v3.ingestion.traces[0]!["name"]).toMatch(/^GET/)
      expect(v4.otlp.rows.map((row) => [row["is_app_root"], row["trace_name"]])).toEqual([
        [true, "GET /users/:id"],
        [true, "GET /login"],
        [false, ""]
      ])
      for (const rows of [readBack(v3), readBack(v4)]) expect(rows.get(spanId)).toMatchObject({ parent: caller })
    }))

  it.scopedLive("that another process with this library began is left to that", () =>
    Effect.gen(function*() {
      const span = closedSpan({ parentIsRemote: true })
      expect((yield* write("3", span)).ingestion.traces).toEqual([])
      expect((yield* write("4", span)).otlp.rows.map((row) => row["is_app_root"])).toEqual([false])
    }))

  it.scopedLive("is a trace of its own by ingestion", () =>
    Effect.gen(function*() {
      const mock = yield* write("3", trace)
      expect(mock.ingestion.traces).toEqual([{
        id: trace.traceId,
        timestamp: "2026-03-01 10:00:00.000",
        name: "answer",
        user_id: "ada",
        session_id: "session-1",
        release: "1.0.0",
        tags: ["a", "b"],
        metadata: {
          serviceName: "test-service",
          operationType: "chat",
          kbId: "kb",
          tenant: "acme",
          depth: "{\"n\":1}"
        },
        environment: "test",
        public: false,
        input: "{\"q\":1}",
        output: "done"
      }])
    }))

  it.scopedLive("is what its spans say by OTLP, also where the trace comes after them", () =>
    Effect.gen(function*() {
      const mock = yield* write("4", closedSpan({ userId: "ada", sessionId: "session-1" }), trace)
      const [child, root] = mock.otlp.rows
      for (const row of [child, root]) {
        expect(row).toMatchObject({
          trace_name: "answer",
          tags: ["b", "a"],
          user_id: "ada",
          session_id: "session-1",
          environment: "test",
          release: "1.0.0"
        })
      }
      expect([child!["is_app_root"], root!["is_app_root"]]).toEqual([false, true])
      expect(root!["metadata_names"]).toEqual(expect.arrayContaining(["tenant", "operationType", "kbId"]))
    }))

  it.scopedLive("that another process began keeps its name", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock, { liveStarts: true })
      yield* provider.write([Records.trace({ tags: ["a"] })])
      yield* provider.write([closedTrace({ name: undefined, output: "done" })])
      expect(mock.ingestion.traces[0]).toMatchObject({ name: "answer", output: "done", tags: ["a"] })
      expect(mock.ingestion.observations[0]).toMatchObject({ name: "answer", output: "done" })
    }))

  it.scopedLive("shows totals that were stated next to those that the server sums", () =>
    Effect.gen(function*() {
      const totals = { inputTokens: 3, outputTokens: undefined, costUsd: Records.usd("0.10"), stated: true }
      expectShown(yield* shown(trace.spanId, closedTrace({ totals })), {
        metadata: { statedInputTokens: "3", statedCostUsd: "0.1" }
      })
    }))
})

describe("a span", () => {
  it.scopedLive.each(
    [
      ["llm", "GENERATION", undefined],
      ["embedding", "EMBEDDING", undefined],
      ["retrieval", "RETRIEVER", "retrieval"],
      ["rerank", "RETRIEVER", "rerank"],
      ["tool", "TOOL", undefined],
      ["agent", "AGENT", undefined],
      ["chain", "CHAIN", undefined],
      ["workflow", "CHAIN", "workflow"],
      ["guardrail", "GUARDRAIL", undefined],
      ["evaluation", "EVALUATOR", "evaluation"],
      ["parse", "SPAN", "parse"],
      ["chunk", "SPAN", "chunk"],
      ["span", "SPAN", undefined],
      ["constructor", "SPAN", "constructor"]
    ] as const
  )("of type %s is a %s", ([type, expected, spanType]) =>
    Effect.gen(function*() {
      for (const one of yield* shown(spanId, closedSpan({ type }))) {
        expect([one.type, one.metadata["spanType"]]).toEqual([expected, spanType])
      }
    }))

  it.scopedLive("of a model call shows model, tokens in buckets that do not overlap, and cost", () =>
    Effect.gen(function*() {
      const modelCall = Records.modelCall({
        temperature: 0.2,
        finishReason: "stop",
        timeToFirstTokenMicros: 250_000,
        costUsd: Records.usd("0.003"),
        priceId: "openai/gpt-4o@2024-10-02",
        usage: Records.usage({
          uncachedInputTokens: 100,
          cacheReadTokens: 50,
          cacheWriteTokens: 20,
          outputTokens: 10,
          audioInputTokens: 30,
          longCacheWriteTokens: 15,
          reasoningTokens: 4,
          imageOutputTokens: 1
        })
      })
      expectShown(yield* shown(spanId, closedSpan({ type: "llm", modelCall })), {
        type: "GENERATION",
        model: "gpt-4o",
        parameters: "{\"temperature\":0.2}",
        firstToken: "2026-03-01 10:00:00.250",
        usage: {
          input: 70,
          input_audio_tokens: 30,
          input_cached_tokens: 50,
          input_cache_creation: 5,
          input_cache_creation_1h: 15,
          output: 5,
          output_reasoning_tokens: 4,
          output_image_tokens: 1,
          total: 180
        },
        cost: { total: 0.003 },
        metadata: { provider: "openai", priceId: "openai/gpt-4o@2024-10-02", finishReason: "stop" }
      })
    }))

  it.scopedLive("that has the figures of a model call is one, whatever its type", () =>
    Effect.gen(function*() {
      const modelCall = Records.modelCall({ costUsd: Records.usd("1") })
      expectShown(yield* shown(spanId, closedSpan({ type: "summarise", modelCall })), {
        type: "GENERATION",
        cost: { total: 1 },
        metadata: { provider: "openai", spanType: "summarise" }
      })
    }))

  it.scopedLive("whose figures repeat those of a span below adds nothing to a sum", () =>
    Effect.gen(function*() {
      const modelCall = Records.modelCall({
        isSubtotal: true,
        costUsd: Records.usd("1"),
        usage: Records.usage({ outputTokens: 7 })
      })
      expectShown(yield* shown(spanId, closedSpan({ type: "agent", modelCall })), {
        usage: undefined,
        cost: undefined,
        metadata: { provider: "openai", "subtotal.output": "7", "subtotal.total": "7", "subtotal.costUsd": "1" }
      })
    }))

  it.scopedLive("says what its figures, attributes and knowledge base are", () =>
    Effect.gen(function*() {
      const metrics = { resultCount: 3, topScore: 0.5, pageCount: undefined, chunkCount: undefined }
      const attributes = { topK: 5, list: [1, "a"], nothing: null, kbId: "the program's own" }
      const events = [{ name: "cache miss", timeUnixMicros: 5, attributes: {} }]
      expectShown(
        yield* shown(spanId, closedSpan({ type: "tool", kind: "client", kbId: "kb", metrics, events, attributes })),
        {
          metadata: {
            kind: "client",
            events: "[{\"name\":\"cache miss\",\"timeUnixMicros\":5,\"attributes\":{}}]",
            resultCount: "3",
            topScore: "0.5",
            topK: "5",
            list: "[1,\"a\"]",
            nothing: "null",
            kbId: "the program's own"
          }
        }
      )
    }))

  it.scopedLive.each(
    [
      ["error", "ERROR", "NotFound: no page"],
      ["interrupted", "WARNING", "interrupted"],
      ["lost", "WARNING", "lost"],
      ["success", "DEFAULT", undefined]
    ] as const
  )("that ended with %s has the level %s", ([status, level, statusMessage]) =>
    Effect.gen(function*() {
      const error = status === "error" ? { type: "NotFound", message: "no page", cause: "at line 1" } : undefined
      const all = yield* shown(spanId, closedSpan({ status, error }))
      expectShown(all, { level, statusMessage })
      if (error !== undefined) expectShown(all, { metadata: { errorType: "NotFound", errorCause: "at line 1" } })
    }))

  it.scopedLive("that was lost has what it had stated by then beside that", () =>
    Effect.gen(function*() {
      const error = { type: "Refused", message: "not today", cause: undefined }
      const all = yield* shown(spanId, closedSpan({ status: "lost", error }))
      expectShown(all, { level: "WARNING", statusMessage: "lost; Refused: not today" })
    }))

  it.scopedLive("that took an error back has none any more, be it that it ran still or was over", () =>
    Effect.gen(function*() {
      const error = { type: "Refused", message: "not today", cause: undefined }
      const type = "agent"
      for (const mode of ["3", "4"] as const) {
        for (const before of [Records.span({ type, error }), closedSpan({ type, error, status: "error" })]) {
          const mock = yield* mockLangfuse(mode)
          const provider = yield* providerOf(mock, { liveStarts: true })
          yield* provider.write([before])
          yield* provider.write([closedSpan({ type, revision: closedRevision + 1 })])
          const { level, metadata, statusMessage } = readBack(mock).get(spanId)!
          expect([level, statusMessage ?? ""]).toEqual(["DEFAULT", ""])
          if (before.status === "in_progress") expect(metadata).not.toHaveProperty("errorType")
        }
      }
    }))

  it.scopedLive("of unknown duration ends when it started, or not at all", () =>
    Effect.gen(function*() {
      const [ingested, traced] = yield* shown(spanId, closedSpan({ durationMicros: undefined }))
      expect(ingested!.end).toBeUndefined()
      expect(traced!.end).toBe(traced!.start)
    }))

  it.scopedLive("keeps every value that JavaScript takes for false, and text that looks like media", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [Json, string]> = [
        ["", "\"\""],
        [0, "0"],
        [false, "false"],
        [null, "null"],
        ["data: {\"delta\":1}\n\n", "data: {\"delta\":1}\n\n"],
        ["data:image/png;base64,AAAA", "data:image/png;base64,AAAA"],
        [{ url: "data:image/png;base64,AAAA" }, "{\"url\":\"data:image/png;base64,AAAA\"}"]
      ]
      for (const [value, expected] of cases) {
        expectShown(yield* shown(spanId, closedSpan({ input: value, output: value })), {
          input: expected,
          output: expected
        })
      }
    }))
})

describe("a chat message", () => {
  it.scopedLive.each([["user", "input"], ["system", "input"], ["assistant", "output"], ["tool", "output"]] as const)(
    "of the role %s is an event with it as %s",
    ([role, side]) =>
      Effect.gen(function*() {
        const message = Records.chatMessage({
          role,
          content: [{ type: "text", text: "hi" }],
          tokens: 3,
          turnNumber: 2,
          model: "gpt-4o",
          sources: [{ id: 1 }],
          responseTimeMicros: 1_500
        })
        const all = yield* shown(message.messageId, message)
        expectShown(all, {
          type: "EVENT",
          name: `chat.${role}`,
          parent: spanId,
          [side]: "[{\"type\":\"text\",\"text\":\"hi\"}]",
          usage: undefined,
          metadata: { tokens: "3", turnNumber: "2", model: "gpt-4o", sources: "[{\"id\":1}]", responseTimeMs: "1.5" }
        })
      })
  )
})

describe("a document event", () => {
  it.scopedLive("is an event with what is known of the document", () =>
    Effect.gen(function*() {
      const event = Records.documentEvent({
        documentName: "a.pdf",
        status: "failed",
        durationMicros: 2_000,
        metrics: { chunkCount: 12 },
        error: { type: "Broken", message: "page 3", cause: undefined, retryable: false, retryCount: 2 }
      })
      expectShown(yield* shown(event.eventId, event), {
        type: "EVENT",
        name: "document.parse",
        parent: spanId,
        level: "ERROR",
        statusMessage: "Broken: page 3",
        metadata: {
          documentId: "document-1",
          documentName: "a.pdf",
          stage: "parse",
          status: "failed",
          durationMs: "2",
          metrics: "{\"chunkCount\":12}",
          errorType: "Broken",
          retryable: "false",
          retryCount: "2"
        }
      })
    }))
})

describe("whatever is recorded", () => {
  /** Lone surrogates, control characters, and everything between. */
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 30 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 }).map((units) => String.fromCharCode(...units)),
    fc.constantFrom("", "\0", "\ud800", "a\udc00\u0000b", "__proto__", "data:x", "\r\n", "😀".slice(0, 1))
  )
  const name = fc.oneof(text, fc.integer({ min: 900, max: 1_100 }).map((length) => "😀".repeat(length)))
  const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 1e300))
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("json"), { maxLength: 3 }),
      fc.dictionary(text, tie("json"), { maxKeys: 3 })
    )
  }))
  const object = fc.dictionary(text, json, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>
  const maybe = <A>(arbitrary: fc.Arbitrary<A>) => fc.option(arbitrary, { nil: undefined })
  const status = fc.constantFrom("success" as const, "error" as const, "interrupted" as const, "lost" as const)
  const error = maybe(fc.record({ type: text, message: name, cause: maybe(text) }))
  const common = {
    userId: maybe(name),
    sessionId: maybe(name),
    kbId: maybe(name),
    resource: fc.record({
      processId: fc.constant("p"),
      serviceName: text,
      environment: maybe(text),
      release: maybe(name)
    })
  }
  const usage = fc.record({
    uncachedInputTokens: maybe(number),
    cacheReadTokens: maybe(number),
    cacheWriteTokens: maybe(number),
    outputTokens: maybe(number),
    audioInputTokens: maybe(number),
    imageInputTokens: maybe(number),
    audioCacheReadTokens: maybe(number),
    longCacheWriteTokens: maybe(number),
    reasoningTokens: maybe(number),
    audioOutputTokens: maybe(number),
    imageOutputTokens: maybe(number)
  })
  const span = fc.record({
    ...common,
    name,
    type: text,
    status,
    error,
    input: maybe(json),
    output: maybe(json),
    attributes: maybe(object),
    startTimeUnixMicros: number,
    durationMicros: maybe(number),
    modelCall: maybe(fc.record({
      provider: maybe(name),
      model: maybe(name),
      temperature: maybe(number),
      finishReason: maybe(text),
      timeToFirstTokenMicros: maybe(number),
      usage: maybe(usage),
      costUsd: maybe(fc.double({ min: 0, max: 1e9, noNaN: true }).map((amount) => Records.usd(String(amount)))),
      priceId: maybe(text),
      isSubtotal: fc.boolean()
    }))
  }).map(closedSpan)
  const trace = fc.record({
    ...common,
    name: maybe(name),
    status,
    error,
    tags: maybe(fc.array(name, { maxLength: 3 })),
    metadata: maybe(object),
    input: maybe(json)
  }).map(closedTrace)
  const message = fc.record({ ...common, role: text, content: json, sources: maybe(json), metadata: maybe(object) })
    .map((fields) => Records.chatMessage({ ...fields, revision: closedRevision }))
  const event = fc.record({ ...common, documentId: name, eventType: text, metrics: maybe(object) })
    .map((fields) => Records.documentEvent({ ...fields, revision: closedRevision }))

  /** What is left of text that a server would lose. */
  const clean = (value: Json): string => {
    if (value === "") return "\"\""
    const whole = (part: string) => part.replaceAll("\0", "\uFFFD").toWellFormed()
    return typeof value === "string"
      ? whole(value)
      : JSON.stringify(value, (_, part: Json) => typeof part === "string" ? whole(part) : part)
  }

  /** As text without escapes: how a character is escaped says nothing about what it is. */
  const meaning = (stored: unknown): unknown => typeof stored === "string" ? unescaped(stored) : stored
  const unescaped = (stored: string): string => {
    try {
      return JSON.stringify(JSON.parse(stored))
    } catch {
      return stored
    }
  }

  it.scopedLive.each(["3", "4"] as const)(
    "is accepted by version %s, and means the same there",
    (mode) =>
      Effect.gen(function*() {
        const mock = yield* mockLangfuse(mode)
        const provider = yield* providerOf(mock)
        const runPromise = Runtime.runPromise(yield* Effect.runtime<never>())
        yield* Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(trace, span, message, event, async (...records) => {
              // refusal of any of them would fail here
              await runPromise(provider.write(records))
              const rows = readBack(mock)
              const [aTrace, aSpan, aMessage] = records
              expect(rows.has(aTrace.spanId) && rows.has(aMessage.messageId)).toBe(true)
              const row = rows.get(aSpan.spanId)!
              expect(row.traceId).toBe(aSpan.traceId)
              if (hasPlainKeys(aSpan.input)) expect(meaning(row.input)).toBe(meaning(stored(aSpan.input)))
              mock.forget()
            }),
            { numRuns: 150 }
          )
        )
      })
  )

  const stored = (value: Json | undefined): string | undefined => value === undefined ? undefined : clean(value)

  /** Keys that become one when they are cleaned are one. */
  const hasPlainKeys = (value: Json | undefined): boolean =>
    typeof value !== "object" || value === null ||
    Object.entries(value).every(([key, item]) => key.isWellFormed() && !key.includes("\0") && hasPlainKeys(item))
})
