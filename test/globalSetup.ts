/**
 * One PostgreSQL server for the whole run: the one at `TEST_DATABASE_URL` if that is set, whose role must be allowed to
 * create databases, else an embedded one. Test files reach it through `test/postgres/testDatabase.ts`.
 */
import { Effect, Exit, Redacted, Scope } from "effect"
import type { TestProject } from "vitest/node"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** The address of the server's administrative database. */
    readonly databaseUrl: string
  }
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const given = process.env["TEST_DATABASE_URL"]
  if (given !== undefined && given !== "") {
    project.provide("databaseUrl", given)
    return () => Promise.resolve()
  }
  const scope = Effect.runSync(Scope.make())
  const { url } = await Effect.runPromise(
    Scope.extend(EmbeddedPostgres.make({ settings: { max_connections: "200" } }), scope)
  )
  project.provide("databaseUrl", Redacted.value(url))
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}
