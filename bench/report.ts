/** What a benchmark found, as a table and as a file. */
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { join } from "node:path"

/** One figure, with the bar that was set for it. */
export interface Result {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the value is held against; `undefined` for what is only measured. */
  readonly bar: { readonly kind: "at most" | "at least"; readonly value: number } | undefined
  readonly ok: boolean | undefined
  readonly min: number
  readonly max: number
  /** The same figure of the others in the same run. */
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

export const save = (folder: string, results: ReadonlyArray<Result>): void => {
  const now = new Date().toISOString()
  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryBytes: process.constrainedMemory()
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "latest.json"), `${JSON.stringify(results, null, 2)}\n`)
  writeFileSync(
    join(folder, `${now.slice(0, 10)}.json`),
    `${JSON.stringify({ at: now, machine, results }, null, 2)}\n`
  )
}
