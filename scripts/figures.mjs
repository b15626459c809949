// Writes the table of docs/performance.md from bench/results/latest.json, so that the two cannot disagree.
import * as Fs from "node:fs"
import * as Path from "node:path"

const begin = "<!-- figures: written by `npm run bench` -->"
const end = "<!-- end of the figures -->"

const rounded = (value) => value >= 100 ? value.toFixed(0) : value.toPrecision(3)

const row = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`

const rowOf = ({ bar = null, max, min, name, ok = null, peers, unit, value }) =>
  row([
    name,
    `${rounded(value)} ${unit}`,
    `${rounded(min)} to ${rounded(max)}`,
    bar === null ? "" : `${bar.kind} ${bar.value}`,
    ok === null ? "" : ok ? "ok" : "**missed**",
    Object.entries(peers).map(([peer, figure]) => `${peer} ${rounded(figure)}`).join(", ")
  ])

/** The machine and the versions behind the results, from the dated file that holds the same results. */
const originOf = (folder, results) => {
  const dated = Fs.readdirSync(folder).filter((name) => /^\d{4}-\d\d-\d\d\.json$/.test(name)).sort().reverse()
    .map((name) => JSON.parse(Fs.readFileSync(Path.join(folder, name), "utf8")))
    .find((each) => JSON.stringify(each.results) === JSON.stringify(results))
  // a file without versions yields no line
  if (dated?.versions === undefined) return []
  const { at, machine, quick, versions } = dated
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ")
  return [
    `${quick ? "A quick run" : "A run"} of ${at.slice(0, 10)} on ${machine.cores} cores (${machine.cpu}): ${names}.`,
    ""
  ]
}

export const writeFigures = (root) => {
  const folder = Path.join(root, "bench", "results")
  const results = JSON.parse(Fs.readFileSync(Path.join(folder, "latest.json"), "utf8"))
  const file = Path.join(root, "docs", "performance.md")
  const text = Fs.readFileSync(file, "utf8")
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error(`${file} has no place for the figures`)
  const lines = [
    ...originOf(folder, results),
    row(["what", "value", "lowest to highest", "bar", "", "next to"]),
    row(Array(6).fill("---")),
    ...results.map(rowOf)
  ]
  Fs.writeFileSync(file, `${before}${begin}\n\n${lines.join("\n")}\n\n${end}${after}`)
}
