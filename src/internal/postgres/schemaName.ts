/**
 * The name of the library's own schema in PostgreSQL.
 */
import * as Context from "effect/Context"

export const defaultSchema = "observability"

/** A name that needs no quotes anywhere and that PostgreSQL does not keep for itself. */
export const isSchemaName = (name: string): boolean => /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(name)

/** In which schema a migration works: migrations name it in every statement, and set nothing that outlives them. */
export class MigrationSchema extends Context.Reference<MigrationSchema>()(
  "effect-observability/internal/postgres/MigrationSchema",
  { defaultValue: () => defaultSchema }
) {}
