/**
 * Connects and migrates before the first write. Everybody who waits shares one attempt; a failed one is retried.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { SqlError } from "@effect/sql/SqlError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as PgMigrations from "../../PgMigrations.ts"
import { bounded } from "./bounded.ts"
import type { Connection } from "./connection.ts"
import { aside } from "./isolation.ts"
import * as SharedAttempt from "./sharedAttempt.ts"

export interface Preparation
  extends SharedAttempt.SharedAttempt<PgClient.PgClient, SqlError | PgMigrations.MigrationsError>
{}

export const make = (options: {
  readonly connection: Connection
  readonly schema: string
  readonly writeTimeout: Duration.DurationInput
  /** Further work before the first write, best effort. */
  readonly afterwards: (client: PgClient.PgClient) => Effect.Effect<void>
}, scope: Scope.Scope): Preparation => {
  const { connection, schema, writeTimeout } = options
  const limited = bounded(writeTimeout, connection.hangUp)

  /** Leaves nothing behind when it fails. */
  const connect = Effect.flatMap(
    Scope.fork(scope, ExecutionStrategy.sequential),
    (child) =>
      Scope.extend(connection.connect, child).pipe(
        Effect.onError((cause) => Scope.close(child, Exit.failCause(cause)))
      )
  )
  const connected = SharedAttempt.make(aside(limited(connect)), scope)

  return SharedAttempt.make(
    Effect.tap(connected.get, (client) =>
      PgMigrations.run({ schema }).pipe(
        Effect.provideService(PgClient.PgClient, client),
        limited,
        Effect.zipRight(options.afterwards(client)),
        aside
      )),
    scope
  )
}
