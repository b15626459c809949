/**
 * How fast observations in memory become committed rows through the delivery and the provider. Compared with a client
 * that streams a file of the same rows into the same table by one `COPY`, like psql's `\copy`, and with the naive way,
 * an insert when a span starts and an update when it ends.
 *
 * Spans of about 700 bytes, with all indexes and partitions, on an embedded server with fsync on.
 */
import { Reactivity } from "@effect/experimental"
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { createReadStream } from "node:fs"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import Pg from "pg"
import { from as copyFrom } from "pg-copy-streams"
import * as Delivery from "../src/Delivery.ts"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"
import { cryptographic } from "../src/IdGenerator.ts"
import type { Span } from "../src/Observation.ts"
import { closedRevision } from "../src/Observation.ts"
import * as PgProvider from "../src/PgProvider.ts"
import { median } from "./compare.ts"
import type { Result } from "./report.ts"
import { result } from "./report.ts"

interface Run {
  /** Rows per second of wall-clock time. */
  readonly rate: number
  /** Microseconds of this process's CPU per row. */
  readonly cpu: number
}

/** Flat strings, like texts from a socket: V8 assembles the string that `repeat` returns only when it is read. */
const texts = (line: string, length: number): ReadonlyArray<string> =>
  Array.from(
    { length: 512 },
    (_, index) => Buffer.from(`${index} ${line.repeat(Math.ceil(length / line.length))}`).toString("latin1", 0, length)
  )

const queries = texts("how does an effect describe a program? ", 240)

const inputs = texts("what the step was asked, in a sentence of some length that a person might type ", 160)

const processId = "0195512f-6c00-7000-8000-000000000001"

const spans = (count: number): Array<Span> => {
  const now = Date.now()
  const resource = { processId, serviceName: "bench", environment: "bench", release: "1.0.0" }
  let traceId = cryptographic.traceId(now)
  return Array.from({ length: count }, (_, index): Span => {
    if (index % 10 === 0) traceId = cryptographic.traceId(now)
    return {
      _tag: "Span",
      resource,
      traceId,
      spanId: cryptographic.spanId(),
      parentSpanId: cryptographic.spanId(),
      parentIsRemote: false,
      userId: `user-${index % 1_000}`,
      sessionId: `session-${index % 5_000}`,
      kbId: undefined,
      revision: closedRevision,
      size: 1_000,
      name: `step ${index % 20}`,
      type: index % 5 === 0 ? "llm" : "retrieval",
      status: "success",
      error: undefined,
      startTimeUnixMicros: now * 1_000 + index,
      durationMicros: 1_000 + index % 5_000,
      metrics: { resultCount: index % 10, topScore: 0.75, pageCount: undefined, chunkCount: undefined },
      modelCall: undefined,
      kind: undefined,
      links: undefined,
      events: undefined,
      attributes: { index, tenant: "acme", query: queries[index % queries.length]!, topK: 10 },
      input: inputs[index % inputs.length]!,
      output: undefined
    }
  })
}

const measured = <R>(count: number, work: Effect.Effect<unknown, unknown, R>) =>
  Effect.gen(function*() {
    const cpu = process.cpuUsage()
    const start = performance.now()
    yield* work
    const seconds = (performance.now() - start) / 1_000
    const { system, user } = process.cpuUsage(cpu)
    return { rate: count / seconds, cpu: (user + system) / count }
  })

/** A long-lived delivery with open connections, as in an application. */
const deliveryOver = (url: Redacted.Redacted, connections: number) =>
  Effect.flatMap(
    PgProvider.make({ url, maxConnections: connections }),
    (provider) => Delivery.make(provider, { queueBytes: 2 ** 32 })
  )

/** The CPU time includes making the spans, because an application pays for that, too. */
const throughDelivery = (delivery: Delivery.Delivery, count: number) =>
  Effect.gen(function*() {
    const before = delivery.stats().written
    const cpu = process.cpuUsage()
    const rows = spans(count)
    const made = process.cpuUsage(cpu)
    globalThis.gc?.()
    const offered = Effect.suspend(() => {
      for (const span of rows) delivery.offer(span)
      return delivery.flush("5 minutes")
    })
    const run = yield* measured(count, offered)
    const written = delivery.stats().written - before
    return written === count
      ? { ...run, cpu: run.cpu + (made.user + made.system) / count }
      : yield* Effect.dieMessage(`${written} of ${count} rows were written`)
  })

const naive = (sql: PgClient.PgClient, count: number) =>
  measured(
    count,
    Effect.forEach(spans(count), (span) =>
      Effect.zipRight(
        sql`insert into observability.span_store ${
          sql.insert({
            trace_id: span.traceId,
            span_id: Buffer.from(span.spanId, "hex"),
            started_at: new Date(span.startTimeUnixMicros / 1_000),
            process_id: processId,
            revision: 1,
            name: span.name,
            type: span.type,
            status: 0,
            input: JSON.stringify(span.input),
            attributes: JSON.stringify(span.attributes)
          })
        }`,
        sql`update observability.span_store set status = 1, duration_us = ${span.durationMicros ?? null}
          where trace_id = ${span.traceId} and span_id = ${Buffer.from(span.spanId, "hex")}`
      ), { discard: true })
  )

const connected = (url: Redacted.Redacted) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Pg.Client(Redacted.value(url))
      await client.connect()
      return client
    }),
    (client) => Effect.promise(() => client.end())
  )

const copy = (client: Pg.Client, file: string) =>
  Effect.promise(() =>
    pipeline(createReadStream(file), client.query(copyFrom("copy observability.span_store from stdin")))
  )

export const pgBench = (quick: boolean): Promise<ReadonlyArray<Result>> =>
  Effect.gen(function*() {
    const { dataDirectory, url } = yield* EmbeddedPostgres.make({ durable: true })
    const sql = yield* PgClient.make({ url, maxConnections: 2 })
    const count = quick ? 20_000 : 100_000
    const rounds = quick ? 3 : 5
    const file = join(dataDirectory, "data", "rows.copy")
    // the server must finish the work that one way left behind before another is measured
    const empty = Effect.zipRight(sql`truncate observability.span_store`, sql`checkpoint`)

    const oneConnection = yield* deliveryOver(url, 1)
    const twoConnections = yield* deliveryOver(url, 2)
    const client = yield* connected(url)
    yield* throughDelivery(oneConnection, count)
    yield* empty
    yield* throughDelivery(twoConnections, count)
    yield* sql.unsafe(`copy (select * from observability.span_store) to '${file}'`)
    const runs: Record<"one" | "two" | "copy" | "naive", Array<Run>> = { one: [], two: [], copy: [], naive: [] }
    for (let round = 0; round < rounds; round++) {
      yield* empty
      runs.one.push(yield* throughDelivery(oneConnection, count))
      yield* empty
      runs.two.push(yield* throughDelivery(twoConnections, count))
      yield* empty
      runs.copy.push(yield* measured(count, copy(client, file)))
      yield* empty
      runs.naive.push(yield* naive(sql, Math.floor(count / 40)))
    }
    const rates = (of: ReadonlyArray<Run>) => of.map(({ rate }) => rate)
    const base = median(rates(runs.copy))
    const slow = median(rates(runs.naive))
    const against = (name: string, of: ReadonlyArray<Run>, other: number, unit: string, bar: number): Result =>
      result({
        name,
        value: median(rates(of)) / other,
        unit,
        bar: { kind: "at least", value: bar },
        min: Math.min(...rates(of)) / other,
        max: Math.max(...rates(of)) / other,
        peers: { "rows/s": median(rates(of)), "rows/s of that": other }
      })
    const cpu = runs.two.map((run) => run.cpu)
    return [
      against("ingest, one connection", runs.one, base, "of \\copy", 0.8),
      against("ingest, two connections", runs.two, base, "of \\copy", 1.2),
      against("ingest, two connections", runs.two, slow, "times naive", 25),
      result({
        name: "ingest: CPU of this process per row",
        value: median(cpu),
        unit: "µs",
        bar: { kind: "at most", value: 10 },
        min: Math.min(...cpu),
        max: Math.max(...cpu),
        peers: { naive: median(runs.naive.map((run) => run.cpu)) }
      })
    ]
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer), Effect.runPromise)
