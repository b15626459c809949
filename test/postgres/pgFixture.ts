/** A provider over an empty database, beside a plain client that looks at what it stored. */
import { Reactivity } from "@effect/experimental"
import { PgClient } from "@effect/sql-pg"
import type { SqlError } from "@effect/sql/SqlError"
import { Effect, type Redacted, type Scope } from "effect"
import * as PgProvider from "../../src/PgProvider.ts"
import type { Provider } from "../../src/Provider.ts"
import { testDatabase } from "./testDatabase.ts"

export interface Fixture {
  readonly url: Redacted.Redacted
  readonly sql: PgClient.PgClient
  readonly provider: Provider
  /** The rows of a query, in the library's schema. */
  readonly rows: (query: string) => Effect.Effect<ReadonlyArray<Record<string, unknown>>, SqlError>
}

export const client = (
  url: Redacted.Redacted,
  options?: Partial<PgClient.PgClientConfig>
): Effect.Effect<PgClient.PgClient, SqlError, Scope.Scope> =>
  Effect.provide(
    PgClient.make({ url, connectTimeout: "5 seconds", maxConnections: 2, ...options }),
    Reactivity.layer
  )

export const fixture = (
  options?: Partial<PgProvider.Options>
): Effect.Effect<Fixture, SqlError | PgProvider.PgOptionsError, Scope.Scope> =>
  Effect.gen(function*() {
    const url = yield* testDatabase
    const sql = yield* client(url)
    const provider = yield* PgProvider.make({ url, ...options })
    return {
      url,
      sql,
      provider,
      rows: (query) =>
        // one statement, so that both run on one connection
        Effect.map(
          sql.unsafe<Record<string, unknown>>(`set search_path = ${options?.schema ?? "observability"}; ${query}`),
          (results) => (results as unknown as ReadonlyArray<ReadonlyArray<Record<string, unknown>>>)[1]!
        )
    }
  })

/** Everything that is stored of records, in one comparable text per row. */
export const contents = (
  { rows }: Fixture
): Effect.Effect<ReadonlyArray<unknown>, SqlError> =>
  Effect.map(
    rows(
      ["trace_store", "span_store", "chat_message_store", "document_event_store"].map((table) =>
        `select '${table} ' || to_jsonb(t)::text as row from ${table} t`
      ).join(" union all ") + " order by 1"
    ),
    (found) => found.map(({ row }) => row)
  )

/** Empties the tables, and leaves everything else as it is. */
export const clear = ({ rows }: Fixture): Effect.Effect<unknown, SqlError> =>
  rows("truncate trace_store, span_store, chat_message_store, document_event_store")
