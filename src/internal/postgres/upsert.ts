/**
 * The text of the one statement by which a table is written.
 *
 * Every such statement is idempotent, so none needs a transaction around it: a batch that failed half-way is written
 * again as a whole.
 */
import type { Column, Table } from "./table.ts"

/** What is there stays. */
export const keepHeld = "do nothing"

/** A newer snapshot replaces the whole row; an older one, or the same again, changes nothing. */
export const replaceOlder = <Row>(key: ReadonlyArray<string>, columns: ReadonlyArray<Column<Row>>): string =>
  `do update set ${
    columns.filter(({ name }) => !key.includes(name)).map(({ name }) => `${name} = excluded.${name}`).join(", ")
  } where excluded.revision > held.revision`

/**
 * Takes one array per column. The rows' keys must be different: PostgreSQL refuses to touch a row twice in a statement.
 */
export const upsertText = <Row>(schema: string, table: Table<Row>): string => {
  const names = table.columns.map(({ name }) => name).join(", ")
  const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${type.sql}[]`)
  return `insert into "${schema}".${table.name} as held (${names}) select * from unnest(${
    arrays.join(", ")
  }) as sent(${names}) on conflict (${table.key.join(", ")}) ${table.onConflict}`
}
