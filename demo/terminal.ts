/** Plain text for a terminal. Colours only where somebody can see them, and not under `NO_COLOR`. */
import { styleText } from "node:util"

/** Columns: those of the terminal, within what reads well. */
export const width = Math.max(72, Math.min(process.stdout.columns || 110, 130))

type Format = Parameters<typeof styleText>[0]

const painted = (format: Format) => (text: string): string => styleText(format, text, { stream: process.stdout })

export const bold = painted("bold")
export const dim = painted("dim")
export const red = painted("red")
export const green = painted("green")
export const yellow = painted("yellow")
export const cyan = painted("cyan")

/** One line of at most that many characters. */
export const fit = (text: string, length: number): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length <= length ? line : `${line.slice(0, Math.max(0, length - 1))}…`
}

/** The head of a section. */
export const rule = (title: string): string =>
  `\n${dim("──")} ${bold(title)} ${dim("─".repeat(Math.max(2, width - title.length - 4)))}`

/** A text as paragraphs of lines that are short enough. */
export const wrap = (text: string, indent: string, length = width): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.replace(/\s+/g, " ").trim().split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > length) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].map((each) => indent + each).join("\n")
}

/** Rows in columns as wide as their longest cell; numbers stand at the right. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)))
  const isNumber = head.map((_, at) => at > 0 && rows.every((row) => /^([-–]|[\d.,]+( ?\w+)?)$/.test(row[at]!)))
  const line = (cells: ReadonlyArray<string>) =>
    `  ${cells.map((cell, at) => isNumber[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)).join("  ")}`
      .trimEnd()
  return [dim(line(head)), ...rows.map(line)].join("\n")
}

/** Milliseconds as people read them. */
export const millis = (value: number | null): string =>
  value === null ? "–" : value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 2 : 1)} ms`

/** The sign of a status. */
export const sign = (status: string): string =>
  ({
    success: green("✓"),
    completed: green("✓"),
    started: dim("·"),
    error: red("✗"),
    failed: red("✗"),
    skipped: yellow("↷"),
    interrupted: yellow("■"),
    lost: yellow("?"),
    in_progress: cyan("…")
  })[status] ?? status
