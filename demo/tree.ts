/** A trace as a tree, with the duration, usage and results of each span. */
import type { SpanRow, TraceRow } from "./queries.ts"
import { bold, dim, fit, millis, red, sign, width } from "./terminal.ts"

export const treeOf = (trace: TraceRow, spans: ReadonlyArray<SpanRow>): string => {
  const lines: Array<string> = []
  const below = (parent: string, lead: string) => {
    const children = spans.filter(({ parent_span_id }) => parent_span_id === parent)
    children.forEach((span, at) => {
      const isLast = at === children.length - 1
      lines.push(line(span, `${lead}${isLast ? "└─ " : "├─ "}`))
      below(span.span_id, `${lead}${isLast ? "   " : "│  "}`)
    })
  }
  below(trace.span_id, "")
  return [head(trace), ...lines].join("\n")
}

/** A trace as one line. */
export const lineOf = (trace: TraceRow): string => {
  const room = width - 50
  const input = fit(trace.input, room).padEnd(room)
  const end = trace.error_type === null ? usage(trace) : red(trace.error_type)
  return `  ${sign(trace.status)} ${dim((trace.user_id ?? "").padEnd(6))}${input}${
    millis(trace.duration_ms).padStart(10)
  }  ${end}`
    .trimEnd()
}

/** `812 → 41 tokens`, and their cost if it is known. */
export const usage = (
  row: Pick<TraceRow, "input_tokens" | "output_tokens" | "cost_usd">
): string => {
  if (row.input_tokens === null && row.output_tokens === null) return ""
  const tokens = `${row.input_tokens ?? "?"} → ${row.output_tokens ?? "?"} tokens`
  return row.cost_usd === null ? tokens : `${tokens}, $${row.cost_usd}`
}

// internal

const labelWidth = 30

const head = (trace: TraceRow): string => {
  const figures = [millis(trace.duration_ms), usage(trace)].filter((part) => part !== "").join("  ")
  const who = [trace.user_id, trace.session_id].filter((each) => each !== null).join(" in ")
  return [
    `${sign(trace.status)} ${bold(trace.name)} ${dim(trace.trace_id)}  ${figures}`,
    ...(who === "" ? [] : [dim(who)]),
    fit(trace.input, width - 4)
  ].map((part) => `  ${part}`).join("\n")
}

const line = (span: SpanRow, lead: string): string => {
  const found = [
    span.error_type === null
      ? ""
      : red(fit(`${span.error_type}: ${span.error_message ?? ""}`, width - labelWidth - 25)),
    usage(span),
    span.result_count === null ? "" : `${span.result_count} results, best ${span.top_score?.toFixed(2) ?? "–"}`,
    span.chunk_count === null ? "" : `${span.chunk_count} chunks`
  ].filter((part) => part !== "").join("  ")
  return `  ${dim(lead)}${sign(span.status)} ${span.name.padEnd(labelWidth - lead.length)}${
    dim(span.type.padEnd(10))
  }` +
    `${millis(span.duration_ms).padStart(9)}  ${found}`.trimEnd()
}
