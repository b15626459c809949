import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { EmbeddedPostgresError } from "./error.ts"
import type { Home } from "./home.ts"
import { address, describe, withClient } from "./sql.ts"

/** Makes a database on the running server of this home, a copy of the template if one is named; returns its address. */
export const createDatabase = (
  home: Home,
  name: string,
  template: string | undefined
): Effect.Effect<Redacted.Redacted, EmbeddedPostgresError> =>
  withClient(
    address(home, "postgres"),
    (sql) =>
      template === undefined
        ? sql`create database ${sql(name)}`
        : sql`create database ${sql(name)} template ${sql(template)}`
  ).pipe(
    Effect.mapError((cause) =>
      new EmbeddedPostgresError({
        reason: "DatabaseNotCreated",
        message: `The database ${name} could not be created: ${describe(cause)}`,
        cause
      })
    ),
    Effect.as(address(home, name))
  )
