/**
 * The text of the statement that inserts or updates the rows of a table.
 *
 * Every such statement is idempotent, so none needs a transaction around it: a batch that failed halfway is written
 * again as a whole.
 */
import type { Column, Table } from "./table.ts"

/** An existing row stays as it is. */
export const keepHeld = "do nothing"

/** A newer snapshot replaces the whole row; an older or repeated one changes nothing. */
export const replaceOlder = <Row>(key: ReadonlyArray<string>, columns: ReadonlyArray<Column<Row>>): string =>
  `do update set ${
    columns.filter(({ name }) => !key.includes(name)).map(({ name }) => `${name} = excluded.${name}`).join(", ")
  } where excluded.revision > held.revision`

/**
 * Takes one array per column. The rows must have different keys: PostgreSQL refuses to touch a row twice in a
 * statement.
 */
export const upsertText = <Row>(schema: string, table: Table<Row>): string => {
  const names = table.columns.map(({ name }) => name).join(", ")
  const arrays = table.columns.map(({ type }, index) => `$${index + 1}::${type.sql}[]`)
  return `insert into "${schema}".${table.name} as held (${names}) select * from unnest(${
    arrays.join(", ")
  }) as sent(${names}) on conflict (${table.key.join(", ")}) ${table.onConflict}`
}
