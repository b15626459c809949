/** What the tests of the provider have in common: a provider for the mock, and records to be stored there. */
import { Redacted } from "effect"
import type { Options } from "../../src/LangfuseProvider.ts"
import * as LangfuseProvider from "../../src/LangfuseProvider.ts"
import { closedRevision } from "../../src/Observation.ts"
import type { Observation, Span, Trace } from "../../src/Observation.ts"
import * as Records from "../observations.ts"
import type { MockLangfuse } from "./mockLangfuse.ts"
import { publicKey, secretKey } from "./mockLangfuse.ts"

export const providerOf = (mock: MockLangfuse, options: Partial<Options> = {}) =>
  LangfuseProvider.make({
    publicKey: Redacted.make(publicKey),
    secretKey: Redacted.make(secretKey),
    host: mock.url,
    ...options
  })

export const closedTrace = (fields: Partial<Trace> = {}): Trace =>
  Records.trace({ status: "success", revision: closedRevision, durationMicros: 2_000_000, ...fields })

export const closedSpan = (fields: Partial<Span> = {}): Span =>
  Records.span({ status: "success", revision: closedRevision, durationMicros: 1_000_000, ...fields })

/** Spans that differ in their ids. */
export const spans = (count: number, fields: Partial<Span> = {}): ReadonlyArray<Span> =>
  Array.from({ length: count }, (_, at) => closedSpan({ spanId: Records.spanId(1_000 + at), ...fields }))

/** The ids under which records are stored, by whatever protocol. */
export const storedIds = (mock: MockLangfuse): ReadonlyArray<unknown> => [
  ...mock.ingestion.observations.map((row) => row["id"]),
  ...mock.otlp.rows.map((row) => row["span_id"])
]

export const idsOf = (records: ReadonlyArray<Observation>): ReadonlyArray<string> =>
  records.map((record) =>
    record._tag === "ChatMessage" ? record.messageId : record._tag === "DocumentEvent" ? record.eventId : record.spanId
  )
