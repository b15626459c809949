/** Shows what PostgreSQL holds of this run: everything here is read back from its views. */
import { Array, Console, Effect } from "effect"
import { dataDirectory, describe } from "./database.ts"
import type { EventRow, MessageRow, Queries, TraceRow } from "./queries.ts"
import { schemaName } from "./queries.ts"
import { bold, cyan, dim, fit, millis, red, rule, sign, table, width, wrap } from "./terminal.ts"
import { lineOf, treeOf } from "./tree.ts"

export const report = (queries: Queries) =>
  Effect.gen(function*() {
    const traces = yield* queries.traces
    const chats = traces.filter(({ operation_type }) => operation_type === "chat")
    const ingests = traces.filter(({ operation_type }) => operation_type === "ingest")
    const answered = chats.find(({ status }) => status === "success")
    const failedChat = chats.find(({ status }) => status === "error")
    const failed = ingests.find(({ status }) => status === "error")
    const skipped = ingests.find(({ output }) => output === "skipped")
    const normal = ingests.find(({ output }) => output === "indexed")

    yield* Console.log(rule("Every question is a trace"))
    const conversations = Object.values(Array.groupBy(chats, ({ session_id }) => session_id ?? ""))
    yield* Console.log(conversations.flat().map(lineOf).join("\n"))

    yield* Console.log(rule("Some traces in full"))
    const trees = yield* Effect.forEach(known([answered, failedChat, normal]), (trace) =>
      Effect.map(queries.spansOf(trace), (spans) => treeOf(trace, spans)))
    yield* Console.log(trees.join("\n\n"))

    yield* Console.log(rule("A conversation"))
    yield* Console.log((yield* queries.messages).map(messageOf).join("\n\n"))

    yield* Console.log(rule("The ways of documents"))
    const timelines = yield* Effect.forEach(known([normal, skipped, failed]), (trace) =>
      Effect.map(queries.eventsOf(trace.input), (events) =>
        timelineOf(trace, events)))
    yield* Console.log(timelines.join("\n\n"))

    yield* Console.log(rule("All of this run"))
    yield* Console.log(table(
      ["type", "spans", "errors", "median", "slowest", "tokens in", "tokens out", "US dollars"],
      (yield* queries.totals).map((row) => [
        row.type,
        String(row.count),
        String(row.errors),
        millis(row.median_ms),
        millis(row.slowest_ms),
        String(row.input_tokens ?? "–"),
        String(row.output_tokens ?? "–"),
        row.cost_usd ?? "–"
      ])
    ))
    const rows = (yield* queries.rows).map(({ count, view }) => [view, String(count)])
    yield* Console.log(`\n${table(["view", "rows"], rows)}`)
    yield* Console.log(
      dim(
        "  Fewer than records: what was open when a batch left is written again when it ends."
      )
    )
  })

/** Prints how to explore the stored data. */
export const howToLook = Effect.gen(function*() {
  const { isEmbedded, psql } = yield* describe
  const schema = yield* schemaName
  const query = `select name, status, duration_ms from ${schema}.traces limit 5`
  yield* Console.log(rule("Look at it yourself"))
  yield* Console.log(
    isEmbedded
      ? [
        `  The data stays in ${dataDirectory}; the next run adds to it.`,
        "",
        `  ${bold(`npm run demo -- --sql "${query}"`)}`,
        "",
        `  ${bold("npm run demo -- --keep")} leaves the server running until Ctrl-C; then, where psql is installed:`,
        `  ${bold(psql)}`
      ].join("\n")
      : `  ${bold(`${psql} -c "${query}"`)}`
  )
  yield* Console.log(dim("\n  docs/schema.md describes the views.\n"))
})

// internal

const known = <A>(values: ReadonlyArray<A | undefined>): ReadonlyArray<A> =>
  values.filter((value) => value !== undefined)

const messageOf = (message: MessageRow): string => {
  const figures = [
    message.model,
    message.response_time_ms === null ? null : millis(message.response_time_ms),
    message.tokens === null ? null : `${message.tokens} tokens`
  ].filter((figure) => figure !== null).join(", ")
  const head = `  ${message.role === "user" ? cyan("user") : bold(message.role)} ${
    dim(`turn ${message.turn_number}${figures === "" ? "" : `, ${figures}`}`)
  }`
  const cited = Array.dedupe((message.citations ?? []).map(({ source }) => source))
  const sources = cited.map((number) => {
    const source = message.sources?.[number - 1]
    return dim(fit(`    [${number}] ${source?.document} › ${source?.section}`, width))
  })
  return [head, wrap(message.content_text, "    "), ...sources.map((source) => `    ${source}`)].join("\n")
}

const timelineOf = (trace: TraceRow, events: ReadonlyArray<EventRow>): string => {
  const [first] = events
  const lines = events.filter(({ status }) => status !== "started").map((event) => {
    const after = event.occurred_at.getTime() - (first?.occurred_at.getTime() ?? 0)
    const outcome = event.error_type !== null
      ? red(`${event.error_type}: ${event.error_message}`)
      : event.metadata?.reason ??
        Object.entries(event.metrics ?? {}).map(([name, value]) => `${name} ${value}`).join(", ")
    return `    ${dim(`+${after} ms`.padStart(9))}  ${sign(event.status)} ${event.event_type.padEnd(7)}` +
      `${event.status.padEnd(10)}${millis(event.duration_ms).padStart(9)}  ${outcome}`
  })
  return [`  ${bold(trace.input)} ${dim(`${events.length} events`)}`, ...lines].join("\n")
}
