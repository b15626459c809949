/** What of an observation is content, and what is not. */
import { describe, expect, it } from "@effect/vitest"
import { BigDecimal } from "effect"
import type { Observation } from "../src/Observation.ts"
import { mapTexts } from "../src/Observation.ts"
import { chatMessage, documentEvent, modelCall, span, spanId, trace, traceId } from "./observations.ts"

const mask = (text: string) => text.replaceAll("secret", "***")

const json = { deep: [{ key: "secret", count: 1, isTrue: true, nothing: null }] }
const maskedJson = { deep: [{ key: "***", count: 1, isTrue: true, nothing: null }] }

const error = { type: "secret", message: "secret", cause: "at secret" }
const maskedError = { type: "secret", message: "***", cause: "at ***" }

/** What identifies, and what programs and vendors name by a word of their own, is no content. */
const identified = { userId: "secret", sessionId: "secret", kbId: "secret" }

const sizes = ({ size }: Observation) => size

describe("mapTexts", () => {
  it("of a trace takes its name, tags, metadata, input, output and error", () => {
    const record = trace({
      ...identified,
      name: "secret",
      operationType: "secret",
      error,
      tags: ["secret", "b"],
      metadata: json,
      input: "secret",
      output: json
    })
    expect(mapTexts(record, mask)).toEqual({
      ...record,
      name: "***",
      error: maskedError,
      tags: ["***", "b"],
      metadata: maskedJson,
      input: "***",
      output: maskedJson,
      size: expect.any(Number)
    })
  })

  it("of a span takes its name, attributes, events, links, input, output and error, and leaves the model call", () => {
    const record = span({
      ...identified,
      name: "secret",
      type: "secret",
      error,
      modelCall: modelCall({ model: "secret", costUsd: BigDecimal.unsafeFromString("0.01") }),
      links: [{ traceId: traceId(2), spanId: spanId(3), attributes: json }],
      events: [{ name: "secret", timeUnixMicros: 1, attributes: json }],
      attributes: json,
      input: json,
      output: "secret"
    })
    expect(mapTexts(record, mask)).toEqual({
      ...record,
      name: "***",
      error: maskedError,
      links: [{ traceId: traceId(2), spanId: spanId(3), attributes: maskedJson }],
      events: [{ name: "***", timeUnixMicros: 1, attributes: maskedJson }],
      attributes: maskedJson,
      input: maskedJson,
      output: "***",
      size: expect.any(Number)
    })
  })

  it("of a chat message takes its content, sources, citations and metadata", () => {
    const record = chatMessage({
      ...identified,
      role: "secret",
      model: "secret",
      content: json,
      sources: ["secret"],
      citations: json,
      metadata: json
    })
    expect(mapTexts(record, mask)).toEqual({
      ...record,
      content: maskedJson,
      sources: ["***"],
      citations: maskedJson,
      metadata: maskedJson,
      size: expect.any(Number)
    })
  })

  it("of a document event takes the document's name, metrics, metadata and error", () => {
    const record = documentEvent({
      ...identified,
      documentId: "secret",
      documentName: "secret",
      eventType: "secret",
      metrics: json,
      error: { ...error, retryable: true, retryCount: 2 },
      metadata: json
    })
    expect(mapTexts(record, mask)).toEqual({
      ...record,
      documentName: "***",
      metrics: maskedJson,
      error: { ...maskedError, retryable: true, retryCount: 2 },
      metadata: maskedJson,
      size: expect.any(Number)
    })
  })

  it("changes no record that has no such text, and none that it is given", () => {
    const records = [trace({ name: undefined }), span(), chatMessage(), documentEvent()]
    expect(records.map(mapTexts((text) => text))).toEqual(records)
    const record = trace({ input: json })
    mapTexts(record, () => "")
    expect(record).toEqual(trace({ input: json }))
  })

  it("keeps the estimated size true", () => {
    const record = chatMessage({ content: ["secret", "secret"] })
    expect(sizes(record) - sizes(mapTexts(record, () => "s"))).toBe(2 * 2 * "ecret".length)
  })

  it("keeps the keys of objects, also one that would change the prototype", () => {
    const record = chatMessage({ content: JSON.parse("{\"__proto__\": \"secret\", \"secret\": \"secret\"}") })
    const { content } = mapTexts(record, mask)
    expect(JSON.stringify(content)).toBe("{\"__proto__\":\"***\",\"secret\":\"***\"}")
  })
})
