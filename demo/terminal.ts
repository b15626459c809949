/** Plain text for a terminal. Colours only if the output shows them, and not with `NO_COLOR`. */
import { styleText } from "node:util"

/** The width of the terminal in columns, within limits that are easy to read. */
export const width = Math.max(72, Math.min(process.stdout.columns || 110, 130))

type Format = Parameters<typeof styleText>[0]

const painted = (format: Format) => (text: string): string => styleText(format, text, { stream: process.stdout })

export const bold = painted("bold")
export const dim = painted("dim")
export const red = painted("red")
export const green = painted("green")
export const yellow = painted("yellow")
export const cyan = painted("cyan")

/** The text as one line of at most `length` characters. */
export const fit = (text: string, length: number): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length <= length ? line : `${line.slice(0, Math.max(0, length - 1))}…`
}

/** The head of a section. */
export const rule = (title: string): string =>
  `\n${dim("──")} ${bold(title)} ${dim("─".repeat(Math.max(2, width - title.length - 4)))}`

/** Wraps the paragraphs of a text into lines that are short enough. */
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

/** Rows in columns as wide as their longest cell; numbers are right-aligned. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]!.length)))
  const isNumber = head.map((_, at) => at > 0 && rows.every((row) => /^([-–]|[\d.,]+( ?\w+)?)$/.test(row[at]!)))
  const line = (cells: ReadonlyArray<string>) =>
    `  ${cells.map((cell, at) => isNumber[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)).join("  ")}`
      .trimEnd()
  return [dim(line(head)), ...rows.map(line)].join("\n")
}

/** Milliseconds in readable form. */
export const millis = (value: number | null): string =>
  value === null ? "–" : value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 2 : 1)} ms`

/** The symbol for a status. */
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
