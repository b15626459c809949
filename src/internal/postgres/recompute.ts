/**
 * Recomputes the costs of stored calls by one statement. It finds prices by the same rules as `pricing/table.ts` does
 * in memory, and multiplies as `pricing/cost.ts` does: a test compares them.
 */
import type { Bucket } from "../../Usage.ts"
import { prefixes, suffixes, vendorsOf } from "../pricing/names.ts"
import { buckets } from "../pricing/price.ts"
import { repeatedKey } from "../repeated.ts"
import { columnOf } from "./priceTable.ts"

/** Takes the beginning and the exclusive end of a time range; returns the number of calls whose cost changed. */
export const recomputeText = (schema: string): string => `
with calls as materialized (
  select s.trace_id, s.span_id, s.started_at, s.provider, s.model,
    coalesce(s.uncached_input_tokens, 0) + coalesce(s.cache_read_tokens, 0) + coalesce(s.cache_write_tokens, 0) as all_input,
    ${buckets.map((bucket) => `${tokensOf[bucket]} as ${columnOf(bucket)}`).join(",\n    ")}
  from "${schema}".span_store s
  where s.started_at >= $1 and s.started_at < $2
    and s.model is not null
    -- what is still running is priced when it ends
    and s.status <> 0
    and s.is_subtotal is false
    -- its cost is that of the calls below it
    and coalesce(s.attributes -> ${literal(repeatedKey)} ? 'costUsd', false) is false
    and ${isNotStated("s")}
),
models as (
  select distinct provider, model from calls
),
candidates as materialized (
  select m.provider as call_provider, m.model as call_model, name.rank, p.*
  from models m
  ${nameSteps.join("\n  ")}
  cross join lateral unnest(array[${nameColumns.join(", ")}]) with ordinality as name(name, rank)
  join "${schema}".prices p on p.model = name.name
    and (m.provider is null or p.vendor = any(${vendors("m.provider")}))
),
computed as (
  select c.trace_id, c.span_id, c.started_at, best.price_id,
    case when best.price_id is null or best.is_ambiguous or c.input is null then null
      when best.output is not null and c.output is null then null
      else trim_scale((${buckets.map(product).join(" + ")}) * 0.000001) end as cost_usd
  from calls c
  left join lateral (
    select k.*, min(k.vendor) over same <> max(k.vendor) over same as is_ambiguous
    from candidates k
    where k.call_model = c.model and k.call_provider is not distinct from c.provider
      and k.valid_from <= c.started_at and (k.valid_until is null or c.started_at < k.valid_until)
      and (k.above_input_tokens = 0 or c.all_input > k.above_input_tokens)
    window same as (partition by k.is_shipped, k.rank)
    order by k.is_shipped, k.rank, k.valid_from desc, k.above_input_tokens desc, k.added_at desc, k.price_id
    limit 1
  ) best on true
),
changed as (
  update "${schema}".span_store s
  set cost_usd = d.cost_usd, price_id = d.price_id
  from (
    select trace_id, span_id, started_at, cost_usd, case when cost_usd is not null then price_id end as price_id
    from computed
  ) d
  where s.trace_id = d.trace_id and s.span_id = d.span_id and s.started_at = d.started_at
    -- said again, for the partitions
    and s.started_at >= $1 and s.started_at < $2
    -- and again, for what was written in the meantime
    and ${isNotStated("s")}
    and (s.cost_usd is distinct from d.cost_usd or s.price_id is distinct from d.price_id)
  returning 1
)
select count(*) as changed from changed`

// internal

/** A cost without a price is one that the program stated. */
function isNotStated(span: string): string {
  return `(${span}.cost_usd is null or ${span}.price_id is not null)`
}

/** The same as `split` of `Usage`: null if the whole is not known. */
const tokensOf: { readonly [Name in Bucket]: string } = {
  input: "s.uncached_input_tokens - coalesce(s.audio_input_tokens, 0) - coalesce(s.image_input_tokens, 0)",
  audioInput: "s.audio_input_tokens",
  imageInput: "s.image_input_tokens",
  cacheRead: "s.cache_read_tokens - coalesce(s.audio_cache_read_tokens, 0)",
  audioCacheRead: "s.audio_cache_read_tokens",
  cacheWrite: "s.cache_write_tokens - coalesce(s.long_cache_write_tokens, 0)",
  longCacheWrite: "s.long_cache_write_tokens",
  output: "s.output_tokens - coalesce(s.audio_output_tokens, 0) - coalesce(s.image_output_tokens, 0)",
  audioOutput: "s.audio_output_tokens",
  imageOutput: "s.image_output_tokens"
}

/** Null if a bucket that was used has no price; then the sum is null, too. */
const product = (bucket: Bucket): string => {
  const column = columnOf(bucket)
  return `case when coalesce(c.${column}, 0) = 0 then 0 else c.${column} * best.${column} end`
}

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The same as `namesOf` of `Pricing`: each step removes one prefix or suffix, and every name has steps of its own. */
const steps = [undefined, ...prefixes].map((prefix, index) => ({
  prefix,
  names: [undefined, ...suffixes].map((suffix, place) => ({ suffix, column: `name_${index}_${place}` }))
}))

const nameColumns = steps.flatMap(({ names }) => names.map(({ column }) => column))

const nameSteps = steps.flatMap(({ names, prefix }, index) =>
  names.map(({ column, suffix }, place) => {
    const taken = suffix ?? prefix
    const from = suffix !== undefined ? `name_${index}_${place - 1}` : index === 0 ? "m.model" : `name_${index - 1}_0`
    return `cross join lateral (select ${
      taken === undefined ? from : `regexp_replace(${from}, ${literal(taken)}, '')`
    } as ${column}) as step_${index}_${place}`
  })
)

const vendors = (provider: string): string =>
  `case ${provider} ${
    Array.from(vendorsOf, ([name, allowed]) => `when ${literal(name)} then array[${allowed.map(literal).join(", ")}]`)
      .join(" ")
  } else array[${provider}] end`
