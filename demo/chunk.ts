/** Cuts a document into passages that a model can be given: whole blocks under one heading, up to a number of tokens. */
import type { Block } from "./parse.ts"
import { countTokens } from "./tokens.ts"

export interface Passage {
  readonly id: string
  readonly documentId: string
  readonly headings: ReadonlyArray<string>
  readonly blocks: ReadonlyArray<Block>
  readonly tokens: number
}

export const textOf = (passage: Passage): string => passage.blocks.map(({ text }) => text).join("\n\n")

export const chunk = (documentId: string, blocks: ReadonlyArray<Block>, limit = 240): ReadonlyArray<Passage> => {
  const passages: Array<Passage> = []
  let open: Array<Block> = []
  let tokens = 0
  const close = () => {
    if (open.length > 0) {
      const [{ headings }] = open as [Block]
      passages.push({ id: `${documentId}#${passages.length + 1}`, documentId, headings, blocks: open, tokens })
    }
    open = []
    tokens = 0
  }
  for (const block of blocks.flatMap((whole) => pieces(whole, limit))) {
    const size = countTokens(block.text)
    if (open.length > 0 && (open[0]!.headings !== block.headings || tokens + size > limit)) close()
    open.push(block)
    tokens += size
  }
  close()
  return passages
}

// internal

/** A block that is too long by itself, line by line or sentence by sentence. A token has some four characters. */
const pieces = (block: Block, limit: number): ReadonlyArray<Block> => {
  const most = limit * 4
  if (block.text.length <= most) return [block]
  const parts = block.text.match(block.kind === "code" ? /[^\n]*\n|[^\n]+$/g : /.+?[.!?](?:\s|$)|.+$/gs) ?? [block.text]
  const texts: Array<string> = []
  for (const part of parts.flatMap((whole) => whole.match(new RegExp(`.{1,${most}}`, "gs")) ?? [])) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + part.length <= most) texts[texts.length - 1] = last + part
    else texts.push(part)
  }
  return texts.map((text) => ({ ...block, text: text.trim() })).filter(({ text }) => text !== "")
}
