/** Prompts and answers of `@effect/ai` as plain data, in the manner of the GenAI conventions: roles and parts. */
import { cutString } from "../capture.ts"
import { fieldOf, isPart, textOf } from "./shapes.ts"

export interface Message {
  readonly role: string
  /** A text, where it is nothing else. */
  readonly content: unknown
}

/** The messages of a prompt in any of the forms that a program may hand over; iterables that can be read once are not. */
export const messagesOf = (prompt: unknown): ReadonlyArray<Message> => {
  if (typeof prompt === "string") return [{ role: "user", content: prompt }]
  const messages = Array.isArray(prompt) ? prompt : fieldOf(prompt, "content")
  return Array.isArray(messages)
    ? messages.map((message) => ({
      role: textOf(message, "role") ?? "user",
      content: contentOf(fieldOf(message, "content"))
    }))
    : []
}

/** Those that the model has not answered yet: a conversation hands over all that went before, each time. */
export const newMessages = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> =>
  messages.slice(messages.map(({ role }) => role).lastIndexOf("assistant") + 1)

/** A part without what only the program needs, and without the bytes of a file. */
export const partOf = (part: unknown): unknown => {
  if (!isPart(part)) return part
  switch (part.type) {
    case "text":
    case "reasoning":
      return { type: part.type, text: part.text }
    case "file":
      return {
        type: part.type,
        mediaType: part.mediaType,
        ...(part.fileName === undefined ? {} : { fileName: part.fileName }),
        ...(part.data === undefined ? {} : dataOf(part.data))
      }
    case "tool-call":
      return { type: part.type, id: part.id, name: part.name, params: part.params }
    case "tool-result":
      return {
        type: part.type,
        id: part.id,
        name: part.name,
        result: part.encodedResult ?? part.result,
        isFailure: part.isFailure
      }
    default:
      return Object.fromEntries(Object.entries(part).filter(([name]) => !isPrivate(name)))
  }
}

/** One text stands for itself. */
export const contentOf = (content: unknown): unknown => {
  if (!Array.isArray(content)) return content
  const [first] = content
  return content.length === 1 && isPart(first) && first.type === "text" ? first.text : content.map(partOf)
}

// internal

/** How `@effect/ai` marks what its values are; metadata holds signatures and ids, which say nothing to a reader. */
const isPrivate = (name: string): boolean => name.startsWith("~") || name === "metadata" || name === "options"

const dataOf = (data: unknown): Readonly<Record<string, unknown>> => {
  if (data instanceof Uint8Array) return { bytes: data.byteLength }
  const text = String(data)
  return /^https?:/.test(text) ? { url: cutString(text, maxUrlLength) } : { characters: text.length }
}

const maxUrlLength = 2_048
