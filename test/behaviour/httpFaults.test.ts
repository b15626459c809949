/** All the ways in which a server, or what stands before it, fails: nothing is lost, or it is counted. */
import { describe, expect, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Logger } from "effect"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Delivery from "../../src/Delivery.ts"
import type { Options } from "../../src/LangfuseProvider.ts"
import type { Observation, Span } from "../../src/Observation.ts"
import type { Fault, MockLangfuse, Mode } from "../langfuse/mockLangfuse.ts"
import {
  answering,
  failing,
  hanging,
  hangingAfterHeaders,
  html,
  listen,
  mockLangfuse,
  resetting
} from "../langfuse/mockLangfuse.ts"
import { closedSpan, idsOf, providerOf, spans, storedIds } from "../langfuse/records.ts"
import * as Records from "../observations.ts"

const deliveryTo = (mock: MockLangfuse, options: Partial<Options> = {}) =>
  Effect.flatMap(
    providerOf(mock, options),
    (provider) =>
      Delivery.make(provider, { batchWindow: "1 millis", retryDelay: "2 millis", maxRetryDelay: "10 millis" })
  ).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))

const offerAll = (delivery: Delivery.Delivery, records: ReadonlyArray<Observation>) =>
  Effect.sync(() => {
    for (const record of records) delivery.offer(record)
  })

const modes = ["3", "4"] satisfies ReadonlyArray<Mode>

/** 120 records are three batches. */
const records = spans(120)

const partial: Fault = (response, request) => {
  const { batch } = JSON.parse(request.body) as { readonly batch?: ReadonlyArray<{ readonly id: string }> }
  // the other protocol has no verdicts on single records
  if (batch === undefined) return answering(503, "")(response, request)
  return answering(207, {
    successes: batch.slice(1).map(({ id }) => ({ id, status: 201 })),
    errors: [{ id: batch[0]!.id, status: 503, message: "Internal Server Error" }]
  })(response, request)
}

describe.each(modes)("version %s", (mode) => {
  it.scopedLive.each<readonly [string, Fault, Partial<Options>]>([
    ["500 with JSON", answering(500, { message: "Internal Server Error" }), {}],
    ["502 with a page", answering(502, html), {}],
    ["503 with text", answering(503, "no healthy upstream"), {}],
    ["500 without a body", answering(500, ""), {}],
    ["200 with a page", answering(200, html), {}],
    ["200 without a body", answering(200, ""), {}],
    ["200 with null", answering(200, null), {}],
    ["429 with text", answering(429, "429 - rate limit exceeded", { "retry-after": "0" }), {}],
    [
      "429 with JSON and a date",
      answering(429, { error: "slow down" }, { "retry-after": new Date(0).toUTCString() }),
      {}
    ],
    ["408", answering(408, "timeout"), {}],
    ["a redirection to a page", answering(302, "", { location: "/login" }), {}],
    ["a connection that breaks", resetting, {}],
    ["no answer", hanging, { requestTimeout: "40 millis" }],
    ["an answer that does not end", hangingAfterHeaders, { requestTimeout: "40 millis" }],
    ["a failure of single records", partial, {}]
  ])("%s: nothing is lost", ([_, fault, options]) =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = failing(4, fault)
      const delivery = yield* deliveryTo(mock, options)
      yield* offerAll(delivery, records)
      const receipt = yield* delivery.flush("20 seconds")
      expect(receipt).toEqual({ accepted: 120, written: 120, spooled: 0, dropped: 0, rejected: 0, pending: 0 })
      expect(Array.from(storedIds(mock)).sort()).toEqual([...idsOf(records)])
      expect(mock.maxSockets).toBeLessThanOrEqual(4)
    }))

  it.scopedLive("a port where nobody is: nothing is lost once there is somebody", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      const port = Number(new URL(mock.url).port)
      yield* Effect.async<void>((resume) => void mock.server.close(() => resume(Effect.void)))
      const delivery = yield* deliveryTo(mock)
      yield* offerAll(delivery, records)
      yield* Effect.repeat(Effect.sleep("5 millis"), { while: () => delivery.stats().retries < 3 })
      expect(delivery.stats()).toMatchObject({ accepted: 120, written: 0, pending: 120, dropped: 0 })
      yield* listen(mock, port)
      expect(yield* delivery.flush("20 seconds")).toMatchObject({ written: 120, pending: 0, dropped: 0 })
      expect(new Set(storedIds(mock)).size).toBe(120)
    }))

  it.scopedLive("wrong keys: everything is kept, and written when they are right", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = (response, request) =>
        request.method === "POST" && answering(401, { error: "UnauthorizedError" })(response, request)
      const delivery = yield* deliveryTo(mock)
      yield* offerAll(delivery, records)
      expect(yield* delivery.flush("200 millis")).toMatchObject({ written: 0, pending: 120, rejected: 0, dropped: 0 })
      // asked a few times at most, not a hundred
      expect(mock.batches.length).toBeLessThanOrEqual(4)
      mock.fault = () => false
      expect(yield* delivery.flush("20 seconds")).toMatchObject({ written: 120, pending: 0 })
    }))

  it.scopedLive("a server that never answers: what is left at the deadline is counted", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = hanging
      const delivery = yield* deliveryTo(mock)
      yield* offerAll(delivery, records)
      const receipt = yield* delivery.close("50 millis").pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
      expect(receipt).toEqual({ accepted: 120, written: 0, spooled: 0, dropped: 120, rejected: 0, pending: 0 })
      expect(mock.maxSockets).toBeLessThanOrEqual(4)
    }))

  it.scopedLive("a body that is too large: the batch is halved, nothing is lost and nothing is cut", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = largerThan(100_000)
      const large = spans(40, { input: "x".repeat(10_000), size: 20_000 })
      const delivery = yield* deliveryTo(mock)
      yield* offerAll(delivery, large)
      expect(yield* delivery.flush("20 seconds")).toMatchObject({ written: 40, rejected: 0, pending: 0 })
      expect(inputsOf(mock)).toEqual(large.map(({ input }) => input))
    }))

  it.scopedLive("a body whose connection breaks for its size: the batch is halved", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = (response, request) => request.body.length > 100_000 && resetting(response, request)
      const delivery = yield* deliveryTo(mock)
      yield* offerAll(delivery, spans(40, { input: "x".repeat(10_000), size: 20_000 }))
      expect(yield* delivery.flush("20 seconds")).toMatchObject({ written: 40, rejected: 0, pending: 0 })
    }))

  it.scopedLive("one record that is too large is cut, and says so", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = largerThan(150_000)
      const provider = yield* providerOf(mock)
      yield* provider.write([closedSpan({ input: "é\n".repeat(150_000), output: "short", size: 600_000 })])
      const [input] = inputsOf(mock)
      expect(input).toMatch(/^(é\n)+é?\.\.\. \[cut, 300000 characters\]$/)
      expect(String(input).length).toBeGreaterThan(10_000)
      expect(JSON.stringify([mock.ingestion.observations, mock.otlp.rows])).toContain("short")
    }))

  it.scopedLive("one record whose connection breaks for its size is cut, at the second time", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = (response, request) => request.body.length > 40_000 && resetting(response, request)
      const provider = yield* providerOf(mock)
      const record = closedSpan({ input: "x".repeat(300_000), size: 600_000 })
      expect((yield* Effect.flip(provider.write([record]))).reason).toBe("transient")
      yield* provider.write([record])
      expect(inputsOf(mock)).toEqual([expect.stringMatching(/^x+\.\.\. \[cut, 300000 characters\]$/)])
    }))

  it.scopedLive("one record whose connection breaks for another reason is tried again, and stays whole", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      const provider = yield* providerOf(mock)
      for (const input of ["x".repeat(300_000), "x".repeat(50_000)]) {
        const record = closedSpan({ input, size: 600_000 })
        mock.fault = (response, request) => request.method === "POST" && resetting(response, request)
        for (let time = 0; time < 3; time++) {
          expect((yield* Effect.flip(provider.write([record]))).reason).toBe("transient")
        }
        mock.fault = () => false
        yield* provider.write([record])
        expect(inputsOf(mock).at(-1)).toBe(input)
      }
    }))

  it.scopedLive("one record that nothing makes small enough is rejected, alone", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      mock.fault = (response, request) =>
        request.body.includes(Records.spanId(7)) && answering(413, "Body exceeded 4.5mb limit")(response, request)
      const delivery = yield* deliveryTo(mock)
      yield* offerAll(delivery, [...spans(10), closedSpan({ spanId: Records.spanId(7), input: "x".repeat(300_000) })])
      expect(yield* delivery.flush("20 seconds")).toMatchObject({ written: 10, rejected: 1, pending: 0 })
    }))

  it.scopedLive("says how long the server wants to be left alone", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse(mode)
      const provider = yield* providerOf(mock)
      const retryAfterOf = (header: string) => {
        mock.fault = failing(1, answering(429, "slow down", { "retry-after": header }))
        return Effect.map(
          Effect.flip(provider.write(batchOf(spans(1)))),
          (
            { reason, retryAfter }
          ) => [reason, retryAfter === undefined ? undefined : Math.round(Duration.toSeconds(retryAfter) / 10)]
        )
      }
      expect(yield* retryAfterOf("120")).toEqual(["transient", 12])
      expect(yield* retryAfterOf(new Date(Date.now() + 90_000).toUTCString())).toEqual(["transient", 9])
      expect(yield* retryAfterOf("soon")).toEqual(["transient", undefined])
    }))
})

describe("a stream of records", () => {
  it.scopedLive("whose server turns from ingestion to OTLP loses nothing and has nothing twice", () =>
    Effect.gen(function*() {
      const mock = yield* mockLangfuse("3")
      const delivery = yield* deliveryTo(mock)
      const stream = spans(600)
      const switched = yield* Deferred.make<void>()
      mock.fault = (_, request) => {
        // in the middle of the stream, with a request in flight, an answer of the next version
        if (request.method === "POST" && mock.batches.length === 4) {
          mock.mode = "4"
          Deferred.unsafeDone(switched, Effect.void)
        }
        return false
      }
      yield* offerAll(delivery, stream.slice(0, 300))
      yield* Deferred.await(switched)
      yield* offerAll(delivery, stream.slice(300))
      expect(yield* delivery.flush("20 seconds")).toMatchObject({ accepted: 600, written: 600, rejected: 0 })
      expect(mock.ingestion.observations.length).toBeGreaterThan(0)
      expect(Array.from(storedIds(mock)).sort()).toEqual([...idsOf(stream)])
    }))
})

const batchOf = (batch: ReadonlyArray<Observation>) => batch as NonEmptyReadonlyArray<Observation>

const largerThan = (bytes: number): Fault => (response, request) =>
  request.body.length > bytes && answering(413, "Body exceeded 4.5mb limit")(response, request)

const inputsOf = (mock: MockLangfuse): ReadonlyArray<Span["input"] | unknown> =>
  [...mock.ingestion.observations, ...mock.otlp.rows].map((row) => row["input"])
