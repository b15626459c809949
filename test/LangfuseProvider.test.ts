import { describe, expect, it } from "@effect/vitest"
import { Config, ConfigProvider, Deferred, Duration, Effect, Either, Exit, Fiber, Option, Redacted } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as LangfuseProvider from "../src/LangfuseProvider.ts"
import type { Observation } from "../src/Observation.ts"
import type { ProviderError } from "../src/Provider.ts"
import type { Mode } from "./langfuse/mockLangfuse.ts"
import { answering, failing, hanging, html, mockLangfuse } from "./langfuse/mockLangfuse.ts"
import { closedSpan, closedTrace, idsOf, providerOf, spans, storedIds } from "./langfuse/records.ts"
import * as Records from "./observations.ts"
import { nameOfSeveral } from "./severalAddresses.ts"

const batchOf = (records: ReadonlyArray<Observation>) => records as NonEmptyReadonlyArray<Observation>

/** What a write fails with. */
const failureOf = (effect: Effect.Effect<void, ProviderError>) => Effect.flip(effect)

describe("configuration", () => {
  const read = (variables: Readonly<Record<string, string>>) =>
    Effect.runSync(Effect.either(
      Effect.withConfigProvider(LangfuseProvider.config, ConfigProvider.fromMap(new Map(Object.entries(variables))))
    ))
  const keys = { LANGFUSE_PUBLIC_KEY: "pk-lf-1", LANGFUSE_SECRET_KEY: "sk-lf-1" }

  it("is none without keys, with empty keys, and when it is switched off", () => {
    expect(read({})).toEqual(Either.right(Option.none()))
    expect(read({ LANGFUSE_PUBLIC_KEY: "", LANGFUSE_SECRET_KEY: " " })).toEqual(Either.right(Option.none()))
    expect(read({ ...keys, LANGFUSE_ENABLED: "false", LANGFUSE_HOST: "nonsense" })).toEqual(Either.right(Option.none()))
    expect(read({ LANGFUSE_PUBLIC_KEY: "half", LANGFUSE_ENABLED: "false" })).toEqual(Either.right(Option.none()))
  })

  it("reads keys and host, the host by default that of the cloud", () => {
    const options = (variables: Readonly<Record<string, string>>) =>
      Option.getOrThrow(Either.getOrThrow(read({ ...keys, ...variables })))
    expect(Redacted.value(options({}).publicKey)).toBe("pk-lf-1")
    expect(Redacted.value(options({}).secretKey)).toBe("sk-lf-1")
    expect(options({}).host).toBe("https://cloud.langfuse.com")
    expect(String(options({}).secretKey)).not.toContain("sk-lf-1")
  })

  const hostNames = ["LANGFUSE_BASE_URL", "LANGFUSE_HOST", "LANGFUSE_BASEURL"]
  const own = "http://langfuse.local:3000/path/"

  it.each(hostNames)("reads the host from %s", (name) => {
    const unset = Object.fromEntries(hostNames.map((other) => [other, ""]))
    for (const variables of [{ [name]: own }, { ...unset, [name]: own }]) {
      expect(Option.getOrThrow(Either.getOrThrow(read({ ...keys, ...variables }))).host).toBe(own)
    }
  })

  it("takes several hosts that are the same, and names two that differ", () => {
    const same = { LANGFUSE_BASE_URL: own, LANGFUSE_HOST: own.slice(0, -1), LANGFUSE_BASEURL: own }
    expect(Option.getOrThrow(Either.getOrThrow(read({ ...keys, ...same }))).host).toBe(own)
    for (const [left, right] of [[0, 1], [0, 2], [1, 2]] as const) {
      const two = [hostNames[left]!, hostNames[right]!]
      const error = Either.getOrThrow(Either.flip(
        read({ ...keys, [two[0]!]: "https://us.cloud.langfuse.com", [two[1]!]: own })
      ))
      expect(hostNames.filter((name) => new RegExp(`${name}\\b`).test(String(error)))).toEqual(two)
    }
  })

  it.each([
    ["LANGFUSE_SECRET_KEY", { LANGFUSE_PUBLIC_KEY: "pk-lf-1" }],
    ["LANGFUSE_PUBLIC_KEY", { LANGFUSE_SECRET_KEY: "sk-lf-1", LANGFUSE_PUBLIC_KEY: "" }],
    ["LANGFUSE_SECRET_KEY", { ...keys, LANGFUSE_SECRET_KEY: "schlüssel" }],
    ["LANGFUSE_HOST", { ...keys, LANGFUSE_HOST: "cloud.langfuse.com" }],
    ["LANGFUSE_BASEURL", { ...keys, LANGFUSE_BASEURL: "cloud.langfuse.com" }],
    ["LANGFUSE_BASE_URL", { ...keys, LANGFUSE_BASE_URL: "cloud.langfuse.com", LANGFUSE_HOST: own }],
    ["LANGFUSE_HOST", { ...keys, LANGFUSE_HOST: "https://user:password@langfuse.local" }],
    ["LANGFUSE_ENABLED", { ...keys, LANGFUSE_ENABLED: "perhaps" }]
  ])("names %s when that is what is wrong", (name, variables) => {
    const error = Either.getOrThrow(Either.flip(read(variables)))
    expect(String(error)).toContain(name)
    expect(String(error)).not.toMatch(/sk-lf-1|schlüssel|password/)
  })

  it.each([[undefined, "langfuse"], ["second project", "second project"]])("has the name %s: %s", (name, expected) => {
    const options = { publicKey: Redacted.make("pk"), secretKey: Redacted.make("sk"), name }
    return Effect.runPromise(LangfuseProvider.make(options)).then((made) => expect(made.name).toBe(expected))
  })

  it("does not take half of the keys for none when it is made optional", () => {
    const exit = Effect.runSyncExit(Effect.withConfigProvider(
      Config.option(LangfuseProvider.config),
      ConfigProvider.fromMap(new Map([["LANGFUSE_PUBLIC_KEY", "pk-lf-1"]]))
    ))
    expect(Exit.isFailure(exit)).toBe(true)
  })

  it.effect("gives the service an option", () =>
    Effect.gen(function*() {
      const provided = (variables: Readonly<Record<string, string>>) =>
        LangfuseProvider.LangfuseProvider.pipe(
          Effect.provide(LangfuseProvider.layerConfig),
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
        )
      expect(Option.isNone(yield* provided({}))).toBe(true)
      expect(Option.map(yield* provided(keys), ({ name }) => name)).toEqual(Option.some("langfuse"))
      const wrong = LangfuseProvider.layer({
        publicKey: Redacted.make("pk"),
        secretKey: Redacted.make("sk"),
        host: "ftp://somewhere"
      })
      expect(String(yield* Effect.flip(Effect.provide(LangfuseProvider.LangfuseProvider, wrong)))).toContain("host")
    }))
})

describe("protocol", () => {
  const records = [closedTrace(), ...spans(3)]

  it.scopedLive.each(
    [
      ["4", "otlp"],
      ["4-dual", "otlp"],
      ["3", "ingestion"],
      ["3.21", "ingestion"]
    ] satisfies ReadonlyArray<[Mode, string]>
  )("of a server of version %s is %s", ([mode, protocol]) =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      yield* (yield* providerOf(mock)).write(batchOf(records))
      expect(mock.received.map(({ path }) => path)).toEqual([
        "/api/public/health",
        protocol === "otlp" ? "/api/public/otel/v1/traces" : "/api/public/ingestion"
      ])
      expect(storedIds(mock)).toEqual(expect.arrayContaining([...idsOf(records)]))
      expect(storedIds(mock).length).toBe(records.length)
    }))

  it.scopedLive("is what is asked for, without asking the server", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4-dual")
      yield* (yield* providerOf(mock, { protocol: "ingestion" })).write(batchOf(records))
      yield* (yield* providerOf(mock, { protocol: "otlp" })).write(batchOf(records))
      expect(mock.received.map(({ path }) => path)).toEqual(["/api/public/ingestion", "/api/public/otel/v1/traces"])
    }))

  it.scopedLive("changes to OTLP with exactly what ingestion did not take", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock)
      yield* provider.write(batchOf(spans(2)))
      // the server is replaced by one of the next version
      mock.mode = "4"
      const later = spans(3).map((span, at) => ({ ...span, spanId: Records.spanId(2_000 + at) }))
      yield* provider.write(batchOf(later))
      yield* provider.write(batchOf([closedSpan({ spanId: Records.spanId(3_000) })]))
      expect(mock.ingestion.observations.length).toBe(2)
      expect(mock.otlp.rows.map((row) => row["span_id"])).toEqual([...idsOf(later), Records.spanId(3_000)])
      expect(mock.batches.map(({ path }) => path.split("/")[3])).toEqual(["ingestion", "ingestion", "otel", "otel"])
    }))

  it.scopedLive("does not store twice what one protocol took before the other failed", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock)
      const batch = batchOf(spans(3))
      const refused = `observation-${batch[1]!.spanId}-${batch[1]!.revision}`
      const { fault } = mock
      mock.fault = (response, request) => {
        if (request.path.endsWith("/health")) return false
        if (request.path.endsWith("/traces")) return answering(503, html)(response, request)
        return answering(207, {
          successes: [],
          errors: [{ id: refused, status: 400, message: "Event type not accepted" }]
        })(response, request)
      }
      expect((yield* failureOf(provider.write(batch))).reason).toBe("transient")
      mock.fault = fault
      yield* provider.write(batch)
      expect(mock.otlp.rows.map((row) => row["span_id"])).toEqual([batch[1]!.spanId])
    }))

  it.scopedLive.each([404, 405, 410])("changes when an endpoint answers %s", (status) =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4-dual")
      mock.fault = (response, request) =>
        request.path.endsWith("/health")
          ? answering(200, { status: "OK", version: "3.100.0" })(response, request)
          : request.path.endsWith("/ingestion") && answering(status, "gone")(response, request)
      yield* (yield* providerOf(mock)).write(batchOf(records))
      expect(mock.otlp.rows.length).toBe(records.length)
    }))

  it.scopedLive("changes to ingestion where there is no OTLP", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3.21")
      mock.fault = (response, request) =>
        request.path.endsWith("/health") && answering(200, { status: "OK", version: "v4.0.0" })(response, request)
      yield* (yield* providerOf(mock)).write(batchOf(records))
      expect(mock.ingestion.observations.length).toBe(records.length)
    }))

  it.scopedLive("waits, and then asks again, where neither is known", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      mock.fault = answering(404, "no such page")
      const provider = yield* providerOf(mock)
      const failure = yield* failureOf(provider.write(batchOf(records)))
      expect(failure.reason).toBe("transient")
      expect(failure.message).toContain("LANGFUSE_BASE_URL")
      mock.fault = () => false
      yield* provider.write(batchOf(records))
      expect(mock.otlp.rows.length).toBe(records.length)
    }))

  it.scopedLive("is ingestion at first for a server that cannot be asked", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4-dual")
      mock.fault = (response, request) => request.path.endsWith("/health") && answering(502, html)(response, request)
      yield* (yield* providerOf(mock)).write(batchOf(records))
      expect(mock.ingestion.observations.length).toBe(records.length)
    }))
})

describe("what is not written yet", () => {
  const open = [Records.trace(), Records.span({ type: "llm" }), Records.span({ spanId: Records.spanId(9) })]

  it.scopedLive("is not sent, and not a failure", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      yield* (yield* providerOf(mock)).write(batchOf(open))
      expect(mock.received).toEqual([])
    }))

  it.scopedLive("is sent by ingestion where live starts are asked for, and ends in the same rows", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock, { liveStarts: true })
      yield* provider.write(batchOf(open))
      expect(mock.ingestion.observations.map((row) => [row["type"], row["end_time"]])).toEqual([
        ["GENERATION", undefined],
        ["SPAN", undefined]
      ])
      yield* provider.write(batchOf([
        closedTrace(),
        closedSpan({ type: "llm", durationMicros: 0 }),
        closedSpan({ spanId: Records.spanId(9), modelCall: Records.modelCall() })
      ]))
      const rows = mock.ingestion.observations
      expect(rows.map((row) => row["type"])).toEqual(["GENERATION", "GENERATION", "SPAN"])
      expect(rows.every((row) => row["end_time"] !== undefined)).toBe(true)
    }))

  it.scopedLive("does not undo an end that was faster, in the same instant", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock, { liveStarts: true })
      const error = { type: "Failed", message: "no", cause: undefined }
      yield* provider.write(batchOf([closedSpan({ type: "llm", durationMicros: 0, status: "error", error })]))
      yield* provider.write(batchOf([Records.span({ type: "llm" })]))
      expect(mock.ingestion.observations).toMatchObject([{ level: "ERROR", status_message: "Failed: no" }])
    }))

  it.scopedLive("is never sent by OTLP", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      const provider = yield* providerOf(mock, { liveStarts: true })
      yield* provider.write(batchOf(open))
      yield* provider.write(batchOf([Records.span({ type: "llm" }), closedSpan()]))
      expect(mock.otlp.rows.length).toBe(1)
    }))
})

describe("what is added after the end", () => {
  const first = closedSpan({ output: "first", attributes: { a: 1 } })
  const amended = { ...first, output: "second", revision: first.revision + 1 }

  it.scopedLive.each([["3", "in order"], ["3", "late"], ["4", "in order"], ["4", "late"]] as const)(
    "is what version %s shows, whether the first record comes %s",
    ([mode, order]) =>
      Effect.gen(function*() {
        const mock = yield* mockLangfuse(mode)
        const provider = yield* providerOf(mock)
        for (const record of order === "late" ? [amended, first] : [first, amended]) yield* provider.write([record])
        const rows = mode === "3" ? mock.ingestion.observations : mock.otlp.rows
        expect(rows.map((row) => row["output"])).toEqual(["second"])
      })
  )
})

describe("verdicts", () => {
  it.scopedLive("of single records reject these and nothing else", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock)
      const batch = batchOf(spans(4))
      mock.fault = failing(
        1,
        answering(207, {
          successes: [],
          errors: [{ id: `observation-${batch[2]!.spanId}-${batch[2]!.revision}`, status: 400, message: "no" }]
        })
      )
      const failure = yield* failureOf(provider.write(batch))
      expect(failure.reason).toBe("rejected")
      expect(failure.rejections?.map(({ index }) => index)).toEqual([2])
    }))

  it.scopedLive("of 500 make the batch come again, the same to the byte", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const provider = yield* providerOf(mock)
      const batch = batchOf([closedTrace(), ...spans(2)])
      mock.fault = failing(
        1,
        answering(207, {
          successes: [],
          errors: [{ id: `observation-${batch[1]!.spanId}-${batch[1]!.revision}`, status: 500, message: "later" }]
        })
      )
      expect((yield* failureOf(provider.write(batch))).reason).toBe("transient")
      yield* provider.write(batch)
      const [first, second] = mock.batches
      expect(second!.body).toBe(first!.body)
    }))

  it.scopedLive("on types that an old server does not know make records come again under a plain one", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3.21")
      const provider = yield* providerOf(mock)
      yield* provider.write(batchOf([
        closedSpan({ spanId: Records.spanId(11), type: "tool" }),
        closedSpan({ spanId: Records.spanId(12), type: "embedding", modelCall: Records.modelCall() }),
        closedSpan({ spanId: Records.spanId(13), type: "llm" })
      ]))
      const rows = new Map(mock.ingestion.observations.map((row) => [row["id"], row]))
      expect(rows.get(Records.spanId(11))).toMatchObject({ type: "SPAN", metadata: { observationType: "tool" } })
      expect(rows.get(Records.spanId(12))).toMatchObject({ type: "GENERATION", provided_model_name: "gpt-4o" })
      expect(rows.size).toBe(3)
      yield* provider.write(batchOf([closedSpan({ spanId: Records.spanId(14), type: "agent" })]))
      // from then on at the first attempt
      expect(mock.batches.length).toBe(3)
    }))

  it.scopedLive.each([401, 403])("of %s wait, and name the keys", (status) =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      mock.fault = answering(status, { error: "no" })
      const failure = yield* failureOf((yield* providerOf(mock, { protocol: "otlp" })).write(batchOf(spans(1))))
      expect([failure.reason, Duration.toSeconds(failure.retryAfter!)]).toEqual(["transient", 60])
      expect(failure.message).toMatch(/LANGFUSE_PUBLIC_KEY.*LANGFUSE_SECRET_KEY/)
      expect(failure.message).not.toMatch(/lf-test/)
    }))

  it.scopedLive("of 400 on a whole request leave the delivery to find the culprit", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      const provider = yield* providerOf(mock, { protocol: "otlp" })
      mock.fault = answering(400, { error: "Invalid span" })
      const several = yield* failureOf(provider.write(batchOf(spans(2))))
      expect([several.reason, several.rejections]).toEqual(["rejected", undefined])
      const single = yield* failureOf(provider.write(batchOf(spans(1))))
      expect(single.rejections?.map(({ index }) => index)).toEqual([0])
    }))
})

describe("a name of several addresses, none of which answers", () => {
  it.scopedLive("is reported with what each of them said", () =>
    Effect.gen(function*() {
      yield* nameOfSeveral("several.test", ["127.0.0.2", "127.0.0.3"])
      const provider = yield* LangfuseProvider.make({
        publicKey: Redacted.make("pk-lf-1"),
        secretKey: Redacted.make("sk-lf-1"),
        // nobody listens on port 1
        host: "http://several.test:1"
      })
      const { message, reason } = yield* failureOf(provider.write(batchOf(spans(1))))
      expect(reason).toBe("transient")
      expect(message).toContain("connect ECONNREFUSED 127.0.0.2:1; connect ECONNREFUSED 127.0.0.3:1")
    }))
})

describe("a write that is interrupted", () => {
  it.scopedLive("aborts its request", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      const arrived = yield* Deferred.make<void>()
      const aborted = yield* Deferred.make<void>()
      mock.fault = (response, request) => {
        if (request.method !== "POST") return false
        response.on("close", () => Deferred.unsafeDone(aborted, Effect.void))
        Deferred.unsafeDone(arrived, Effect.void)
        return hanging(response, request)
      }
      const fiber = yield* Effect.fork((yield* providerOf(mock)).write(batchOf(spans(1))))
      yield* Deferred.await(arrived)
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(aborted)
    }))
})

describe("the environment", () => {
  it.scopedLive("decides nothing that was given in code", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("4")
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env["LANGFUSE_BASEURL"] = "http://127.0.0.1:1"
          process.env["LANGFUSE_TRACING_ENVIRONMENT"] = "LANGFUSE not valid"
        }),
        () =>
          Effect.sync(() => {
            delete process.env["LANGFUSE_BASEURL"]
            delete process.env["LANGFUSE_TRACING_ENVIRONMENT"]
          })
      )
      yield* (yield* providerOf(mock)).write(batchOf(spans(1)))
      expect(mock.otlp.rows[0]).toMatchObject({ environment: "test", release: "1.0.0" })
    }))
})
