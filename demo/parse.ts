/** Parses bytes as Markdown, HTML or plain text, into blocks with the headings above them. */
import { Data, Effect } from "effect"
import { Parser } from "htmlparser2"
import { marked } from "marked"

/** A paragraph, a list item, a table cell; or a piece of code. */
export interface Block {
  readonly headings: ReadonlyArray<string>
  readonly kind: "prose" | "code"
  readonly text: string
}

export class ParseError extends Data.TaggedError("ParseError")<{ readonly message: string }> {}

export const parse = (name: string, bytes: Uint8Array): Effect.Effect<ReadonlyArray<Block>, ParseError> =>
  Effect.map(decode(bytes), (text) =>
    /\.html?$/i.test(name)
      ? blocksOfHtml(text)
      : /\.txt$/i.test(name)
      ? blocksOfText(text)
      : blocksOfHtml(marked.parse(text, { async: false })))

// internal

/** Decides by a file's bytes whether it is text, whatever its name says. */
const decode = (bytes: Uint8Array): Effect.Effect<string, ParseError> =>
  Effect.gen(function*() {
    const zero = bytes.indexOf(0)
    if (zero >= 0) return yield* new ParseError({ message: `not a text: byte ${zero} is NUL` })
    return yield* Effect.try({
      try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
      catch: () => new ParseError({ message: "not a text: the bytes are no UTF-8" })
    })
  })

const blocksOfText = (text: string): ReadonlyArray<Block> =>
  text.split(/\n\s*\n/).map(squeezed).filter((paragraph) => paragraph !== "").map((paragraph) => ({
    headings: [],
    kind: "prose",
    text: paragraph
  }))

const blocksOfHtml = (html: string): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let headings: ReadonlyArray<string> = []
  let text = ""
  let hidden = 0
  const end = (kind: Block["kind"]) => {
    const content = kind === "code" ? text.trim() : squeezed(text)
    if (content !== "") blocks.push({ headings, kind, text: content })
    text = ""
  }
  const parser = new Parser({
    onopentagname: (tag) => {
      if (invisible.has(tag)) hidden++
      else if (!inline.has(tag)) end("prose")
    },
    ontext: (piece) => {
      if (hidden === 0) text += piece
    },
    onclosetag: (tag) => {
      const level = /^h([1-6])$/.exec(tag)?.[1]
      if (invisible.has(tag)) hidden--
      else if (tag === "pre") end("code")
      else if (level !== undefined) {
        headings = [...headings.slice(0, Number(level) - 1), squeezed(text)]
        text = ""
      } else if (!inline.has(tag)) end("prose")
    }
  })
  parser.end(html)
  end("prose")
  return blocks
}

const invisible = new Set(["script", "style", "head", "nav", "template", "svg"])

const inline = new Set([
  "a",
  "abbr",
  "b",
  "br",
  "code",
  "em",
  "i",
  "img",
  "kbd",
  "small",
  "span",
  "strong",
  "sub",
  "sup"
])

const squeezed = (text: string): string => text.replace(/\s+/g, " ").trim()
