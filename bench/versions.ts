/** The versions of the software that the figures depend on beside this library. */
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as EmbeddedPostgres from "../src/EmbeddedPostgres.ts"

const packages = [
  "effect",
  "@effect/sql-pg",
  "@effect/opentelemetry",
  "langfuse",
  "@langfuse/otel",
  "@opentelemetry/sdk-trace-base"
]

// read from the file, because not every package exports its `package.json`
const installed = (name: string): string =>
  JSON.parse(readFileSync(join(process.cwd(), "node_modules", name, "package.json"), "utf8")).version

export const versions = async (): Promise<Readonly<Record<string, string>>> => ({
  node: process.versions.node,
  ...Object.fromEntries(packages.map((name) => [name, installed(name)])),
  PostgreSQL: await Effect.runPromise(Effect.scoped(Effect.map(EmbeddedPostgres.make(), ({ version }) => version)))
})
