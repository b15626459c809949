/** Observations as text trees. */
import * as BigDecimal from "effect/BigDecimal"
import type * as Observation from "../../Observation.ts"
import { inputTokens } from "../../Usage.ts"
import { latest } from "./latest.ts"

/**
 * Draws observations as trees, one line for each trace, span, message or document event, with type, status, duration in
 * milliseconds, tokens, cost and error; children are in the order in which they began. A record whose parent is not
 * among the observations is drawn at the top, marked as an orphan.
 *
 * @since 0.1.0
 * @category rendering
 */
export const renderTree = (observations: ReadonlyArray<Observation.Observation>): string => {
  const byParent = new Map<string, Array<Observation.Observation>>()
  const ids = new Set<string>()
  const records = latest(observations)
  for (const record of records) if (isPlace(record)) ids.add(record.spanId)
  const tops: Array<Observation.Observation> = []
  for (const record of [...records].sort((left, right) => timeOf(left) - timeOf(right))) {
    const parent = parentOf(record)
    if (parent === undefined || !ids.has(parent)) tops.push(record)
    else byParent.set(parent, [...(byParent.get(parent) ?? []), record])
  }
  const lines: Array<string> = []
  const drawn = new Set<Observation.Observation>()
  const draw = (record: Observation.Observation, lead: string, branch: string, rest: string): void => {
    lines.push(lead + branch + describe(record))
    drawn.add(record)
    const children = (isPlace(record) ? byParent.get(record.spanId) ?? [] : []).filter((child) => !drawn.has(child))
    children.forEach((child, index) => {
      const isLast = index === children.length - 1
      draw(child, lead + rest, isLast ? "└─ " : "├─ ", isLast ? "   " : "│  ")
    })
  }
  for (const top of tops) draw(top, "", top._tag === "Trace" ? "" : "(orphan) ", "")
  // records in a cycle of parents are below no top: sequential ids of two processes can collide in this way
  for (const record of records) if (!drawn.has(record)) draw(record, "", "(orphan) ", "")
  return lines.join("\n")
}

// internal

const isPlace = (record: Observation.Observation): record is Observation.Trace | Observation.Span =>
  record._tag === "Trace" || record._tag === "Span"

const parentOf = (record: Observation.Observation): string | undefined =>
  isPlace(record) ? record.parentSpanId : record.spanId

const timeOf = (record: Observation.Observation): number =>
  isPlace(record) ? record.startTimeUnixMicros : record.timeUnixMicros

const describe = (record: Observation.Observation): string => {
  switch (record._tag) {
    case "Trace":
      return words(
        `trace ${record.name ?? "?"}`,
        state(record.status, record.durationMicros),
        record.totals && tokens(record.totals.inputTokens, record.totals.outputTokens),
        record.totals && cost(record.totals.costUsd),
        problem(record.error)
      )
    case "Span":
      return words(
        `${record.type} ${record.name}`,
        state(record.status, record.durationMicros),
        record.modelCall?.usage && tokens(inputTokens(record.modelCall.usage), record.modelCall.usage.outputTokens),
        record.modelCall && cost(record.modelCall.costUsd),
        problem(record.error)
      )
    case "ChatMessage":
      return words(`message ${record.role}`, shortened(record.content))
    case "DocumentEvent":
      return words(
        `document ${record.documentId} ${record.eventType}`,
        `[${record.status}${record.durationMicros === undefined ? "" : ` ${record.durationMicros / 1_000}ms`}]`,
        problem(record.error)
      )
  }
}

const words = (...parts: ReadonlyArray<string | undefined>): string => parts.filter(Boolean).join(" ")

const state = (status: Observation.Status, durationMicros: number | undefined): string =>
  `[${status}${durationMicros === undefined ? "" : ` ${durationMicros / 1_000}ms`}]`

const tokens = (input: number | undefined, output: number | undefined): string | undefined =>
  input === undefined && output === undefined ? undefined : `tokens=${input ?? "?"}/${output ?? "?"}`

const cost = (amount: BigDecimal.BigDecimal | undefined): string | undefined =>
  amount === undefined ? undefined : `cost=$${BigDecimal.format(amount)}`

const problem = (error: Observation.ErrorDetails | undefined): string | undefined =>
  error === undefined ? undefined : `${error.type}: ${error.message}`

const shortened = (content: Observation.Json): string => {
  const text = typeof content === "string" ? content : JSON.stringify(content)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
