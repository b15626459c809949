/** The mock answers and stores what a real server was recorded to answer and store. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { gzipSync } from "node:zlib"
import { IngestionRows } from "./ingestionRows.ts"
import type { Row, StoredEvent } from "./ingestionRows.ts"
import type { MockLangfuse } from "./mockLangfuse.ts"
import { mockLangfuse, publicKey, secretKey } from "./mockLangfuse.ts"
import { OtlpRows } from "./otlpRows.ts"

const golden = <A>(name: string): A =>
  JSON.parse(readFileSync(new URL(`../fixtures/langfuse/golden-${name}.json`, import.meta.url), "utf8")) as A

interface Reply {
  readonly name: string
  readonly status: number
  readonly ct: string | null
  readonly body: { readonly nonJson?: string; readonly errors?: ReadonlyArray<unknown> }
  readonly request?: unknown
}

interface Issues {
  readonly id: string
  readonly status: number
  readonly message: string
  readonly error?: string
}

const json = { "content-type": "application/json" }
const basic = { ...json, authorization: `Basic ${btoa(`${publicKey}:${secretKey}`)}` }

const spanNamed = (name: string, id = "e"): string =>
  JSON.stringify({
    batch: [{
      id,
      type: "span-create",
      timestamp: "2026-11-22T23:08:44.074Z",
      body: { id: "e-mwsg7jxm-1v-span", name }
    }]
  })

/** How the requests differed whose bodies are not in the recording, or that were about something else. */
const special: Readonly<Record<string, RequestInit>> = {
  "invalid json": { body: "{" },
  "null body": { body: "null" },
  "no auth": { headers: json },
  "wrong secret": { headers: { ...json, authorization: `Basic ${btoa(`${publicKey}:wrong`)}` } },
  "unknown public key": { headers: { ...json, authorization: `Basic ${btoa("pk-lf-unknown:wrong")}` } },
  "bearer public key only, trace": { headers: { ...json, authorization: `Bearer ${publicKey}` } },
  "bearer public key only, score": { headers: { ...json, authorization: `Bearer ${publicKey}` } },
  "ev name 5000 on span": { body: spanNamed("x".repeat(5_000), "e-mwsg7jxm-1w-7aly") },
  "body 4.4 MiB": { body: spanNamed("x".repeat(4.4 * 1024 * 1024), "e-mwsg8oxt-6ao-g7sm") },
  "body 4.6 MiB": { body: spanNamed("x".repeat(4.6 * 1024 * 1024)) },
  "body 6 MiB": { body: spanNamed("x".repeat(6 * 1024 * 1024)) },
  "gzip body": { body: gzipSync("{\"batch\":[]}"), headers: { ...basic, "content-encoding": "gzip" } },
  "content-type text/plain": { body: "{\"batch\":[]}", headers: { ...basic, "content-type": "text/plain" } }
}

const send = (mock: MockLangfuse, { name, request }: Reply) =>
  Effect.promise(async () => {
    const response = await fetch(`${mock.url}/api/public/ingestion`, {
      method: "POST",
      headers: basic,
      body: JSON.stringify(request),
      ...special[name]
    })
    const text = await response.text()
    const isJson = response.headers.get("content-type")?.includes("json") === true
    return { status: response.status, body: isJson ? JSON.parse(text) as Reply["body"] : { nonJson: text } }
  })

/** What is said about an event, without the details that only the validator's authors can predict. */
const verdicts = (body: Reply["body"]) => ({
  ...body,
  errors: body.errors?.map((error) => typeof error === "string" ? error : verdict(error as Issues))
})

const verdict = ({ error, ...rest }: Issues) => ({
  ...rest,
  issues: error?.startsWith("[") === true
    ? (JSON.parse(error) as ReadonlyArray<{ code: string; path: unknown; message: string }>)
      .map(({ code, message, path }) => ({ code, path, message }))
    : error
})

describe("replies", () => {
  for (const reply of golden<ReadonlyArray<Reply>>("wire")) {
    const isKnown = reply.request !== "(omitted)" || reply.name in special
    it.scoped.skipIf(!isKnown)(reply.name, () =>
      Effect.gen(function*() {
        const { body, status } = yield* send(yield* mockLangfuse("4-dual"), reply)
        expect(status).toBe(reply.status)
        if (reply.body.nonJson === undefined) expect(verdicts(body)).toEqual(verdicts(reply.body))
        else expect(body.nonJson?.slice(0, 9)).toBe(reply.body.nonJson.slice(0, 9))
      }))
  }
})

describe("rows", () => {
  interface Case {
    readonly name: string
    readonly batches: ReadonlyArray<ReadonlyArray<StoredEvent>>
    readonly rows: ReadonlyArray<Row>
  }
  for (const { batches, name, rows } of golden<ReadonlyArray<Case>>("merge")) {
    it(name, () => {
      const stored = new IngestionRows()
      for (const batch of batches) stored.add(batch)
      expect([...stored.traces, ...stored.observations]).toEqual(rows)
    })
  }

  it("of spans sent by OTLP", () => {
    const { request, rows } = golden<{ readonly request: unknown; readonly rows: ReadonlyArray<Row> }>("otlp")
    const stored = new OtlpRows()
    expect(stored.add(request)).toBeUndefined()
    // the recording goes on: one span was replaced later, and two came with other requests
    const recorded = rows.filter(({ name }) => !["chat-v2", "gz", "noheader"].includes(String(name)))
    for (const row of recorded) {
      const { trace_id: _, ...mine } = stored.rows.find((other) => other["span_id"] === row["span_id"])!
      expect(mine).toEqual(row)
    }
    expect(stored.rows.length).toBe(recorded.length + 1)
  })
})
