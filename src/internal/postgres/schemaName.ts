/**
 * The name of the library's own schema in PostgreSQL.
 */
import * as Context from "effect/Context"

export const defaultSchema = "observability"

/** Whether the name needs no quotes anywhere and is not reserved by PostgreSQL. */
export const isSchemaName = (name: string): boolean => /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(name)

/** The schema in which a migration works. Migrations name it in every statement, and set nothing that outlives them. */
export class MigrationSchema extends Context.Reference<MigrationSchema>()(
  "effect-observability/internal/postgres/MigrationSchema",
  { defaultValue: () => defaultSchema }
) {}
