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
  /[?#]/.test(name)
    ? notCreated(name, "pg connects to no address of a database with ? or # in its name")
    : withClient(
      address(home, "postgres"),
      (sql) =>
        sql.unsafe(`create database ${quoted(name)}${template === undefined ? "" : ` template ${quoted(template)}`}`)
    ).pipe(
      Effect.mapError((cause) => notCreated(name, describe(cause), cause)),
      Effect.as(address(home, name))
    )

/** Quotes a name as one identifier: the client takes a dot for the end of a schema's name. */
const quoted = (name: string): string => `"${name.replaceAll("\"", "\"\"")}"`

const notCreated = (name: string, why: string, cause?: unknown): EmbeddedPostgresError =>
  new EmbeddedPostgresError({
    reason: "DatabaseNotCreated",
    message: `The database ${name} could not be created: ${why}`,
    cause
  })
