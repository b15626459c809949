/** The results of a benchmark, as a table and as a file. */
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import { join } from "node:path"

/** One figure, with the bar that was set for it. */
export interface Result {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** The limit that the value must meet; `undefined` if it is only measured. */
  readonly bar: { readonly kind: "at most" | "at least"; readonly value: number } | undefined
  readonly ok: boolean | undefined
  readonly min: number
  readonly max: number
  /** Figures to compare with, from the same run. */
  readonly peers: Readonly<Record<string, number>>
}

export const result = (figure: Omit<Result, "ok">): Result => ({
  ...figure,
  ok: figure.bar &&
    (figure.bar.kind === "at most" ? figure.value <= figure.bar.value : figure.value >= figure.bar.value)
})

const rounded = (value: number): string => value >= 100 ? value.toFixed(0) : value.toPrecision(3)

export const table = (results: ReadonlyArray<Result>): string => {
  const rows = results.map((found) => [
    found.name,
    `${rounded(found.value)} ${found.unit}`,
    `${rounded(found.min)} to ${rounded(found.max)}`,
    found.bar === undefined ? "" : `${found.bar.kind} ${found.bar.value}`,
    found.ok === undefined ? "" : found.ok ? "ok" : "MISSED",
    Object.entries(found.peers).map(([name, value]) => `${name} ${rounded(value)}`).join(", ")
  ])
  const all = [["what", "value", "min to max", "bar", "", "others"], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd()).join("\n")
}

/** The conditions of a run. */
export interface Run {
  readonly quick: boolean
  readonly versions: Readonly<Record<string, string>>
}

/** Saves the results alone as `latest.json`, and together with the run's conditions under the day's date. */
export const save = (folder: string, results: ReadonlyArray<Result>, { quick, versions }: Run): void => {
  const now = new Date().toISOString()
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    // the container's limit, which exceeds the total memory if there is no limit
    memoryBytes: Math.min(process.constrainedMemory() || totalmem(), totalmem())
  }
  // every field, in a fixed order: a missing field would look like a forgotten one
  const kept = results.map(({ bar = null, max, min, name, ok = null, peers, unit, value }) => ({
    name,
    value,
    unit,
    bar,
    ok,
    min,
    max,
    peers
  }))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "latest.json"), `${JSON.stringify(kept, null, 2)}\n`)
  writeFileSync(
    join(folder, `${now.slice(0, 10)}.json`),
    `${JSON.stringify({ at: now, quick, machine, versions, results: kept }, null, 2)}\n`
  )
}
