/**
 * Merges snapshots of one trace by several processes into one row.
 *
 * Each field holds the value of the newest snapshot that knew it. For this to work in any order of arrival, a row must
 * know how new each of its values is: as new as `revision`, unless `known_at` has an older revision at the position of
 * that field. Only a trace with several contributors has such an entry; for all others `known_at` is null.
 */
import type { Column } from "./table.ts"

export const mergeKnown = <Row>(
  begun: ReadonlyArray<Column<Row>>,
  outcome: ReadonlyArray<Column<Row>>,
  known: ReadonlyArray<Column<Row>>
): string => {
  const fields = known.map(({ name }, index) => {
    /** The revision of the held value; null if there is none. */
    const heldAt = `case when held.${name} is not null then coalesce(held.known_at[${index + 1}], held.revision) end`
    const isNewer = `excluded.${name} is not null and excluded.revision > coalesce(${heldAt}, -1)`
    return {
      name,
      isNewer,
      value: `case when ${isNewer} then excluded.${name} else held.${name} end`,
      knownAt: `nullif(case when ${isNewer} then excluded.revision else ${heldAt} end, newest.revision)`
    }
  })
  const changes = [
    "excluded.revision > held.revision",
    "excluded.begun_revision < held.begun_revision",
    ...fields.map(({ isNewer }) => isNewer)
  ]
  return `do update set ${
    [
      ...outcome.map(({ name }) =>
        `${name} = case when excluded.revision > held.revision then excluded.${name} else held.${name} end`
      ),
      ...fields.map(({ name, value }) => `${name} = ${value}`),
      // the process that recorded the lowest revision began the trace
      ...begun.map(({ name }) =>
        `${name} = case when excluded.begun_revision < held.begun_revision then excluded.${name} else held.${name} end`
      ),
      `begun_revision = least(excluded.begun_revision, held.begun_revision)`,
      `revision = greatest(excluded.revision, held.revision)`,
      `known_at = (select case when array_remove(entries, null) <> '{}' then entries end from (select array[${
        fields.map(({ knownAt }) => knownAt).join(", ")
      }] from (select greatest(excluded.revision, held.revision)) as newest(revision)) as fields(entries))`
    ].join(", ")
  } where ${changes.join(" or ")}` // a snapshot that adds nothing, such as a repeated one, leaves no dead row behind
}
