/**
 * The cases of the W3C suite for Trace Context, Level 2, against the service that the suite is run against, over sockets:
 * the headers of a request are the lines that are given, repeated where they are.
 *
 * @see https://github.com/w3c/trace-context/blob/main/test/test.py
 */
import { HttpServer } from "@effect/platform"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import type { IncomingMessage, Server } from "node:http"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { layer } from "../conformance/service.ts"

type Lines = ReadonlyArray<readonly [name: string, value: string]>

interface Callback {
  readonly traceId: string
  readonly parentId: string
  readonly flags: string
  /** The members, in their order; a key that occurs twice has the value of its last member. */
  readonly tracestate: ReadonlyMap<string, string>
}

const scope = Effect.runSync(Scope.make())
const received = new Map<string, IncomingMessage>()
let harness: Server
let service: number
let requests = 0

const portOf = (server: Server) => (server.address() as AddressInfo).port

beforeAll(async () => {
  harness = createServer((message, response) => {
    received.set(message.url!, message)
    message.resume().on("end", () => response.end("{}"))
  })
  await new Promise<void>((resolve) => harness.listen(0, "127.0.0.1", resolve))
  const built = await Effect.runPromise(Scope.extend(Layer.build(layer(0)), scope))
  const { address } = Context.get(built, HttpServer.HttpServer)
  if (address._tag === "TcpAddress") service = address.port
})

afterAll(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  harness.close()
})

/** Sends the lines, and returns what the service told those that it called then. */
const calls = async (lines: Lines, count: number): Promise<ReadonlyArray<Callback>> => {
  const paths = Array.from({ length: count }, (_, index) => `/callback/${requests}.${index}`)
  requests++
  const body = JSON.stringify(
    paths.map((path) => ({ url: `http://127.0.0.1:${portOf(harness)}${path}`, arguments: [] }))
  )
  const status = await new Promise((resolve, reject) => {
    const sent = request({
      port: service,
      host: "127.0.0.1",
      method: "POST",
      path: "/test",
      // as a flat list the names are sent as they are, as often as they are there
      headers: [
        ["host", "127.0.0.1"],
        ["content-type", "application/json"],
        ["content-length", String(Buffer.byteLength(body))],
        ...lines
      ].flat()
    }, (response) => response.resume().on("end", () => resolve(response.statusCode)))
    sent.on("error", reject)
    sent.end(body)
  })
  assert.strictEqual(status, 200)
  return paths.map((path) => callback(received.get(path)!))
}

const callback = ({ headersDistinct }: IncomingMessage): Callback => {
  const parents = headersDistinct["traceparent"]
  assert.strictEqual(parents?.length, 1, "one traceparent")
  const match = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/.exec(parents![0]!)
  if (match === null) return assert.fail(`no traceparent: ${parents![0]}`)
  const [, traceId, parentId, flags] = match
  const members = (headersDistinct["tracestate"] ?? []).join(",").split(",").filter((member) => member !== "")
  return {
    traceId: traceId!,
    parentId: parentId!,
    flags: flags!,
    tracestate: new Map(members.map((member) => {
      const equals = member.indexOf("=")
      return [member.slice(0, equals), member.slice(equals + 1)] as const
    }))
  }
}

const single = async (...lines: Lines) => (await calls(lines, 1))[0]!

const traceId = "12345678901234567890123456789012"
const parentId = "1234567890123456"

const parent = (value: string) => ["traceparent", value] as const
const state = (value: string) => ["tracestate", value] as const
const valid = parent(`00-${traceId}-${parentId}-00`)

const starts = async (...values: ReadonlyArray<string>) => {
  for (const value of values) assert.notStrictEqual((await single(parent(value))).traceId, traceId, value)
}

const continues = async (...values: ReadonlyArray<string>) => {
  for (const value of values) assert.strictEqual((await single(parent(value))).traceId, traceId, value)
}

const states = async (lines: Lines, expected: ReadonlyArray<readonly [string, string]>) => {
  const { traceId: continued, tracestate } = await single(valid, ...lines)
  assert.strictEqual(continued, traceId)
  assert.deepStrictEqual([...tracestate], expected)
}

const dropsStates = async (...values: ReadonlyArray<string>) => {
  for (const value of values) await states([state(value)], [])
}

describe("TraceContextTest", () => {
  it("both_traceparent_and_tracestate_missing", async () => {
    await single()
  })

  it("traceparent_included_tracestate_missing", async () => {
    const call = await single(parent(`00-${traceId}-${parentId}-01`))
    assert.strictEqual(call.traceId, traceId)
    assert.notStrictEqual(call.parentId, parentId)
    assert.strictEqual(call.flags, "01")
  })

  it("traceparent_duplicated", async () => {
    const other = "12345678901234567890123456789011"
    const call = await single(parent(`00-${other}-${parentId}-01`), parent(`00-${traceId}-${parentId}-01`))
    assert.notInclude([other, traceId], call.traceId)
  })

  it("traceparent_header_name", async () => {
    for (const name of ["trace-parent", "trace.parent"]) {
      assert.notStrictEqual((await single([name, `00-${traceId}-${parentId}-01`])).traceId, traceId)
    }
  })

  it("traceparent_header_name_valid_casing", async () => {
    for (const name of ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"]) {
      assert.strictEqual((await single([name, `00-${traceId}-${parentId}-01`])).traceId, traceId)
    }
  })

  it("traceparent_version_0x00", () =>
    starts(`00-${traceId}-${parentId}-01.`, `00-${traceId}-${parentId}-01-what-the-future-will-be-like`))

  it("traceparent_version_0xcc", async () => {
    await continues(`cc-${traceId}-${parentId}-01`, `cc-${traceId}-${parentId}-01-what-the-future-will-be-like`)
    await starts(`cc-${traceId}-${parentId}-01.what-the-future-will-be-like`)
  })

  it("traceparent_version_0xff", () => starts(`ff-${traceId}-${parentId}-01`))

  it("traceparent_version_illegal_characters", () =>
    starts(`.0-${traceId}-${parentId}-01`, `0.-${traceId}-${parentId}-01`))

  it("traceparent_version_too_long", () => starts(`000-${traceId}-${parentId}-01`, `0000-${traceId}-${parentId}-01`))

  it("traceparent_version_too_short", () => starts(`0-${traceId}-${parentId}-01`))

  it("traceparent_trace_id_all_zero", async () => {
    const zero = "0".repeat(32)
    assert.notStrictEqual((await single(parent(`00-${zero}-${parentId}-01`))).traceId, zero)
  })

  it("traceparent_trace_id_illegal_characters", () =>
    starts(`00-.${traceId.slice(1)}-${parentId}-01`, `00-${traceId.slice(0, -1)}.-${parentId}-01`))

  it("traceparent_trace_id_too_long", async () => {
    const call = await single(parent(`00-${traceId}3-${parentId}-01`))
    assert.notInclude([traceId, `${traceId}3`.slice(1)], call.traceId)
  })

  it("traceparent_trace_id_too_short", async () => {
    const call = await single(parent(`00-${traceId.slice(0, -1)}-${parentId}-01`))
    assert.isFalse(call.traceId.includes(traceId.slice(0, -1)))
  })

  it("traceparent_parent_id_all_zero", () => starts(`00-${traceId}-${"0".repeat(16)}-01`))

  it("traceparent_parent_id_illegal_characters", () =>
    starts(`00-${traceId}-.${parentId.slice(1)}-01`, `00-${traceId}-${parentId.slice(0, -1)}.-01`))

  it("traceparent_parent_id_too_long", () => starts(`00-${traceId}-${parentId}7-01`))

  it("traceparent_parent_id_too_short", () => starts(`00-${traceId}-${parentId.slice(0, -1)}-01`))

  it("traceparent_trace_flags_illegal_characters", () =>
    starts(`00-${traceId}-${parentId}-.0`, `00-${traceId}-${parentId}-0.`))

  it("traceparent_trace_flags_too_long", () => starts(`00-${traceId}-${parentId}-001`))

  it("traceparent_trace_flags_too_short", () => starts(`00-${traceId}-${parentId}-1`))

  it("traceparent_ows_handling", () => {
    const value = `00-${traceId}-${parentId}-01`
    return continues(` ${value}`, `\t${value}`, `${value} `, `${value}\t`, `\t ${value} \t`)
  })

  it("tracestate_included_traceparent_missing", async () => {
    for (const value of ["foo=1", "foo=1,bar=2"]) assert.strictEqual((await single(state(value))).tracestate.size, 0)
  })

  it("tracestate_included_traceparent_included", () => states([state("foo=1,bar=2")], [["foo", "1"], ["bar", "2"]]))

  it("tracestate_header_name", async () => {
    for (const name of ["trace-state", "trace.state"]) await states([[name, "foo=1"]], [])
  })

  it("tracestate_header_name_valid_casing", async () => {
    for (const name of ["TraceState", "TrAcEsTaTe", "TRACESTATE"]) await states([[name, "foo=1"]], [["foo", "1"]])
  })

  it("tracestate_empty_header", async () => {
    await states([state("")], [])
    await states([state("foo=1"), state("")], [["foo", "1"]])
    await states([state(""), state("foo=1")], [["foo", "1"]])
  })

  it("tracestate_multiple_headers_different_keys", () =>
    states([state("foo=1,bar=2"), state("rojo=1,congo=2"), state("baz=3")], [
      ["foo", "1"],
      ["bar", "2"],
      ["rojo", "1"],
      ["congo", "2"],
      ["baz", "3"]
    ]))

  it("tracestate_duplicated_keys", async () => {
    // Level 2 lets the list through, with one of the members or both
    for (const other of ["1", "2"]) {
      await states([state(`foo=1,foo=${other}`)], [["foo", "1"]])
      await states([state("foo=1"), state(`foo=${other}`)], [["foo", "1"]])
    }
  })

  it("tracestate_all_allowed_characters", async () => {
    const key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
    const value = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
      .filter((character) => character !== "," && character !== "=").join("")
    for (const name of [key, `${key}@a-z0-9_-*/`]) await states([state(`${name}=${value}`)], [[name, value]])
  })

  it("tracestate_ows_handling", async () => {
    for (const value of ["foo=1 \t , \t bar=2, \t baz=3", "foo=1\t \t,\t \tbar=2,\t \tbaz=3"]) {
      await states([state(value)], [["foo", "1"], ["bar", "2"], ["baz", "3"]])
    }
    for (const value of [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"]) {
      await states([state(value)], [["foo", "1"]])
    }
  })

  it("tracestate_key_illegal_characters", () => dropsStates("foo =1", "FOO=1", "foo.bar=1"))

  it("tracestate_key_illegal_vendor_format", async () => {
    await dropsStates("@foo=1,bar=2")
    // Level 2 knows no vendor: the sign may stand anywhere but at the start
    for (const key of ["foo@", "foo@@bar", "foo@bar@baz"]) {
      await states([state(`${key}=1,bar=2`)], [[key, "1"], ["bar", "2"]])
    }
  })

  it("tracestate_member_count_limit", async () => {
    const members = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => {
        const number = String(from + index).padStart(2, "0")
        return [`bar${number}`, number] as const
      })
    const lines = (count: number) =>
      [[1, 10], [11, 20], [21, 30], [31, count]].map(([from, to]) =>
        state(members(from!, to!).map(([key, value]) => `${key}=${value}`).join(","))
      )
    await states(lines(32), members(1, 32))
    await states(lines(33), [])
  })

  it("tracestate_key_length_limit", async () => {
    for (const key of ["z".repeat(256), `${"t".repeat(241)}@${"v".repeat(14)}`, `${"t".repeat(242)}@v`]) {
      await states([state("foo=1"), state(`${key}=1`)], [["foo", "1"], [key, "1"]])
    }
    await states([state("foo=1"), state(`${"z".repeat(257)}=1`)], [])
  })

  it("tracestate_value_illegal_characters", () => dropsStates("foo=bar=baz", "foo=,bar=3", "foo=ü"))
})

describe("flags of Level 2", () => {
  it("the random bit is passed on as it came, and all that is not known is cleared", async () => {
    for (const [sent, passed] of [["00", "00"], ["01", "01"], ["02", "02"], ["03", "03"], ["ff", "03"], ["fc", "00"]]) {
      assert.strictEqual((await single(parent(`00-${traceId}-${parentId}-${sent}`))).flags, passed)
    }
  })

  it("a trace that begins here says that its id is random", async () => {
    assert.strictEqual((await single()).flags, "03")
  })
})

describe("AdvancedTest", () => {
  const idsOf = (callbacks: ReadonlyArray<Callback>) => ({
    traces: new Set(callbacks.map(({ traceId }) => traceId)),
    parents: new Set(callbacks.map(({ parentId }) => parentId))
  })

  it("multiple_requests_with_valid_traceparent", async () => {
    const { parents, traces } = idsOf(await calls([parent(`00-${traceId}-${parentId}-01`)], 3))
    assert.deepStrictEqual([...traces], [traceId])
    assert.strictEqual(parents.size, 3)
  })

  it("multiple_requests_without_traceparent", async () => {
    const { parents, traces } = idsOf(await calls([], 3))
    assert.strictEqual(traces.size, 1)
    assert.strictEqual(parents.size, 3)
  })

  it("multiple_requests_with_illegal_traceparent", async () => {
    const { parents, traces } = idsOf(await calls([parent(`00-${"0".repeat(32)}-${parentId}-01`)], 3))
    assert.isFalse(traces.has("0".repeat(32)))
    assert.strictEqual(parents.size, 3)
  })
})
