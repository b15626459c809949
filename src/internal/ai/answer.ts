/** Collects a model's answer as it arrives: the figures always, the content only if it is wanted. */
import { partOf } from "./messages.ts"
import { fieldOf, isPart, type Part, textOf } from "./shapes.ts"

export class Answer {
  /** The number of parts received so far. */
  elements = 0
  /** The part that ends the answer, with the finish reason and the figures. */
  finish: Part | undefined
  /** The error that the vendor sent instead of an answer, or within a stream that went on. */
  error: unknown
  responseId: string | undefined
  responseModel: string | undefined
  readonly toolCalls: Array<string> = []
  private readonly keepsContent: boolean
  private readonly blocks: Array<Block> = []
  private readonly openBlocks = new Map<unknown, TextBlock>()
  private characters = 0

  constructor(keepsContent: boolean) {
    this.keepsContent = keepsContent
  }

  get hasBegun(): boolean {
    return this.elements > 0
  }

  /** @returns whether the part is something that the model said, and not something about it */
  add(part: unknown): boolean {
    this.elements++
    if (!isPart(part)) return false
    switch (part.type) {
      case "response-metadata":
        this.responseId ??= optionalText(part, "id")
        this.responseModel ??= optionalText(part, "modelId")
        return false
      case "finish":
        this.finish = part
        return false
      case "error":
        this.error = part.error
        return false
      case "tool-call":
        this.toolCalls.push(String(part.name))
        this.keep(part)
        return true
      case "tool-result":
        // results of the program's own tools are not part of the model's answer
        if (part.providerExecuted === true) this.keep(part)
        return false
      case "text":
      case "reasoning":
      case "file":
      case "source":
        this.keep(part)
        return true
      default:
        if (isDelta(part)) this.append(part)
        return isDelta(part) || part.type === "tool-params-delta"
    }
  }

  /** The parts of the answer, in the order in which they began; `undefined` when there is nothing to show. */
  content(): ReadonlyArray<unknown> | undefined {
    return this.blocks.length === 0
      ? undefined
      : this.blocks.map((block) => block instanceof TextBlock ? block.part() : block)
  }

  private keep(part: Part): void {
    // reasoning that the vendor does not disclose arrives as an empty text
    if (!this.keepsContent || part.text === "" || this.blocks.length >= maxBlocks) return
    this.blocks.push(partOf(part) as Block)
  }

  private append(part: Part): void {
    if (!this.keepsContent || typeof part.delta !== "string") return
    const key = `${part.type} ${String(part.id)}`
    let block = this.openBlocks.get(key)
    if (block === undefined) {
      if (this.blocks.length >= maxBlocks) return
      block = new TextBlock(part.type === "text-delta" ? "text" : "reasoning")
      this.openBlocks.set(key, block)
      this.blocks.push(block)
    }
    block.append(part.delta, maxCharacters - this.characters)
    this.characters += part.delta.length
  }
}

// internal

/** The limit of all texts together, a little less than the service keeps of one text; the rest is only counted. */
const maxCharacters = 1_000_000

const maxBlocks = 1_000

/** Reads a field that is an Effect `Option` in one form of the part, and a plain text in the other. */
const optionalText = (part: Part, name: string): string | undefined =>
  textOf(part, name) ?? textOf(fieldOf(part, name), "value")

type Block = object | TextBlock

const isDelta = ({ type }: Part): boolean => type === "text-delta" || type === "reasoning-delta"

class TextBlock {
  private readonly type: "text" | "reasoning"
  private readonly pieces: Array<string> = []
  private missing = 0

  constructor(type: "text" | "reasoning") {
    this.type = type
  }

  append(text: string, room: number): void {
    const kept = text.slice(0, Math.max(room, 0))
    this.missing += text.length - kept.length
    if (kept !== "") this.pieces.push(kept)
  }

  part(): object {
    const text = this.pieces.join("")
    return { type: this.type, text: this.missing === 0 ? text : `${text}... [cut: ${this.missing} characters]` }
  }
}
